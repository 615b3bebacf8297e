/** Taps that one command or one round of a running service explains. */
export const explainedTapsMax = 10_000;

/** Taps, or readers, that one query asks for. */
export const explainedPerQueryMax = 1_000;

/** A command says how far it is, beyond this and every so often. */
export const progressIntervalMs = 1_000;

/** How long ClickHouse is asked whether it has a tap. */
export const storedTimeoutMs = 10_000;
