import { inTheDays, ofTheSchools, percentOf } from '../attendance/fragments.ts';
import { count, day, id, percent } from '../columns.ts';
import { defineQuery } from '../define.ts';
import { someDays } from '../parameters.ts';

export const coverage = defineQuery({
  name: 'coverage',
  subject: 'fleet',
  summary:
    'How much of the time between doors and bell + 30 min the gates of each school were alive, of all its shifts',
  parameters: someDays,
  columns: {
    school_id: id('the school', { names: 'school' }),
    school_day: day('the day'),
    readers: count('gates that were to be alive'),
    alive_minutes: count('whole minutes that they were, added up'),
    due_minutes: count('whole minutes that they were to be, added up'),
    coverage: percent('alive of due, to the millisecond', { nullable: true }),
  },
  source: 'derived',
  disclosure: { about: 'system' },
  sql: `
SELECT school_id, school_day, max(v.readers), intDiv(sum(v.alive_ms), 60000), intDiv(sum(v.due_ms), 60000),
  ${percentOf('sum(v.alive_ms)', 'sum(v.due_ms)')}
FROM v_coverage_day AS v WHERE ${ofTheSchools} AND ${inTheDays}
GROUP BY school_id, school_day ORDER BY school_id, school_day`,
});
