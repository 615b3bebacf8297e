/** Bytes of a request's body. */
export const bodyBytesMax = 4 * 1024 * 1024;

/** Requests that are answered at one time; further ones are refused with ADMIN_BUSY. */
export const requestsInFlightMax = 64;

/** Streams that are open at one time; further ones are refused with ADMIN_BUSY. */
export const streamsMax = 64;

/** Bytes that may wait in one stream before it is closed: a client that does not read. */
export const streamBufferBytesMax = 1024 * 1024;

/** How often a stream that has nothing to say shows that it lives; the library closes a connection that is silent for 10 s. */
export const streamPulseMs = 4_000;

/** How often it is looked up whether the token of an open stream is still good. */
export const streamTokenCheckMs = 2_000;

/** Faults of one input that are told. */
export const faultsToldMax = 10;

export const topupsPerRequestMax = 10_000;
export const reservationsPerRequestMax = 1_000;

/** Pupils that the registry is asked for in one query. */
export const pupilsPerQueryMax = 1_000;

/** Reservations that one list shows. */
export const reservationsListedMax = 10_000;

/** Characters of a reason; it is kept in the audit. */
export const reasonCharactersMax = 500;

/** Entries of the audit in one answer, unless told. */
export const auditEntriesDefault = 100;

/** How long an answer waits until a change of the registry is in force, and how often it looks. */
export const effectTimeoutMs = 5_000;
export const effectPollMs = 10;
