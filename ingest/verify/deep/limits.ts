/** Differences that are named; the others are counted. */
export const differencesMax = 200;

/** Schools whose day is computed anew at once: what bounds the memory. */
export const schoolsPerCheckMax = 64;

/** A day of a running service that differs is looked at again: so often, after this pause each time. */
export const looksMax = 30;
export const lookPauseMs = 3_000;
