import { count, id, percent } from '../columns.ts';
import { defineQuery } from '../define.ts';
import { someDays } from '../parameters.ts';
import { inTheDays, ofTheSchools, percentOf } from './fragments.ts';

const counts = ['expected', 'arrived', 'late', 'out_only', 'excused', 'no_tap_covered', 'no_tap_uncovered'];

export const attendanceBySchool = defineQuery({
  name: 'attendance_by_school',
  subject: 'attendance',
  summary: 'Each school over some days: pupils are counted on each day anew',
  parameters: someDays,
  columns: {
    school_id: id('the school', { names: 'school' }),
    days_open: count('derived days on which somebody was expected'),
    expected: count('pupils expected, each day anew'),
    arrived: count('came in, on time or late'),
    late: count('came in after the bell'),
    out_only: count('went out, and were not seen to come in'),
    excused: count('excused, and not seen'),
    no_tap_covered: count('not seen, while the gates were alive'),
    no_tap_uncovered: count('not seen, while gates were not alive'),
    pct: percent('arrived of expected', { nullable: true }),
    coverage: percent('gates alive of gates due, doors to bell + 30 min', { nullable: true }),
  },
  source: 'derived',
  disclosure: { about: 'groups', schoolColumn: 'school_id', measures: ['days_open', ...counts, 'pct'] },
  sql: `
SELECT school_id, countIf(d.expected > 0), ${counts.map((name) => `sum(d.${name}) AS ${name}`).join(', ')},
  ${percentOf('arrived', 'expected')}, ${percentOf('sum(d.alive_ms)', 'sum(d.due_ms)')}
FROM v_school_day AS d WHERE ${ofTheSchools} AND ${inTheDays}
GROUP BY school_id ORDER BY school_id`,
});
