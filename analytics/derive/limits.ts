/** Bounds of the derivation. */
export interface DeriveLimits {
  /** How long changes of a running day, and of an older one, are collected before it is derived again. */
  readonly todayDelayMs: number;
  readonly pastDelayMs: number;
  /** A school day counts as running until this long after it began in UTC: zones west of it are still in it. */
  readonly runningForMs: number;
  /** Schools derived by one run; they share its statements. */
  readonly schoolsPerRunMax: number;
  /** Keys kept in memory, with the reversals they wait for; beyond, the journal keeps them. */
  readonly keysMax: number;
  /** Bytes of the journal that are looked through before derivation gets its turn. */
  readonly scanBytesMax: number;
  readonly pollIntervalMs: number;
  /** How often cursors are written; what was derived since is derived again after a crash. */
  readonly saveIntervalMs: number;
  /** How often days are looked for that their roster, their calendar or the hour made out of date. */
  readonly sweepIntervalMs: number;
  /** How far back that look goes: at the start, and afterwards. */
  readonly sweepDaysFirst: number;
  readonly sweepDays: number;
  readonly retryDelayMinMs: number;
  readonly retryDelayMaxMs: number;
  readonly statementTimeoutMs: number;
}

export const deriveLimits: DeriveLimits = {
  todayDelayMs: 2_000,
  pastDelayMs: 30_000,
  runningForMs: 36 * 3_600_000,
  schoolsPerRunMax: 64,
  keysMax: 200_000,
  scanBytesMax: 8 * 1024 * 1024,
  pollIntervalMs: 100,
  saveIntervalMs: 1_000,
  sweepIntervalMs: 30_000,
  sweepDaysFirst: 40,
  sweepDays: 2,
  retryDelayMinMs: 100,
  retryDelayMaxMs: 5_000,
  statementTimeoutMs: 60_000,
};

/** Beats are kept for 90 days; a day this old has lost none of its own yet, and an older one keeps its coverage. */
export const beatsKeptMs = 88 * 86_400_000;
