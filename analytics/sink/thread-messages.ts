import type { SinkLimits } from '../limits.ts';
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
  readonly limits?: Partial<SinkLimits>;
}

export type ToSinkThread = { readonly type: 'stop'; readonly drainTimeoutMs: number };

export type FromSinkThread =
  | { readonly type: 'status'; readonly status: SinkStatus }
  | {
      readonly type: 'log';
      readonly level: 'info' | 'warn' | 'error';
      readonly fields: object;
      readonly message: string;
    };
