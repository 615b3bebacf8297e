import { count, day, percent } from '../columns.ts';
import { defineQuery } from '../define.ts';
import { daysAndClass } from '../parameters.ts';
import { hasArrived, isExpected, ofTheSchools, percentOf } from './fragments.ts';

const counts = ['expected', 'arrived', 'late', 'out_only', 'excused', 'no_tap_covered', 'no_tap_uncovered'];
/** From a week before: each day is its own, and the one a week later compares with it. */
const daysAndWeekBefore = 'school_day BETWEEN {from:Date} - 7 AND {to:Date}';

/** Schools' own sums, without reading a pupil; a class is counted from its pupils. */
export const attendanceDaily = defineQuery({
  name: 'attendance_daily',
  subject: 'attendance',
  summary: 'Each derived day of the schools, or of one class; a closed day has nobody expected',
  parameters: daysAndClass,
  columns: {
    school_day: day('the day'),
    expected: count('pupils expected'),
    arrived: count('came in, on time or late'),
    late: count('came in after the bell'),
    out_only: count('went out, and were not seen to come in'),
    excused: count('excused, and not seen'),
    no_tap_covered: count('not seen, while the gates were alive'),
    no_tap_uncovered: count('not seen, while gates were not alive'),
    pct: percent('arrived of expected', { nullable: true }),
    pct_prev_week: percent('the same seven days before', { nullable: true }),
    coverage: percent('gates alive of gates due, of the whole schools', { nullable: true }),
  },
  source: 'derived',
  disclosure: { about: 'groups', dayColumn: 'school_day', measures: [...counts, 'pct', 'pct_prev_week'] },
  sql: `
WITH
  days AS (
    SELECT school_day, ${counts.map((name) => `if({class_id:UInt32} = 0, ${name}, 0) AS ${name}`).join(', ')}, alive_ms, due_ms, 1 AS schools
    FROM v_school_day WHERE ${ofTheSchools} AND ${daysAndWeekBefore}
    UNION ALL
    SELECT school_day, countIf(${isExpected}), countIf(${hasArrived}), ${counts
      .slice(2)
      .map((status) => `countIf(status = '${status}')`)
      .join(', ')}, 0, 0, 0
    FROM v_student_day
    WHERE {class_id:UInt32} != 0 AND class_id = {class_id:UInt32} AND ${ofTheSchools} AND ${daysAndWeekBefore}
    GROUP BY school_day)
SELECT school_day + after AS shown_day, ${counts.map((name) => `sumIf(${name}, after = 0) AS ${name}_now`).join(', ')},
  ${percentOf('arrived_now', 'expected_now')},
  ${percentOf('sumIf(arrived, after = 7)', 'sumIf(expected, after = 7)')},
  ${percentOf('sumIf(alive_ms, after = 0)', 'sumIf(due_ms, after = 0)')}
FROM days ARRAY JOIN [0, 7] AS after
GROUP BY shown_day
HAVING shown_day BETWEEN {from:Date} AND {to:Date} AND sumIf(schools, after = 0) > 0
ORDER BY shown_day`,
});
