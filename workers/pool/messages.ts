import type { CommandAnswer, LedgerCommand } from '../ledger/commands.ts';
import type { BookedDay } from '../ledger/state/day-book.ts';
import type { Limit } from '../ledger/state/pupil-settings.ts';
import type { Reservation } from '../ledger/state/reservations.ts';
import type { Transfer } from '../ledger/transfers.ts';
import type { Snapshot } from '../journal/snapshots.ts';
import type { AnsweredIdentities, BatchResult } from '../shard/shard.ts';

/** What the pool asks a worker thread; each is answered by the type beside it in `ShardAnswers`. */
export type ShardRequest =
  | { readonly type: 'open'; readonly shard: number; readonly directory: string; readonly segmentBytes: number }
  | { readonly type: 'batch'; readonly buffer: SharedArrayBuffer; readonly count: number; readonly nowMs: number }
  | { readonly type: 'commands'; readonly commands: readonly LedgerCommand[]; readonly nowMs: number }
  | { readonly type: 'prepare' }
  | { readonly type: 'snapshot' }
  /** `schoolDay`: the day whose spending and entitlements are asked for. */
  | { readonly type: 'account'; readonly pupilId: number; readonly schoolDay: number }
  | { readonly type: 'locate'; readonly taps: readonly TapIdentity[] }
  /** Which of these idempotency keys the shard has done a command under. */
  | { readonly type: 'keys'; readonly keys: readonly string[] }
  /** `locker` 0: all of the school. */
  | { readonly type: 'lockers'; readonly schoolId: number; readonly locker: number }
  | { readonly type: 'inside'; readonly schoolId: number }
  /** Days of one operator, or of all (0); of one school day, or of all (0). */
  | { readonly type: 'dayBook'; readonly operator: number; readonly schoolDay: number }
  | { readonly type: 'identities' }
  | { readonly type: 'totals' }
  | { readonly type: 'crash'; readonly how: 'throw' | 'exit' | 'memory' };

export interface Opened {
  readonly lastPosition: number;
  readonly blocks: number;
  readonly clearedBytes: number;
  readonly registryChange: number;
}

/** Why a shard cannot be opened, for a person. It is an answer, because errors lose their class between threads. */
export interface OpenRefused {
  readonly refused: { readonly code: string; readonly message: string; readonly remedy: string };
}

export interface TimedBatch extends BatchResult {
  /** Microseconds from the batch's arrival in the worker to its sync. */
  readonly busyUs: number;
  /** The next segment needs a piece more: ask for `prepare` now that nobody waits for this batch any more. */
  readonly wantsPrepare: boolean;
}

export interface TapIdentity {
  readonly readerId: number;
  readonly bootEpoch: number;
  readonly seq: number;
}

/** A reservation, and whose. */
export type Reserved = Reservation & { readonly pupilId: number };

/** A pupil who went in and has not come out. */
export interface Inside {
  readonly pupilId: number;
  readonly classId: number;
  /** When it went in, ms since 1970 UTC, and that school day. */
  readonly sinceMs: number;
  readonly schoolDay: number;
  readonly isDoubtful: boolean;
}

export interface AccountState {
  readonly pupilId: number;
  readonly schoolId: number;
  readonly classId: number;
  readonly active: boolean;
  readonly entitled: boolean;
  readonly shift: number;
  readonly balancesKop: PurseSums;
  /** What taps took that school day. */
  readonly spentKop: PurseSums;
  /** The pupil's own daily limits by purse number; the others are the rules'. */
  readonly limits: [purse: number, limit: Limit][];
  /** The daily limits by the rules of the pupil's school; null for none. */
  readonly rulesLimitsKop: Record<keyof PurseSums, Limit>;
  /** Meal windows whose entitlement was taken that school day. */
  readonly entitlementsTaken: number[];
  readonly forbiddenItems: number[];
  readonly reservations: readonly Reservation[];
  /** The school the pupil is inside, 0 for none; since when. */
  readonly insideSchoolId: number;
  readonly insideSinceMs: number;
  /** The newest movements that the shard has at hand, the newest first. */
  readonly movements: Transfer[];
  readonly position: number;
}

export interface PurseSums {
  meal: number;
  buffet: number;
  transport: number;
  services: number;
}

export interface Totals {
  readonly position: number;
  readonly sumKop: number;
  readonly pupils: number;
  readonly cards: number;
  /** Accounts with a balance, as [account id, kopecks]. */
  readonly balances: [number, number][];
}

export interface ShardAnswers {
  open: Opened | OpenRefused;
  batch: TimedBatch;
  commands: { readonly answers: CommandAnswer[]; readonly lastPosition: number };
  prepare: void;
  snapshot: Snapshot;
  account: AccountState | null;
  /** Journal positions of the taps, 0 where the shard does not remember one. */
  locate: number[];
  keys: boolean[];
  lockers: Reserved[];
  inside: Inside[];
  dayBook: BookedDay[];
  identities: AnsweredIdentities[];
  totals: Totals;
  crash: never;
}
