/** The shortest time between two rows of one reader and event; what comes in between is told by its newest. */
export const rowIntervalMs = 10_000;

/** The shortest time between two rows that a reader over HTTP gives by its requests. */
export const requestIntervalMs = 30_000;
