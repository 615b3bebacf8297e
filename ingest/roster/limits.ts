/** Rows of the registry that are read between two turns of the event loop: one or two milliseconds. */
export const registryPageRows = 500;

/** Schools whose days are frozen in one round; their rosters are in memory together. */
export const daysPerRoundMax = 16;

/** How long changes of the registry are gathered before they are acted upon: an import makes many at once. */
export const changeSettleMs = 500;

/** How often the schools' clocks are looked at for a new day. */
export const dayCheckIntervalMs = 1_000;

/** Days before today that a service that was down freezes when it is back, and that later excuses reach. */
export const pastDaysMax = 31;

/** Days that wait to be frozen; a large region makes 400 a day while ClickHouse is away. Beyond them none is added. */
export const waitingDaysMax = 100_000;

/** After a failure the next try comes after a growing pause. */
export const retryDelayMinMs = 100;
export const retryDelayMaxMs = 5_000;
