/** A school and a day of its, days since 1970. */
export interface SchoolDay {
  readonly schoolId: number;
  readonly schoolDay: number;
}

/** Why a school day is derived again. */
export type DeriveCause = 'taps' | 'transfers' | 'reversal' | 'roster' | 'calendar' | 'clock' | 'form' | 'asked';

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

/** Schools whose day is derived together. */
export interface DeriveRun {
  /** Days since 1970. */
  readonly schoolDay: number;
  readonly schools: readonly { readonly schoolId: number; readonly cause: string }[];
  /** The service's clock, ms since 1970 UTC: what is due later is not missed yet. */
  readonly asOfMs: number;
}

/** The side of ClickHouse that the deriver sees. */
export interface DeriveStore {
  /** Replaces everything that is derived of these school days, all of it or nothing. */
  derive(run: DeriveRun): Promise<void>;
  /** The school days that these transfers were booked on. */
  daysOfTransfers(ids: readonly number[]): Promise<SchoolDay[]>;
  /**
   * School days, from a day on, whose roster or calendar is another than the derived one, or that a bell or an end has
   * passed since; and days of any age that an earlier version derived.
   */
  outOfDate(fromDay: number, asOfMs: number): Promise<DirtyMark[]>;
  close(): Promise<void>;
}
