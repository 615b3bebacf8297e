import type { SchoolRules } from '../oracle/rules.ts';
import type { RegionSize } from './defaults.ts';

export interface RegionOptions {
  readonly seed: number;
  readonly size: RegionSize;
  /** School days, `YYYY-MM-DD`, ascending. */
  readonly days: readonly string[];
  /** Turnstiles are added until the region has so many readers; 0 for as many as its pupils need. */
  readonly readersMin: number;
}

/** A school before its people: where it lies in the numbering of the region. */
export interface SchoolPlan {
  readonly schoolId: number;
  readonly districtId: number;
  readonly timeZone: string;
  readonly pupils: number;
  readonly extraTurnstiles: number;
  readonly firstClassId: number;
  readonly firstPupilId: number;
  readonly firstReaderId: number;
}

export interface SchoolClass {
  readonly classId: number;
  readonly grade: number;
  readonly name: string;
  readonly shift: 1 | 2;
  readonly pupils: number;
}

export interface Pupil {
  readonly pupilId: number;
  readonly schoolClass: SchoolClass;
  readonly lastName: string;
  readonly firstName: string;
  readonly entitled: boolean;
  readonly uid: string;
  readonly blocked: boolean;
  /** The card's last day, YYYY-MM-DD; null for no end. */
  readonly expires: string | null;
  /** Still at school; others have code 43. */
  readonly active: boolean;
  readonly tillId: number;
  /** Null where the pupil walks. */
  readonly busId: number | null;
  readonly locker: number | null;
  readonly reservation: PlannedReservation | null;
  /** Items that the parents do not want it to buy. */
  readonly forbidden: readonly number[];
  /** Daily limits of its own, kopecks; null for none at all. */
  readonly limitsKop: Readonly<Partial<Record<PlannedPurse, number | null>>>;
  readonly purses: Readonly<Record<PlannedPurse, number>>;
}

export type PlannedPurse = 'meal' | 'buffet' | 'transport';

/** UTC milliseconds, `toMs` not included. */
export interface PlannedReservation {
  readonly fromMs: number;
  readonly toMs: number;
}

export type ReaderRole = 'turnstile' | 'till' | 'locker' | 'bus';

export interface PlannedReader {
  readonly readerId: number;
  readonly role: ReaderRole;
  readonly place: string;
  /** The line that a bus runs on; 0 for other readers. */
  readonly route: number;
}

export interface School extends SchoolPlan {
  readonly name: string;
  /** Minutes after local midnight at which a shift's first lesson begins. */
  readonly bells: Readonly<Record<1 | 2, number>>;
  readonly rules: SchoolRules;
  /** The gate of the next school of the district, where its pupils go at times; null for the last. */
  readonly neighbour: { readonly readerId: number; readonly schoolId: number } | null;
  readonly classes: readonly SchoolClass[];
  readonly readers: readonly PlannedReader[];
  readonly pupilList: readonly Pupil[];
}

/**
 * One tap that a reader will make: UTC milliseconds, UID in hex, kind, kopecks (0: none), ref (0: none), and where there
 * are any the flags of the protocol.
 */
export type PlannedTap = readonly [
  atMs: number,
  uid: string,
  kind: number,
  amountKop: number,
  ref: number,
  flags?: number,
];

/** One line of `plan/DAY.ndjson`. */
export interface ReaderPlan {
  readonly reader_id: number;
  readonly school_id: number;
  readonly role: ReaderRole;
  readonly taps: readonly PlannedTap[];
}

/** A tap that a reader makes; `pupil` null for a card that nobody issued. */
export interface SchoolTap {
  readonly readerId: number;
  /** The reader's school. */
  readonly schoolId: number;
  readonly atMs: number;
  readonly pupil: Pupil | null;
  readonly uid: string;
  readonly kind: number;
  readonly amountKop: number;
  readonly ref: number;
  readonly flags: number;
}
