import type { SinkLimits } from '../limits.ts';
import type { DeriveLimits } from '../derive/limits.ts';
import type { DirtyMark, DeriveStatus } from '../derive/types.ts';
import type { SinkStatus } from './types.ts';

/** What the sink's thread is started with; plain data, because it crosses a thread. */
export interface SinkThreadData {
  readonly shardCount: number;
  readonly clickhouseUrl: string;
  readonly cursorDirectory: string;
  /** Folder of the journals of all shards. */
  readonly journalDirectory: string;
  /** A module that exports `openJournalCursor(journalDirectory, shard, afterPosition)`. */
  readonly cursorModule: string;
  /** One float64 for each shard: its durable position, written by the service. */
  readonly durablePositions: SharedArrayBuffer;
  /** One float64 for each shard: its stored position, written by the thread. */
  readonly storedPositions: SharedArrayBuffer;
  /** One float64: the service's clock, ms since 1970 UTC, written by the service. */
  readonly clockMs: SharedArrayBuffer;
  readonly tapRetentionDays?: number;
  readonly limits?: Partial<SinkLimits>;
  readonly deriveLimits?: Partial<DeriveLimits>;
}

export type ToSinkThread =
  | { readonly type: 'stop'; readonly drainTimeoutMs: number }
  | { readonly type: 'mark'; readonly id: number; readonly keys: readonly DirtyMark[] }
  | { readonly type: 'derive'; readonly id: number; readonly schoolId: number; readonly schoolDay: number };

export type FromSinkThread =
  | { readonly type: 'status'; readonly status: SinkStatus; readonly derive: DeriveStatus | undefined }
  | { readonly type: 'answer'; readonly id: number; readonly done: boolean; readonly failure: string | undefined }
  | {
      readonly type: 'log';
      readonly level: 'info' | 'warn' | 'error';
      readonly fields: object;
      readonly message: string;
    };
