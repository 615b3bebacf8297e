import type { ExpectedPupil } from '../../analytics/roster/roster-rows.ts';
import type { LocalClock } from '../registry/local-time.ts';
import type { BellsRow, CalendarRow } from '../registry/schema.ts';

/** Minutes of the local day. */
export type ShiftTimes = Pick<BellsRow, 'doors_min' | 'first_min' | 'last_min'>;

const firstShift: ShiftTimes = { doors_min: 7 * 60, first_min: 8 * 60 + 30, last_min: 14 * 60 };
const laterShift: ShiftTimes = { doors_min: 13 * 60 + 30, first_min: 14 * 60, last_min: 19 * 60 + 30 };
export const shifts = [1, 2, 3] as const;

/** Why a day is open or closed: what the calendar says, or that of the week. */
export type DayReason = CalendarRow['kind'] | 'weekday' | 'weekend';

/** 1 January 1970 was a Thursday; Monday is 0. */
function isWeekend(schoolDay: number): boolean {
  return (schoolDay + 3) % 7 >= 5;
}

/** `lines`: what the calendar says of this day and school, in order. The last counts. */
export function kindOfDay(
  schoolDay: number,
  lines: readonly CalendarRow['kind'][],
): { isOpen: boolean; reason: DayReason } {
  const kind = lines.at(-1);
  if (kind !== undefined) return { isOpen: kind === 'open', reason: kind };
  return isWeekend(schoolDay) ? { isOpen: false, reason: 'weekend' } : { isOpen: true, reason: 'weekday' };
}

export type ShiftInstants = Pick<ExpectedPupil, 'doorsAtMs' | 'bellAtMs' | 'endAtMs'>;

/** The instants of each shift of a local day, by shift; shifts without bells have the defaults. */
export function instantsOf(
  clock: LocalClock,
  schoolDay: number,
  bells: readonly (ShiftTimes & { readonly shift: number })[],
): Map<number, ShiftInstants> {
  const entries = shifts.map((shift): [number, ShiftInstants] => {
    const own = bells.find((row) => row.shift === shift);
    const { doors_min: doors, first_min: first, last_min: last } = own ?? (shift === 1 ? firstShift : laterShift);
    const at = (minute: number): number => clock.instantMs(schoolDay, minute);
    return [shift, { doorsAtMs: at(doors), bellAtMs: at(first), endAtMs: at(last) }];
  });
  return new Map(entries);
}
