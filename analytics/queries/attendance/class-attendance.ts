import { count, id, percent } from '../columns.ts';
import { defineQuery } from '../define.ts';
import { oneDay } from '../parameters.ts';
import { hasArrived, isExpected, ofTheSchools, onTheDay, percentOf } from './fragments.ts';

const statuses = ['late', 'no_tap_covered', 'no_tap_uncovered', 'excused'];

export const classAttendance = defineQuery({
  name: 'class_attendance',
  subject: 'attendance',
  summary: 'Each class that had pupils on the roster of a day',
  parameters: oneDay,
  columns: {
    school_id: id('the school', { names: 'school' }),
    class_id: id('the class, as the roster of the day has it', { names: 'class' }),
    expected: count('pupils expected; 0 where the school is closed'),
    arrived: count('came in, on time or late'),
    late: count('came in after the bell'),
    no_tap_covered: count('not seen, while the gates were alive'),
    no_tap_uncovered: count('not seen, while gates were not alive'),
    excused: count('excused, and not seen'),
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
FROM v_student_day WHERE ${ofTheSchools} AND ${onTheDay}
GROUP BY school_id, class_id ORDER BY school_id, class_id`,
});
