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
