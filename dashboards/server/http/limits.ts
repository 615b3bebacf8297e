/** Bounds of the dashboards' server. */

/** Questions that are answered at one time; further ones are refused with API_BUSY. */
export const questionsInFlightMax = 32;
export const busyRetryAfterS = 1;
/** Reports that are made at one time: each asks several questions, and lays out pages. */
export const reportsInFlightMax = 2;

/** Encoded answers that are kept: bytes of all, of one, and for how long. */
export const cacheBytesMax = 64 * 1024 * 1024;
export const cachedAnswerBytesMax = 8 * 1024 * 1024;
export const cacheAgeMs = 60_000;

/** How long a browser shows an answer without asking again. */
export const freshForS = 2;

/** Answers from this size on are compressed. */
export const compressBytesMin = 1_024;

/** Bytes of a request's body, and of its address. */
export const bodyBytesMax = 4_096;
export const parametersMax = 32;

/** Failed sign-ins in a window: of one user, and from one address. */
export const loginFailures = { perUser: 5, perAddress: 30, windowS: 60 } as const;

/** Connections, and how long a client may take to send its request. */
export const connectionsMax = 1_000;
export const headersTimeoutMs = 10_000;
export const requestTimeoutMs = 30_000;
