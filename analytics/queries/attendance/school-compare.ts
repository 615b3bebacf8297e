import { count, flag, id, number, percent } from '../columns.ts';
import { defineQuery } from '../define.ts';
import { oneDay } from '../parameters.ts';
import { ofTheSchools, percentOf } from './fragments.ts';

const markedFromPp = 3;
const markedFromCoverage = 95;

/** Schools as dots: each against itself a week before and against all that were asked for. */
export const schoolCompare = defineQuery({
  name: 'school_compare',
  subject: 'attendance',
  summary:
    'Each derived school on a day: against the same weekday a week before, and against all schools asked for. ' +
    'Differences are of the percentages as they are shown',
  parameters: oneDay,
  columns: {
    school_id: id('the school', { names: 'school' }),
    expected: count('pupils expected'),
    arrived: count('came in, on time or late'),
    late: count('came in after the bell'),
    pct: percent('arrived of expected', { nullable: true }),
    pct_prev_week: percent('the same seven days before', { nullable: true }),
    diff_pp: number('pct less pct_prev_week, percentage points', { nullable: true }),
    deviation_pp: number('pct less that of all schools asked for, percentage points', { nullable: true }),
    coverage: percent('gates alive of gates due, doors to bell + 30 min', { nullable: true }),
    is_marked: flag(
      `changed by ${markedFromPp} points or more, and coverage was ${markedFromCoverage} or more on both days`,
    ),
  },
  source: 'derived',
  disclosure: {
    about: 'groups',
    schoolColumn: 'school_id',
    measures: ['expected', 'arrived', 'late', 'pct', 'pct_prev_week', 'diff_pp', 'deviation_pp', 'is_marked'],
  },
  sql: `
WITH
  schools_now AS (
    SELECT school_id, sumIf(d.expected, is_day) AS expected, sumIf(d.arrived, is_day) AS arrived, sumIf(d.late, is_day) AS late,
      sumIf(d.expected, NOT is_day) AS expected_before, sumIf(d.arrived, NOT is_day) AS arrived_before,
      sumIf(d.alive_ms, is_day) AS alive_ms, sumIf(d.due_ms, is_day) AS due_ms,
      sumIf(d.alive_ms, NOT is_day) AS alive_before, sumIf(d.due_ms, NOT is_day) AS due_before, countIf(is_day) AS days
    FROM (SELECT *, school_day = {day:Date} AS is_day FROM v_school_day
      WHERE ${ofTheSchools} AND school_day IN ({day:Date}, {day:Date} - 7)) AS d
    GROUP BY school_id HAVING days > 0),
  ${percentOf('arrived', 'expected')} AS pct,
  ${percentOf('arrived_before', 'expected_before')} AS pct_prev_week,
  ${percentOf('sum(arrived) OVER ()', 'sum(expected) OVER ()')} AS pct_of_all,
  ${percentOf('alive_ms', 'due_ms')} AS coverage,
  ${percentOf('alive_before', 'due_before')} AS coverage_before,
  round(pct - pct_prev_week, 2) AS diff_pp
SELECT school_id, expected, arrived, late, pct, pct_prev_week, diff_pp, round(pct - pct_of_all, 2), coverage,
  toBool(ifNull(abs(diff_pp) >= ${markedFromPp} AND least(coverage, coverage_before) >= ${markedFromCoverage}, false))
FROM schools_now ORDER BY school_id`,
});
