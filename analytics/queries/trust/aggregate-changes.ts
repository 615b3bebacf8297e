import { inTheDays, ofTheSchools } from '../attendance/fragments.ts';
import { count, day, flag, id, kop, text, time } from '../columns.ts';
import { defineQuery } from '../define.ts';
import { someDays } from '../parameters.ts';

/** Midnight behind the day, in the school's zone: its offset is told by what its clock shows at that midnight of UTC. */
const overMs = `(2 * toUnixTimestamp(toDateTime(school_day + 1, 'UTC')) -
      toUnixTimestamp(toDateTime(formatDateTime(toDateTime(school_day + 1, 'UTC'), '%F %T', tz), 'UTC'))) * 1000`;

/** A day is derived every few seconds while it runs: of those lines the last one stands for what was published. */
export const aggregateChanges = defineQuery({
  name: 'aggregate_changes',
  subject: 'trust',
  summary:
    'What was published of each school day when it was over (of today: now), and every derivation since that changed a figure',
  parameters: someDays,
  columns: {
    school_day: day('the day'),
    school_id: id('the school', { names: 'school' }),
    revision: id('the derivation'),
    at: time('when it was derived'),
    cause: text('why: taps, transfers, reversal, roster, calendar, clock or asked'),
    before_expected: count('pupils expected, before'),
    before_arrived: count('pupils arrived, before'),
    before_late: count('of them late, before'),
    before_spend_kop: kop('kopecks of sales, before'),
    after_expected: count('pupils expected, since'),
    after_arrived: count('pupils arrived, since'),
    after_late: count('of them late, since'),
    after_spend_kop: kop('kopecks of sales, since'),
    is_afterwards: flag('derived when the day was over at the school'),
  },
  source: 'derived',
  disclosure: {
    about: 'groups',
    schoolColumn: 'school_id',
    dayColumn: 'school_day',
    measures: [
      'before_expected',
      'before_arrived',
      'before_late',
      'before_spend_kop',
      'after_expected',
      'after_arrived',
      'after_late',
      'after_spend_kop',
    ],
  },
  sql: `
WITH
  ends AS (SELECT school_id, school_day, ${overMs} AS over_ms
    FROM (SELECT DISTINCT school_id, school_day FROM derive_head WHERE ${ofTheSchools} AND ${inTheDays}) AS days
    INNER JOIN school USING (school_id)),
  toUnixTimestamp64Milli(at) >= over_ms AS is_afterwards
SELECT school_day, school_id, revision, at, cause, before_expected, before_arrived, before_late, before_spend_kop,
  after_expected, after_arrived, after_late, after_spend_kop, toBool(is_afterwards)
FROM derive_log INNER JOIN ends USING (school_id, school_day)
WHERE ${ofTheSchools} AND ${inTheDays} AND (NOT is_afterwards
  OR (before_expected, before_arrived, before_late, before_spend_kop) != (after_expected, after_arrived, after_late, after_spend_kop))
ORDER BY school_day, school_id, is_afterwards, if(is_afterwards, 0, revision) DESC, revision
LIMIT 1 BY school_day, school_id, if(is_afterwards, revision, 0)
SETTINGS allow_nonconst_timezone_arguments = 1`,
});
