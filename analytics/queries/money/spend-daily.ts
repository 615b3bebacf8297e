import { inTheDays, ofTheSchools } from '../attendance/fragments.ts';
import { count, day, kop, number, text } from '../columns.ts';
import { defineQuery } from '../define.ts';
import { someDays } from '../parameters.ts';
import { aboutEaters, eatersOfMany, kindText, payerText, pupilsAtLeast } from './words.ts';

/** The columns of the spending screen. */
export const spendDaily = defineQuery({
  name: 'spend_daily',
  subject: 'money',
  summary: 'Sales less what was taken back, by day, kind and purse, against the same weekday a week before',
  parameters: someDays,
  columns: {
    school_day: day('the day on which it was sold or taken back'),
    kind: text('meal, buffet or fare'),
    purse: text('who paid: meal, buffet, transport, services, or entitlement for the fund'),
    n: number('sales less those taken back'),
    kop: kop('kopecks of sales less those taken back'),
    prev_week_kop: kop('the same seven days before; 0 if there was nothing, null where that day is not known', {
      nullable: true,
    }),
    eaters: count(aboutEaters),
    pupils_least: count(
      'at least so many different pupils are behind kop, and behind prev_week_kop if there is something',
    ),
  },
  source: 'derived',
  disclosure: {
    about: 'groups',
    dayColumn: 'school_day',
    measures: ['n', 'kop', 'prev_week_kop', 'eaters', 'pupils_least'],
    sizeColumn: 'pupils_least',
    within: ['school_day'],
  },
  sql: `
WITH
(SELECT groupUniqArray(school_day) FROM v_school_day
  WHERE ${ofTheSchools} AND school_day BETWEEN {from:Date} - 7 AND {to:Date} - 7) AS known_before,
sums AS (
  SELECT v.school_day AS sold_on, kind, purse, sum(v.n) AS n, sum(v.kop) AS kop, ${eatersOfMany} AS eaters,
    ${pupilsAtLeast(eatersOfMany)} AS concerned
  FROM v_spend_day AS v
  WHERE ${ofTheSchools} AND school_day BETWEEN {from:Date} - 7 AND {to:Date}
  GROUP BY sold_on, kind, purse)
SELECT sold_on + later AS school_day, ${kindText}, ${payerText}, sumIf(s.n, later = 0), sumIf(s.kop, later = 0),
  if(has(known_before, school_day - 7), sumIf(s.kop, later = 7), NULL), sumIf(s.eaters, later = 0), min(s.concerned)
FROM sums AS s ARRAY JOIN [0, 7] AS later
WHERE ${inTheDays}
GROUP BY school_day, kind, purse HAVING countIf(later = 0) > 0
ORDER BY school_day, kind, purse`,
});
