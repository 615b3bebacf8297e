import { count, day, flag, id, percent } from '../columns.ts';
import { defineQuery } from '../define.ts';
import { someDays } from '../parameters.ts';
import { inTheDays, ofTheSchools, percentOf } from './fragments.ts';

export const attendanceHeat = defineQuery({
  name: 'attendance_heat',
  subject: 'attendance',
  summary: 'Each derived day of each school',
  parameters: someDays,
  columns: {
    school_id: id('the school', { names: 'school' }),
    school_day: day('the day'),
    expected: count('pupils expected'),
    arrived: count('came in, on time or late'),
    pct: percent('arrived of expected', { nullable: true }),
    coverage: percent('gates alive of gates due, doors to bell + 30 min', { nullable: true }),
    is_closed: flag('the calendar says that the school is closed'),
  },
  source: 'derived',
  disclosure: {
    about: 'groups',
    schoolColumn: 'school_id',
    dayColumn: 'school_day',
    measures: ['expected', 'arrived', 'pct'],
  },
  sql: `
SELECT school_id, school_day, expected, arrived, ${percentOf('arrived', 'expected')}, ${percentOf('alive_ms', 'due_ms')},
  toBool(is_closed)
FROM v_school_day WHERE ${ofTheSchools} AND ${inTheDays}
ORDER BY school_id, school_day`,
});
