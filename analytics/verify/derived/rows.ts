/** What a school's day is derived of, as plain rows. Times in ms since 1970 UTC. */

export interface TapRow {
  readonly school: number;
  readonly day: number;
  readonly shard: number;
  readonly position: number;
  readonly at: number;
  readonly pupil: number;
  readonly class: number;
  readonly kind: number;
  readonly code: number;
  readonly deed: number;
  readonly flags: number;
  readonly doubtful: number;
  readonly minute: number;
  readonly item: number;
  readonly kop: number;
  readonly window: number;
}

export interface TransferRow {
  readonly id: number;
  readonly school: number;
  readonly day: number;
  readonly shard: number;
  readonly position: number;
  readonly pupil: number;
  readonly cause: number;
  readonly purse: number;
  readonly kop: number;
  readonly reverses: number;
  readonly isFare: number;
}

export interface PupilRow {
  readonly school: number;
  readonly pupil: number;
  readonly class: number;
  readonly shift: number;
  readonly doors: number;
  readonly bell: number;
  readonly end: number;
  readonly entitled: number;
  readonly excused: number;
}

/** A gate that is in use now. */
export interface GateRow {
  readonly school: number;
  readonly reader: number;
  /** Ascending moments at which it was heard of; and those of them that were stored well before the derivation. */
  readonly heard: readonly number[];
  readonly heardBefore: readonly number[];
}

/** One school's day. */
export interface DayInputs {
  readonly school: number;
  readonly day: number;
  /** The moment that it was derived as of. */
  readonly asOf: number;
  /** Of its own day. */
  readonly taps: readonly TapRow[];
  readonly transfers: readonly TransferRow[];
  readonly pupils: readonly PupilRow[];
  readonly gates: readonly GateRow[];
  readonly isClosed: boolean;
  readonly district: number;
  readonly rosterRevision: number;
  readonly calendarRevision: number;
  readonly elsewhere: Elsewhere;
}

/** What the day's reversals lead to, and what leads to the day. */
export interface Elsewhere {
  /** Sales that are taken back, by their ids. */
  readonly sales: ReadonlyMap<number, TransferRow>;
  /** Meals, buffet and rides of the days of those sales and of the day, by shard and position. */
  readonly taps: ReadonlyMap<string, TapRow>;
  /** Refusals that an OUTCOME may have turned round, by `refusalKey`, in the order of their positions. */
  readonly refusals: ReadonlyMap<string, readonly TapRow[]>;
  /** Ids of transfers that were taken back, on whichever day. */
  readonly takenBack: ReadonlySet<number>;
}

export const placeKey = (shard: number, position: number): string => `${shard}:${position}`;

export function refusalKey(of: {
  shard: number;
  school: number;
  day: number;
  pupil: number;
  isFare: boolean;
  kop: number;
}): string {
  return `${of.shard}:${of.school}:${of.day}:${of.pupil}:${of.isFare ? 1 : 0}:${of.kop}`;
}

/** A row of a derived table: its columns in any order; null is null. */
export type Cells = Readonly<Record<string, number | string | null>>;
