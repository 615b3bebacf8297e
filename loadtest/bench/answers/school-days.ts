import { absenceShare, holidaysAround } from '../../region/calendar.ts';

const dayMs = 86_400_000;
/** Days between the terms, as MM-DD. */
const breaks = [
  ['05-27', '08-31'],
  ['10-27', '11-04'],
  ['12-29', '12-31'],
  ['01-01', '01-08'],
  ['03-23', '03-31'],
] as const;

/** One day of the calendar of every school. */
export interface HistoryDay {
  /** `YYYY-MM-DD`. */
  readonly school_day: string;
  /** Days since 1970. */
  readonly number: number;
  readonly is_open: boolean;
  readonly reason: string;
  /** Share of pupils who stay away. */
  readonly absence: number;
}

export function dayOf(number: number): string {
  return new Date(number * dayMs).toISOString().slice(0, 10);
}

export function numberOf(day: string): number {
  return Date.parse(`${day}T00:00:00Z`) / dayMs;
}

export function historyDay(number: number): HistoryDay {
  const day = dayOf(number);
  const weekday = new Date(number * dayMs).getUTCDay();
  const isHoliday =
    holidaysAround([day]).includes(day) || breaks.some(([from, to]) => day.slice(5) >= from && day.slice(5) <= to);
  const isWeekend = weekday === 0 || weekday === 6;
  const reason = isHoliday ? 'holiday' : isWeekend ? 'weekend' : 'weekday';
  return { school_day: day, number, is_open: reason === 'weekday', reason, absence: absenceShare(day) };
}

/** The last day with lessons up to and including this one. */
export function lastOpenDay(number: number): number {
  let last = number;
  while (!historyDay(last).is_open) last--;
  return last;
}
