import { kindNames } from '../../ingest/protocol/codes.ts';
import type { Verdict, VerdictFlag } from '../oracle/model.ts';
import type { Oracle } from '../oracle/oracle.ts';
import { knownPupil } from './known-pupil.ts';
import type { PlannedPurse, Pupil, ReaderPlan, School, SchoolTap } from './model.ts';
import type { PupilDay } from './pupil-day.ts';
import { localDayMinute } from './zones.ts';

/**
 * One tap as it must be answered and booked. `n`: its place in the reader's plan of the day, from 1: the seq without
 * reboots. `kop` is what the reader sends, `debited_kop` what leaves the pupil's `purse`, `entitled_kop` what the
 * district's fund pays.
 */
export interface TrueTap {
  readonly reader_id: number;
  readonly n: number;
  readonly at_ms: number;
  readonly kind: number;
  readonly kop: number;
  readonly ref: number;
  readonly reader_flags: number;
  readonly code: number;
  readonly flags: readonly VerdictFlag[];
  readonly purse: PlannedPurse | null;
  readonly debited_kop: number;
  readonly entitled_kop: number;
  readonly went_through: boolean;
}

/**
 * One line of `truth/DAY.ndjson`; `pupil_id` null for the card of a stranger. Strangers, and pupils on a visit to another
 * school, have no presence there.
 */
export interface TrueDay {
  readonly pupil_id: number | null;
  /** Of the readers. */
  readonly school_id: number;
  readonly class_id: number | null;
  readonly card_uid: string;
  readonly presence: 'on_time' | 'late' | 'absent' | 'without_card' | null;
  /** Whether it is excused from the day, wherever it is then. */
  readonly excused: boolean | null;
  readonly bell_ms: number | null;
  /** When the pupil passed the gate (or, without a card, the door). */
  readonly came_ms: number | null;
  readonly left_ms: number | null;
  /** At the end of the day, as the gates have seen it; null where nothing is known. */
  readonly inside: boolean | null;
  readonly eaten: readonly { readonly kind: string; readonly ref: number; readonly kop: number }[];
  readonly balances_kop: Readonly<Record<PlannedPurse, number>> | null;
  readonly taps: readonly TrueTap[];
}

/** A planned tap with what the oracle says of it. */
export interface DecidedTap {
  readonly tap: SchoolTap;
  readonly verdict: Verdict;
}

/** Decides taps in order of time: within a day they are the day's, whatever the plan's zone. */
export function decideDay(taps: readonly SchoolTap[], timeZone: string, school: School, oracle: Oracle): DecidedTap[] {
  return taps.map((tap) => {
    const { readerId, schoolId, atMs, kind, amountKop, ref, flags } = tap;
    const pupil = tap.pupil === null ? null : knownPupil(school, tap.pupil);
    const { day, minute } = localDayMinute(atMs, timeZone);
    const rest = { readerId, schoolId, atMs, kind, amountKop, ref, flags };
    return { tap, verdict: oracle.decide({ ...rest, pupil, day, minute, doubtful: false }) };
  });
}

/** Numbers the taps of each reader in order of time. */
export function numbered(decided: readonly DecidedTap[]): TrueTap[] {
  const placeByReader = new Map<number, number>();
  return decided.map(({ tap, verdict }) => {
    const n = (placeByReader.get(tap.readerId) ?? 0) + 1;
    placeByReader.set(tap.readerId, n);
    return {
      reader_id: tap.readerId,
      n,
      at_ms: tap.atMs,
      kind: tap.kind,
      kop: tap.amountKop,
      ref: tap.ref,
      reader_flags: tap.flags,
      code: verdict.code,
      flags: verdict.flags,
      purse: verdict.purse,
      debited_kop: verdict.debitedKop,
      entitled_kop: verdict.entitledKop,
      went_through: verdict.wentThrough,
    };
  });
}

/** The plan lines of a school's readers, those without taps included. */
export function readerPlans(school: School, taps: readonly SchoolTap[]): ReaderPlan[] {
  const byReader = new Map(school.readers.map(({ readerId }) => [readerId, [] as ReaderPlan['taps'][number][]]));
  for (const { readerId, atMs, uid, kind, amountKop, ref, flags } of taps) {
    byReader
      .get(readerId)
      ?.push(flags === 0 ? [atMs, uid, kind, amountKop, ref] : [atMs, uid, kind, amountKop, ref, flags]);
  }
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
  source: { taps: readonly TrueTap[]; midnightMs: number; oracle: Oracle; excused: boolean },
): TrueDay {
  const { taps, midnightMs, oracle, excused } = source;
  const bellMs = midnightMs + day.bellMinute * 60_000;
  const doorMs = day.cameMinute === null ? null : Math.round(midnightMs + day.cameMinute * 60_000);
  const passed = (kind: number): TrueTap[] => taps.filter((tap) => tap.kind === kind && tap.went_through);
  const cameMs = passed(1).at(0)?.at_ms ?? doorMs;
  const memory = oracle.memory(knownPupil(school, pupil));
  return {
    pupil_id: pupil.pupilId,
    school_id: school.schoolId,
    class_id: pupil.schoolClass.classId,
    card_uid: pupil.uid,
    presence: presenceOf(day, cameMs, bellMs),
    excused,
    bell_ms: bellMs,
    came_ms: cameMs,
    left_ms: passed(2).at(-1)?.at_ms ?? null,
    inside: memory.inside,
    eaten: taps
      .filter((tap) => (tap.kind === 3 || tap.kind === 4) && tap.went_through)
      .map(({ kind, ref, debited_kop: debited, entitled_kop: entitled }) => {
        return { kind: kindNames[kind - 1], ref, kop: debited + entitled };
      }),
    balances_kop: { ...memory.balancesKop },
    taps,
  };
}

function presenceOf(day: PupilDay, cameMs: number | null, bellMs: number): TrueDay['presence'] {
  if (day.presence !== 'came') return day.presence;
  return cameMs !== null && cameMs > bellMs ? 'late' : 'on_time';
}

/** The truth about a card of which no day is told at this school: a stranger's, or a visitor's. */
export function passerBy(school: School, { uid, pupil }: SchoolTap, tap: TrueTap): TrueDay {
  return {
    pupil_id: pupil?.pupilId ?? null,
    school_id: school.schoolId,
    class_id: pupil?.schoolClass.classId ?? null,
    card_uid: uid,
    presence: null,
    excused: null,
    bell_ms: null,
    came_ms: null,
    left_ms: null,
    inside: null,
    eaten: [],
    balances_kop: null,
    taps: [tap],
  };
}
