/** Bounds of the embedded engine. */
export const engineLimits = {
  /** Share of the machine's memory that the engine may use, between the two bounds below. */
  memoryShare: 0.25,
  memoryBytesMin: 1_000_000_000,
  memoryBytesMax: 8_000_000_000,
  markCacheBytes: 128 * 1024 * 1024,
  /** How long a start may take, a predecessor that still holds the directory included. */
  startTimeoutMs: 120_000,
  readyPollMs: 50,
  /** How long the engine may take to end by itself before it is killed. */
  stopTimeoutMs: 20_000,
  restartDelayMinMs: 100,
  restartDelayMaxMs: 10_000,
  /** An engine that has answered nothing for so long is killed and restarted. */
  hungAfterMs: 120_000,
  healthIntervalMs: 5_000,
  /** The engine's own log rotates at this size, and its standard output is cut there. */
  logBytesMax: 4 * 1024 * 1024,
} as const;

/** Bounds of the HTTP client. */
export const clientLimits = {
  requestTimeoutMs: 60_000,
  connectionsMax: 8,
  /** Below the server's keep-alive (10 s by default), so that we never write to a socket that it is closing. */
  idleSocketMs: 2_500,
} as const;

export interface SinkLimits {
  /** Taps in one batch, unless a single block holds more. */
  readonly batchTapsMax: number;
  /** Bytes of taps and transfers in one batch, unless a single block holds more. */
  readonly batchBytesMax: number;
  /** A block above this is damage, not data. */
  readonly blockBytesMax: number;
  /** The shortest time between two batches of a shard that is not behind. */
  readonly flushIntervalMs: number;
  /** How often the durable positions are looked at. */
  readonly pollIntervalMs: number;
  readonly retryDelayMinMs: number;
  readonly retryDelayMaxMs: number;
  /** Inserts under way at once, over all shards. */
  readonly insertsMax: number;
  /** One insert or one question may take this long before its reply counts as lost. */
  readonly insertTimeoutMs: number;
  /** Over how long the rate of stored rows is measured. */
  readonly rateWindowMs: number;
}

export const sinkLimits: SinkLimits = {
  batchTapsMax: 65_536,
  batchBytesMax: 16 * 1024 * 1024,
  blockBytesMax: 64 * 1024 * 1024,
  flushIntervalMs: 250,
  pollIntervalMs: 20,
  retryDelayMinMs: 50,
  retryDelayMaxMs: 5_000,
  insertsMax: 2,
  insertTimeoutMs: 60_000,
  rateWindowMs: 10_000,
};

/**
 * Rows that ClickHouse takes as one block; an insert must be one block, because only one block of one partition is
 * stored whole or not at all.
 */
export const insertBlockRowsMax = 4_194_304;

/** Tokens that a table remembers: hours of inserts at full speed; `sink/deliver.ts` says what happens beyond. */
export const deduplicationWindow = 100_000;

/** Bounds of the thread that runs the sink. */
export const sinkThreadLimits = {
  statusIntervalMs: 200,
  /** How often the service's clock is told to it. */
  clockIntervalMs: 100,
  restartDelayMinMs: 100,
  restartDelayMaxMs: 5_000,
  heapMbMax: 512,
  /** How often a waiter looks at the stored position. */
  waitPollMs: 10,
  /** Beyond the drain, how long the thread may take to end. */
  endTimeoutMs: 5_000,
} as const;

/** Bounds of a query that a person types. */
export const sqlLimits = {
  executionSecondsMax: 60,
  memoryBytesMax: 1_000_000_000,
  errorCharactersMax: 500,
} as const;

/** Bounds of the comparison of journal and store. */
export const verifyLimits = {
  /** Ranges of positions that a comparison names at most. */
  rangesMax: 100,
  /** Positions that are compared one by one at a time. */
  windowPositions: 500_000,
  executionSecondsMax: 600,
  /** Above this, counting different identities goes on on disk. */
  groupBytesMax: 400_000_000,
} as const;

/** Throws when bounds contradict each other. */
export function assertSinkLimits(limits: SinkLimits, recordBytesMin: number): void {
  const rowsMax =
    Math.max(limits.batchTapsMax, limits.batchBytesMax / recordBytesMin) + limits.blockBytesMax / recordBytesMin;
  if (rowsMax > insertBlockRowsMax) throw new RangeError(`a batch of ${rowsMax} rows would not be one insert block`);
  if (limits.insertsMax < 1 || limits.batchTapsMax < 1) throw new RangeError('a sink must be able to insert');
}
