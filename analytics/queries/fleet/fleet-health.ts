import { z } from 'zod';
import { ofTheSchools } from '../attendance/fragments.ts';
import { count, flag, id, number, text, time } from '../columns.ts';
import { defineQuery } from '../define.ts';

/** As `tapline status` has them. */
const onlineWithinMs = 90_000;
const silentAfterMs = 10 * 60_000;

/** Schools between the first doors and the last lesson's end of a day on which they are open. */
const schoolsInHours = `
  SELECT school_id FROM roster_day
  WHERE ${ofTheSchools} AND school_day BETWEEN toDate({now:DateTime64(3)}) - 1 AND toDate({now:DateTime64(3)}) + 1
    AND {now:DateTime64(3)} BETWEEN doors_at AND end_at
    AND (school_id, school_day, revision) IN (
      SELECT school_id, school_day, max(revision) FROM roster_day
      WHERE ${ofTheSchools} AND school_day BETWEEN toDate({now:DateTime64(3)}) - 1 AND toDate({now:DateTime64(3)}) + 1
      GROUP BY school_id, school_day)
    AND (school_id, school_day) NOT IN (
      SELECT school_id, school_day FROM calendar_day
      WHERE ${ofTheSchools} AND school_day BETWEEN toDate({now:DateTime64(3)}) - 1 AND toDate({now:DateTime64(3)}) + 1
      GROUP BY school_id, school_day HAVING argMax(is_open, revision) = 0)`;

export const fleetHealth = defineQuery({
  name: 'fleet_health',
  subject: 'fleet',
  summary:
    'Every reader as it told itself last. "late" has taps waiting or was not heard of for 90 s, "silent" not for more than ' +
    '10 min, which is a fault in hours only',
  parameters: z.strictObject({}),
  columns: {
    reader_id: id('the reader'),
    school_id: id('its school', { names: 'school' }),
    place: text('where it is'),
    state: text('online, late, silent, revoked or never_seen'),
    last_seen: time('its newest sign of life', { nullable: true }),
    queue: count('taps that it had not sent yet', { nullable: true }),
    oldest_at: time('when the oldest of them was made', { nullable: true }),
    gaps: count('gaps in its numbering since the service began', { nullable: true }),
    drift_ms: number("the service's clock less its own", { nullable: true }),
    rules_version: id('the rules that it carries', { nullable: true }),
    firmware: text('its program', { nullable: true }),
    condition: text('the same as "tapline status" says it: online, behind, offline, silent, never_seen or revoked'),
    in_hours: flag('its school is open now: between the first doors and the end of the last lesson'),
  },
  source: 'live',
  disclosure: { about: 'system' },
  sql: `
WITH
  newest AS (SELECT reader_id, max(r.last_seen) AS last_seen, argMaxMerge(told) AS told
    FROM reader_newest AS r GROUP BY reader_id),
  toUnixTimestamp64Milli(last_seen) != 0 AS is_seen,
  toUnixTimestamp64Milli({now:DateTime64(3)}) - toUnixTimestamp64Milli(last_seen) AS unseen_ms,
  multiIf(revoked, 'revoked', NOT is_seen, 'never_seen', unseen_ms < ${onlineWithinMs}, if(told.1 > 0, 'behind', 'online'),
    unseen_ms > ${silentAfterMs}, 'silent', 'offline') AS condition
SELECT reader_id, school_id, place, if(condition IN ('behind', 'offline'), 'late', condition), if(is_seen, last_seen, NULL),
  if(is_seen, told.1, NULL), if(is_seen, told.2, NULL), if(is_seen, told.4, NULL), if(is_seen, told.3, NULL),
  if(is_seen, told.5, NULL), if(is_seen AND told.6 != '', told.6, NULL), condition, toBool(school_id IN (${schoolsInHours}))
FROM reader LEFT JOIN newest USING (reader_id)
WHERE ${ofTheSchools} ORDER BY reader_id`,
});
