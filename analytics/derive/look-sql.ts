/** What the deriver asks before it writes. */
import { derivedForm, ofTheRun } from './attendance-sql.ts';

const derivedTables = ['student_day', 'coverage_day', 'presence_5m', 'spend_day', 'entitlement_day', 'district_day'];

/** What is published. */
export const heads = `
SELECT school_id AS schoolId, argMax(side, revision) AS side, toString(max(revision)) AS published
FROM derive_head WHERE ${ofTheRun} GROUP BY school_id`;

/** The newest revision of any attempt, also of one that failed. */
export const newestAttempt = `
SELECT toString(max(revision)) AS newest
FROM (${derivedTables.map((table) => `SELECT max(revision) AS revision FROM ${table} WHERE ${ofTheRun}`).join(' UNION ALL ')})`;

export const rosters = `
SELECT school_id AS schoolId, toString(max(revision)) AS roster, toUnixTimestamp64Milli(min(doors_at)) AS doorsMs,
  toUnixTimestamp64Milli(max(bell_at)) AS bellMs
FROM roster_day WHERE ${ofTheRun} GROUP BY school_id`;

export const calendars = `
SELECT school_id AS schoolId, toString(max(revision)) AS calendar, argMax(is_open, revision) AS isOpen
FROM calendar_day WHERE ${ofTheRun} GROUP BY school_id`;

export const districts = `
SELECT school_id AS schoolId, district_id AS district FROM dim_school FINAL WHERE school_id IN {schools:Array(UInt32)}`;

/** Days on which sales were made that are taken back on the run's day. */
export const saleDays = `
SELECT DISTINCT toString(school_day) AS day FROM transfer
WHERE transfer_id IN (SELECT reverses FROM transfer WHERE ${ofTheRun} AND cause = 4)`;

export const daysOfTransfers = `
SELECT DISTINCT school_id AS schoolId, toUInt32(toUInt16(school_day)) AS schoolDay FROM transfer
WHERE transfer_id IN {ids:Array(UInt64)}`;

/** Days of another form that one look finds; the next look finds more, until there are none. */
const daysOfFormMax = 10_000;

/** What came in up to this long after a moment is in ClickHouse when the day is looked at again. */
const settledAfterMs = 60_000;

/**
 * Moments that change a day without any tap: the end of the time that gates are watched, and the end of lessons. The count
 * of pupils tells a freeze that was there in part only. What was derived in another form is found on whichever day.
 */
export const outOfDate = `
WITH frozen AS (
  SELECT school_id, school_day, roster_day.revision AS roster_revision, count() AS pupils,
    arrayMax(arrayFilter(m -> m <= {as_of_ms:Int64}, arrayFlatten(groupUniqArray(
      [toUnixTimestamp64Milli(bell_at) + 1800000 + ${settledAfterMs}, toUnixTimestamp64Milli(end_at) + ${settledAfterMs}]))))
      AS passed_ms
  FROM roster_day FINAL WHERE school_day >= toDate({from_day:UInt16})
  GROUP BY school_id, school_day, roster_revision
  ORDER BY roster_revision DESC LIMIT 1 BY school_id, school_day)
SELECT school_id AS schoolId, toUInt32(toUInt16(school_day)) AS schoolDay,
  multiIf(greatest(frozen.roster_revision, calendar.revision) != day.roster_revision
    OR if(frozen.roster_revision < calendar.revision, 0, pupils) != day.expected + day.excused + day.closed, 'roster',
    calendar.revision != day.calendar_revision, 'calendar', 'clock') AS cause
FROM frozen
LEFT JOIN (SELECT school_id, school_day, roster_revision, calendar_revision, expected, excused, closed FROM v_school_day
  WHERE school_day >= toDate({from_day:UInt16})) AS day USING (school_id, school_day)
LEFT JOIN (SELECT school_id, school_day, max(calendar_day.revision) AS revision FROM calendar_day
  WHERE school_day >= toDate({from_day:UInt16}) GROUP BY school_id, school_day) AS calendar USING (school_id, school_day)
LEFT JOIN (SELECT school_id, school_day, at FROM v_derive_head WHERE school_day >= toDate({from_day:UInt16})) AS head
  USING (school_id, school_day)
WHERE cause != 'clock' OR toUnixTimestamp64Milli(head.at) < passed_ms
UNION ALL
SELECT school_id, toUInt32(toUInt16(school_day)), 'form' FROM
  (SELECT school_id, school_day FROM v_school_day WHERE form != ${derivedForm} ORDER BY school_day DESC LIMIT ${daysOfFormMax})`;
