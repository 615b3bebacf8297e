import type { JournalCursor } from '../../workers/journal/types.ts';
import type { SinkLimits } from '../limits.ts';
import type { Logger } from '../logger.ts';
import type { Batch } from './batch.ts';
import type { CursorStore } from './cursor.ts';
import type { RowStore } from './store.ts';

export interface ShardStatus {
  readonly shard: number;
  /** Up to here everything is in ClickHouse and the cursor is durable. */
  readonly storedPosition: number;
  /** Up to here everything is in the journal and synced. */
  readonly durablePosition: number;
  /** Records (taps and commands) between the two. */
  readonly backlogRecords: number;
  /** How long the oldest of them has been durable, as far as this sink has seen; 0 when all are stored. */
  readonly lagMs: number;
  /** Why the last attempt failed, in one line; undefined when it did not. */
  readonly lastError: string | undefined;
  /** True when only a person can help: the shard has stopped, the others go on. */
  readonly halted: boolean;
}

export interface SinkStatus {
  readonly shard: readonly ShardStatus[];
  /** Taps and transfers stored, over the last seconds. */
  readonly rowsPerSecond: number;
  /** Until the backlog is drained at this rate; 0 without backlog, undefined when nothing moves. */
  readonly etaSeconds: number | undefined;
}

/** Is told of everything that is stored, in the order of each shard. */
export interface StoredFollower {
  /** A batch is stored and its cursor durable; its bytes are good until this comes back. */
  follow(batch: Batch): void;
  /** A shard is stored up to here; told at the start and with each batch. */
  stored(shard: number, storedPosition: number): void;
  start(): void;
  stop(): Promise<void>;
}

export interface SinkOptions {
  readonly shardCount: number;
  /** Address of ClickHouse with credentials and database. */
  readonly clickhouseUrl: string;
  /** Folder of the cursors; one folder below it for each database that was ever filled. */
  readonly cursorDirectory: string;
  /** Opens a shard's journal at the first block that holds a position above `afterPosition`. */
  readonly openCursor: (shard: number, afterPosition: number) => JournalCursor;
  /** The shard's last synced position; always the end of a block. */
  readonly durablePosition: (shard: number) => number;
  /** Called when the cursor behind `storedPosition` is durable. */
  readonly onStored?: (shard: number, storedPosition: number) => void;
  /** Opens the follower when the schema is there; the id names the database, older days than the first have no taps. */
  readonly openFollower?: (installationId: string, firstTapDay: () => number) => StoredFollower;
  /** Days that taps are kept, 0 for good; without, as the database has it. */
  readonly tapRetentionDays?: number;
  readonly limits?: Partial<SinkLimits>;
  readonly logger?: Logger;
  /** For tests: other sides than ClickHouse and the files. */
  readonly wrapStore?: (store: RowStore) => RowStore;
  readonly wrapCursors?: (cursors: CursorStore) => CursorStore;
}
