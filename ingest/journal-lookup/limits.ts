/** Taps that one round looks for; more wait for the next. */
export const roundTapsMax = 4_096;

/** Taps that wait to be looked for; further ones are refused with LOOKUP_BUSY. */
export const tapsWaitingMax = 65_536;

/** The thread ends when nothing was looked for during this time. */
export const threadIdleMs = 10_000;

/** How long ClickHouse is asked for a tap before the journal is searched instead. */
export const clickhouseTimeoutMs = 5_000;
