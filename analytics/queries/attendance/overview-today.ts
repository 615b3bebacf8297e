import { count, percent } from '../columns.ts';
import { defineQuery } from '../define.ts';
import { dayAndClass } from '../parameters.ts';

/** The head of the Overview: one row over all schools that are asked for. */
export const overviewToday = defineQuery({
  name: 'overview_today',
  subject: 'attendance',
  summary: 'Expected, arrived and late on a day, against the same weekday a week before, with coverage',
  parameters: dayAndClass,
  columns: {
    expected: count('pupils expected: on the roster, neither excused nor closed'),
    arrived: count('came in, on time or late'),
    late: count('came in after the bell'),
    pct: percent('arrived of expected', { nullable: true }),
    pct_prev_week: percent('the same seven days before', { nullable: true }),
    coverage: percent('gates alive of gates due, doors to bell + 30 min, of the whole schools', { nullable: true }),
  },
  source: 'derived',
  disclosure: { about: 'groups', measures: ['expected', 'arrived', 'late', 'pct', 'pct_prev_week'] },
  sql: `
WITH
  days AS (
    SELECT school_day = {day:Date} AS is_day, count() AS expected,
      countIf(status IN ('on_time', 'late')) AS arrived, countIf(status = 'late') AS late
    FROM v_student_day
    WHERE school_id IN {schools:Array(UInt32)} AND school_day IN ({day:Date}, {day:Date} - 7)
      AND ({class_id:UInt32} = 0 OR class_id = {class_id:UInt32}) AND status NOT IN ('excused', 'closed')
    GROUP BY is_day),
  covered AS (SELECT if(sum(due_ms) = 0, NULL, round(100 * sum(alive_ms) / sum(due_ms), 2)) AS coverage
    FROM v_school_day WHERE school_id IN {schools:Array(UInt32)} AND school_day = {day:Date})
SELECT sumIf(expected, is_day) AS expected_now, sumIf(arrived, is_day) AS arrived_now, sumIf(late, is_day),
  if(expected_now = 0, NULL, round(100 * arrived_now / expected_now, 2)),
  if(sumIf(expected, NOT is_day) = 0, NULL, round(100 * sumIf(arrived, NOT is_day) / sumIf(expected, NOT is_day), 2)),
  (SELECT coverage FROM covered)
FROM days`,
});
