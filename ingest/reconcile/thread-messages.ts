import type { DaySums } from './day-sums.ts';

export interface CounterThreadData {
  /** Keeps the sums over a restart. */
  readonly file: string;
  readonly journalDirectory: string;
  /** One float64 for each shard. */
  readonly durablePositions: SharedArrayBuffer;
}

/** Days since 1970, both included. */
export interface CountsAsked {
  readonly id: number;
  readonly fromDay: number;
  readonly toDay: number;
  readonly schools: readonly number[];
}

export interface CountedRow extends DaySums {
  readonly schoolId: number;
  readonly schoolDay: number;
  /** By shard, the newest position that changed it since the start. */
  readonly positions: readonly number[];
  /** Later days of the school on which something was sold. */
  readonly laterSaleDays: number;
}

export interface CountsTold {
  readonly id: number;
  readonly rows: readonly CountedRow[];
  /** How far each shard's journal is counted. */
  readonly positions: readonly number[];
  /** True when the journals held more than was counted. */
  readonly isBehind: boolean;
  /** Nothing is known of days before this one. */
  readonly keptFromDay: number;
}
