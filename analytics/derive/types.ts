/** A school and a day of its, days since 1970. */
export interface SchoolDay {
  readonly schoolId: number;
  readonly schoolDay: number;
}

/** Why a school day is derived again. */
export type DeriveCause = 'taps' | 'transfers' | 'reversal' | 'roster' | 'calendar' | 'clock' | 'asked';

/** A school day that was changed, and what changed it. */
export interface DirtyMark extends SchoolDay {
  readonly cause: DeriveCause;
}

/** What rows of the journal change of what is derived. */
export interface Touched {
  /** By `packKey`. */
  readonly byTaps: Set<number>;
  readonly byTransfers: Set<number>;
  /** Transfers of the entitlement fund that were taken back: the days they were made on are touched as well. */
  readonly reversed: Map<number, number[]>;
}

export interface DeriveStatus {
  /** School days that wait or are being derived. */
  readonly backlogKeys: number;
  /** How long the oldest of them has; 0 without any. */
  readonly oldestMs: number;
  /** True while stored rows wait to be looked through. */
  readonly isScanning: boolean;
  /** School days derived since the start. */
  readonly derivedKeys: number;
  readonly lastError: string | undefined;
}
