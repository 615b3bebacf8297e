import { count, number } from '../columns.ts';
import { defineQuery } from '../define.ts';
import { oneDay } from '../parameters.ts';
import { ofTheSchools, onTheDay } from './fragments.ts';

export const presence5m = defineQuery({
  name: 'presence_5m',
  subject: 'attendance',
  summary:
    'Who is inside, every five local minutes, guests as well; a school counts from its first passage of the day to its last',
  parameters: oneDay,
  columns: {
    slot: number('which five minutes of the local day, 0 to 287'),
    minute: number('the moment counted: minutes of the local day'),
    inside: count('inside at that moment, sum of the schools'),
  },
  source: 'derived',
  disclosure: { about: 'groups', measures: ['inside'] },
  sql: `
SELECT slot, slot * 5 + 5, sum(inside) FROM v_presence_5m WHERE ${ofTheSchools} AND ${onTheDay}
GROUP BY slot ORDER BY slot`,
});
