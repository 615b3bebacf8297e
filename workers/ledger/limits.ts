/** Bounds and windows of the ledger. Sources: the published rules in `ingest/protocol/README.md`. */

/** Identities of a reader whose first answer is remembered; an older repeat gets 70. */
export const rememberedIdentitiesMax = 8_192;

/** A repeat of the same tap within this time is a bounce: no second decision, no second movement. */
export const gateBounceMs = 5_000;
export const saleBounceMs = 10_000;
export const lockerBounceMs = 2_000;
export const fareBounceMs = 10 * 60_000;

/** A complete meal may take the purse this far below zero; the buffet and the fare may not. */
export const mealOverdraftKop = 20_000;

/** Kopecks that one purse may hold: 10 million roubles. A top-up beyond it is refused. */
export const purseBalanceMaxKop = 1_000_000_000;

/** Kopecks that one tap or one command may move. */
export const movementMaxKop = 1_000_000_000;

/** Idempotency keys that a shard remembers; at the bound top-ups are refused until the shard is divided. */
export const idempotencyKeysMax = 4_000_000;

/** Bytes of an idempotency key. */
export const idempotencyKeyBytesMax = 128;
