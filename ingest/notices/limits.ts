/** Subscribers at one time; further ones are refused with NOTICES_BUSY. */
export const subscribersMax = 16;

/** Notices that are written to a subscriber before it is asked whether it has taken those before. */
export const noticesPerSliceMax = 64;

/** How long a subscriber may take nothing before it is cut off; it comes back with its cursor. */
export const stalledMsMax = 60_000;

/** How often the journals are looked at by a subscriber that has everything. */
export const pollIntervalMs = 100;

/** How often a subscriber is told of its cursor while there is nothing for it. */
export const cursorIntervalMs = 5_000;
