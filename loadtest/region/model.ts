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
  readonly tillId: number;
  /** Null where the pupil walks. */
  readonly busId: number | null;
  readonly locker: number | null;
  readonly purses: Readonly<Record<PlannedPurse, number>>;
}

export type PlannedPurse = 'meal' | 'buffet' | 'transport';

export type ReaderRole = 'turnstile' | 'till' | 'locker' | 'bus';

export interface PlannedReader {
  readonly readerId: number;
  readonly role: ReaderRole;
  readonly place: string;
}

export interface School extends SchoolPlan {
  readonly name: string;
  /** Minutes after local midnight at which a shift's first lesson begins. */
  readonly bells: Readonly<Record<1 | 2, number>>;
  readonly breakfastKop: number;
  readonly lunchKop: number;
  readonly classes: readonly SchoolClass[];
  readonly readers: readonly PlannedReader[];
  readonly pupilList: readonly Pupil[];
}

/** One tap that a reader will make: UTC milliseconds, UID in hex, kind, kopecks (0: none), ref (0: none). */
export type PlannedTap = readonly [atMs: number, uid: string, kind: number, amountKop: number, ref: number];

/** One line of `plan/DAY.ndjson`. */
export interface ReaderPlan {
  readonly reader_id: number;
  readonly school_id: number;
  readonly role: ReaderRole;
  readonly taps: readonly PlannedTap[];
}
