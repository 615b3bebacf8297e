/** Every bound of the bench of the answers, in one place, unit last. */
export const answersLimits = {
  tapsMax: 200_000_000,
  daysMax: 1_000,
  roundsMax: 1_000,
  streamTapsPerSecondMax: 200_000,
  /** Calendar days that one statement of the fill makes. */
  fillBatchDays: 7,
  /** So many days back a fill gives up: some years of holidays. */
  fillDaysBackMax: 4_000,
  /** School days that are derived side by side. */
  derivesAtOnce: 2,
  /** Beats are kept for so long, as the table has it. */
  beatsKeptDays: 88,
  /** How long merges may go on before questions are asked all the same. */
  mergesWithinMs: 300_000,
  mergesPollMs: 1_000,
  statementTimeoutMs: 900_000,
  /** Free disk that a run needs: for each tap (two engines, a copy, PostgreSQL), and besides. */
  diskBytesPerTap: 800,
  diskBytesBesides: 4 * 2 ** 30,
  /** A screen's target. */
  targetMs: 300,
  /** Questions asked of each case before any is timed. */
  warmRounds: 2,
  /** School days of the region that are derived anew. */
  rederivedDays: 10,
  streamReaders: 200,
  streamTapsPerFrame: 20,
  /** How far before now the readers' time begins; they go faster than the clock and must not get past it. */
  streamBeforeMs: 3 * 3_600_000,
  /** The readers' time has not reached now by then. */
  streamWithinMs: 480_000,
  streamReadyWithinMs: 60_000,
  streamSettleMs: 15_000,
  postgresReadyWithinMs: 60_000,
  postgresStatementMs: 120_000,
  /** Of one question on both sides; then no more rounds are begun, once there are so few. */
  postgresQuestionMs: 60_000,
  postgresRoundsMin: 3,
} as const;
