/** Rows of telemetry that are kept while ClickHouse is away or slow; beyond them the oldest go, and are counted. */
export const beatRowsBufferedMax = 100_000;

/** Rows of one insert; encoding them takes about a millisecond. */
export const beatRowsPerInsertMax = 2_048;

/** How often rows are inserted. */
export const beatFlushIntervalMs = 5_000;

/** One insert may take this long before its rows are kept for the next try. */
export const beatInsertTimeoutMs = 5_000;

/** How long an ending service tries to insert what it still has. */
export const beatDrainTimeoutMs = 3_000;
