/** Bounds of one named query. */
export const queryLimits = {
  /** Rows of one answer; a query that would have more is refused. */
  rowsMax: 50_000,
  executionSecondsMax: 10,
  memoryBytesMax: 1_000_000_000,
  /** Days from the first to the last, both included: a year and a day. */
  daysMax: 366,
  /** Schools of one question. */
  schoolsMax: 1_000,
} as const;
