import { movementMaxKop } from '../../workers/ledger/limits.ts';

/** Bounds of rules, calendars, tokens and audit. A document of rules goes whole into one block of each shard's journal. */

/** Bytes of `rules.json`: some thousand schools with rules of their own. */
export const rulesFileBytesMax = 1024 * 1024;

/** What a field of `rules.json` may say. */
export const ruleKopMax = movementMaxKop;
export const ruleSecondsMax = 86_400;
export const transferMinutesMax = 1_440;
export const reducedRidesPerMonthMax = 1_000;
export const mealWindowsMax = 15;

/** Characters of a path in a refusal; the rest is cut. */
export const refusalPathCharactersMax = 200;

/** Lines that the calendar of one district holds: every day of some years for its every school would not fit, ranges do. */
export const calendarLinesMax = 10_000;

/** Rows that one page of the audit holds. */
export const auditPageRowsMax = 1_000;

/** Characters of a user's name and of a password. */
export const userNameCharactersMax = 100;
export const passwordCharactersMin = 10;
export const passwordCharactersMax = 200;

/** A session that was not used for so long has ended; and it ends after `sessionLifeMs` however much it is used. */
export const sessionIdleMs = 12 * 3_600_000;
export const sessionLifeMs = 7 * 86_400_000;
/** How exactly it is known when a session was used last. */
export const sessionSeenStepMs = 60_000;
/** Sessions of one user; a further one ends the oldest. */
export const sessionsPerUserMax = 50;

/** Argon2id as OWASP asks for it; the memory of each hash that is made at one time. */
export const passwordHash = { memoryKiB: 19_456, iterations: 2, parallelism: 1, hashBytes: 32, saltBytes: 16 } as const;
export const passwordHashesMax = 2;
/** Those that may wait for their turn; further ones are refused with LOGIN_BUSY. */
export const passwordHashesWaitingMax = 32;
