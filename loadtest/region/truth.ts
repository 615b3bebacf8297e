import { kindNames } from '../../ingest/protocol/codes.ts';
import type { PlannedPurse, Pupil, ReaderPlan, School } from './model.ts';
import type { SchoolOracle } from './oracle.ts';
import type { PupilDay } from './pupil-day.ts';
import type { SchoolTap } from './queues.ts';

/** One tap as it must be answered. `n`: its place in the reader's plan of the day, from 1: the seq without reboots. */
export interface TrueTap {
  readonly reader_id: number;
  readonly n: number;
  readonly at_ms: number;
  readonly kind: number;
  readonly kop: number;
  readonly ref: number;
  readonly code: number;
}

/** One line of `truth/DAY.ndjson`; `pupil_id` null for the card of a stranger, who has no presence. */
export interface TrueDay {
  readonly pupil_id: number | null;
  readonly school_id: number;
  readonly class_id: number | null;
  readonly card_uid: string;
  readonly presence: 'on_time' | 'late' | 'absent' | 'without_card' | null;
  readonly bell_ms: number | null;
  /** When the pupil passed the gate (or, without a card, the door). */
  readonly came_ms: number | null;
  readonly left_ms: number | null;
  readonly eaten: readonly { readonly kind: string; readonly ref: number; readonly kop: number }[];
  readonly balances_kop: Readonly<Record<PlannedPurse, number>> | null;
  readonly taps: readonly TrueTap[];
}

/** `truth/DAY.totals.json`: what a day comes to. */
export interface DayTotals {
  readonly day: string;
  taps: number;
  debited_kop: number;
  readonly presence: Record<string, number>;
  readonly codes: Record<string, Record<string, number>>;
  readonly balances_kop: Record<PlannedPurse, number>;
}

export function emptyTotals(day: string): DayTotals {
  return { day, taps: 0, debited_kop: 0, presence: {}, codes: {}, balances_kop: { meal: 0, buffet: 0, transport: 0 } };
}

/** Codes that let the child through or sell the meal: 10 to 39. */
function isAccepted(code: number): boolean {
  return code >= 10 && code < 40;
}

/** Numbers the taps of each reader and decides each one, in order of time. */
export function decideDay(taps: readonly SchoolTap[], oracle: SchoolOracle): TrueTap[] {
  const placeByReader = new Map<number, number>();
  return taps.map((tap) => {
    const n = (placeByReader.get(tap.readerId) ?? 0) + 1;
    placeByReader.set(tap.readerId, n);
    const { readerId, atMs, kind, amountKop, ref } = tap;
    return { reader_id: readerId, n, at_ms: atMs, kind, kop: amountKop, ref, code: oracle.decide(tap) };
  });
}

/** The plan lines of a school's readers, those without taps included. */
export function readerPlans(school: School, taps: readonly SchoolTap[]): ReaderPlan[] {
  const byReader = new Map(school.readers.map(({ readerId }) => [readerId, [] as ReaderPlan['taps'][number][]]));
  for (const tap of taps) byReader.get(tap.readerId)?.push([tap.atMs, tap.uid, tap.kind, tap.amountKop, tap.ref]);
  return school.readers.map(({ readerId, role }) => ({
    reader_id: readerId,
    school_id: school.schoolId,
    role,
    taps: byReader.get(readerId) ?? [],
  }));
}

/** The truth about one pupil. `midnightMs` is the UTC instant at which the school's day begins. */
export function trueDayOf(
  school: School,
  pupil: Pupil,
  day: PupilDay,
  source: { taps: readonly TrueTap[]; midnightMs: number; oracle: SchoolOracle },
): TrueDay {
  const { taps, midnightMs, oracle } = source;
  const bellMs = midnightMs + day.bellMinute * 60_000;
  const doorMs = day.cameMinute === null ? null : Math.round(midnightMs + day.cameMinute * 60_000);
  const cameMs = taps.find((tap) => tap.kind === 1)?.at_ms ?? doorMs;
  return {
    pupil_id: pupil.pupilId,
    school_id: school.schoolId,
    class_id: pupil.schoolClass.classId,
    card_uid: pupil.uid,
    presence: presenceOf(day, cameMs, bellMs),
    bell_ms: bellMs,
    came_ms: cameMs,
    left_ms: taps.findLast((tap) => tap.kind === 2)?.at_ms ?? null,
    eaten: taps
      .filter((tap) => (tap.kind === 3 || tap.kind === 4) && isAccepted(tap.code))
      .map(({ kind, ref, kop }) => ({ kind: kindNames[kind - 1], ref, kop })),
    balances_kop: { ...oracle.balances(pupil.pupilId) },
    taps,
  };
}

function presenceOf(day: PupilDay, cameMs: number | null, bellMs: number): TrueDay['presence'] {
  if (day.presence !== 'came') return day.presence;
  return cameMs !== null && cameMs > bellMs ? 'late' : 'on_time';
}

/** The truth about the cards of strangers. */
export function strangersOf(school: School, taps: readonly SchoolTap[], decided: readonly TrueTap[]): TrueDay[] {
  return taps.flatMap((tap, place) =>
    tap.pupil !== null
      ? []
      : [
          {
            pupil_id: null,
            school_id: school.schoolId,
            class_id: null,
            card_uid: tap.uid,
            presence: null,
            bell_ms: null,
            came_ms: null,
            left_ms: null,
            eaten: [],
            balances_kop: null,
            taps: [decided[place]],
          },
        ],
  );
}

export function addToTotals(totals: DayTotals, truth: TrueDay): void {
  if (truth.presence !== null) totals.presence[truth.presence] = (totals.presence[truth.presence] ?? 0) + 1;
  for (const tap of truth.taps) {
    totals.taps++;
    if (isAccepted(tap.code)) totals.debited_kop += tap.kop;
    const codes = (totals.codes[kindNames[tap.kind - 1]] ??= {});
    codes[tap.code] = (codes[tap.code] ?? 0) + 1;
  }
  for (const purse of ['meal', 'buffet', 'transport'] as const) {
    totals.balances_kop[purse] += truth.balances_kop?.[purse] ?? 0;
  }
}
