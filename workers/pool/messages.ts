import type { CommandAnswer, LedgerCommand } from '../ledger/commands.ts';
import type { Snapshot } from '../journal/snapshots.ts';
import type { AnsweredIdentities, BatchResult } from '../shard/shard.ts';

/** What the pool asks a worker thread; each is answered by the type beside it in `ShardAnswers`. */
export type ShardRequest =
  | { readonly type: 'open'; readonly shard: number; readonly directory: string; readonly segmentBytes: number }
  | { readonly type: 'batch'; readonly buffer: SharedArrayBuffer; readonly count: number; readonly nowMs: number }
  | { readonly type: 'commands'; readonly commands: readonly LedgerCommand[]; readonly nowMs: number }
  | { readonly type: 'prepare' }
  | { readonly type: 'snapshot' }
  | { readonly type: 'account'; readonly pupilId: number }
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

export interface AccountState {
  readonly pupilId: number;
  readonly schoolId: number;
  readonly classId: number;
  readonly active: boolean;
  readonly entitled: boolean;
  readonly balancesKop: { meal: number; buffet: number; transport: number; services: number };
  readonly position: number;
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
  identities: AnsweredIdentities[];
  totals: Totals;
  crash: never;
}
