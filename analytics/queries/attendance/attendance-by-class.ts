import { count, id, percent } from '../columns.ts';
import { defineQuery } from '../define.ts';
import { daysAndClass } from '../parameters.ts';
import { hasArrived, inTheDays, isExpected, ofTheClass, ofTheSchools, percentOf } from './fragments.ts';

const statuses = ['late', 'out_only', 'excused', 'no_tap_covered', 'no_tap_uncovered'];

export const attendanceByClass = defineQuery({
  name: 'attendance_by_class',
  subject: 'attendance',
  summary: 'Each class over some days, as the roster of each day has it: pupils are counted on each day anew',
  parameters: daysAndClass,
  columns: {
    school_id: id('the school', { names: 'school' }),
    class_id: id('the class', { names: 'class' }),
    expected: count('pupils expected, each day anew'),
    arrived: count('came in, on time or late'),
    late: count('came in after the bell'),
    out_only: count('went out, and were not seen to come in'),
    excused: count('excused, and not seen'),
    no_tap_covered: count('not seen, while the gates were alive'),
    no_tap_uncovered: count('not seen, while gates were not alive'),
    pct: percent('arrived of expected', { nullable: true }),
  },
  source: 'derived',
  disclosure: {
    about: 'groups',
    schoolColumn: 'school_id',
    classColumn: 'class_id',
    measures: ['expected', 'arrived', ...statuses, 'pct'],
  },
  sql: `
SELECT school_id, class_id, countIf(${isExpected}) AS expected, countIf(${hasArrived}) AS arrived,
  ${statuses.map((status) => `countIf(status = '${status}')`).join(', ')}, ${percentOf('arrived', 'expected')}
FROM v_student_day WHERE ${ofTheSchools} AND ${inTheDays} AND ${ofTheClass}
GROUP BY school_id, class_id ORDER BY school_id, class_id`,
});
