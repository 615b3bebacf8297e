/** Bounds of the ledger. What is a rule, and may differ by school, stands in `rule-set.ts`. */

/** Identities of a reader whose first answer is remembered; an older repeat gets 70. */
export const rememberedIdentitiesMax = 8_192;

/** Kopecks that one purse may hold: 10 million roubles. A top-up beyond it is refused. */
export const purseBalanceMaxKop = 1_000_000_000;

/** Kopecks that one tap or one command may move. */
export const movementMaxKop = 1_000_000_000;

/** Idempotency keys that a shard remembers; at the bound commands with new keys are refused until the shard is divided. */
export const idempotencyKeysMax = 4_000_000;

/** Bytes of an idempotency key. */
export const idempotencyKeyBytesMax = 128;

/** OUTCOMEs and reversals that a shard remembers; at the bound further ones are refused until the shard is divided. */
export const settledMax = 2_000_000;

/** Items that may be forbidden to one pupil. */
export const itemsPerPupilMax = 64;

/** Reservations of one pupil; those that ended this long before a new one begins make room. */
export const reservationsPerPupilMax = 32;
export const reservationKeptMs = 30 * 86_400_000;

/** Movements that a shard keeps at hand for "last movements". */
export const recentTransfersMax = 65_536;

/** School days of an operator that stay in the day book; a tap of an older one is in the ledger and in ClickHouse only. */
export const bookDaysMax = 62;

/** Items that one operator's day tells apart; what is sold beyond them is counted as item 0. */
export const bookItemsMax = 1_000;
