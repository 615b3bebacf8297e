import { inTheDays, ofTheSchools } from '../attendance/fragments.ts';
import { count, day, id } from '../columns.ts';
import { defineQuery } from '../define.ts';
import { someDays } from '../parameters.ts';

export const entitlementDaily = defineQuery({
  name: 'entitlement_daily',
  subject: 'money',
  summary: 'Free meals of each day and meal window: entitled, served, refused a second, unclaimed',
  parameters: someDays,
  columns: {
    school_day: day('the day'),
    window: id('the meal window by its number in the rules; 0 where none was served from'),
    entitled: count('pupils entitled'),
    served: count('free meals served and not taken back, guests of other schools too'),
    second_refused: count('second free meals that were refused'),
    unclaimed: count('entitled pupils of the roster who did not come'),
    pupils_most: count('most pupils, entitled or served; 1 at least where one was refused a second'),
  },
  source: 'derived',
  disclosure: {
    about: 'groups',
    dayColumn: 'school_day',
    measures: ['entitled', 'served', 'second_refused', 'unclaimed', 'pupils_most'],
    sizeColumn: 'pupils_most',
    within: ['school_day'],
  },
  sql: `
SELECT school_day, window, sum(v.entitled) AS entitled, sum(v.served) AS served, sum(v.second_refused), sum(v.unclaimed),
  greatest(entitled, served, toUInt64(sum(v.second_refused) > 0))
FROM v_entitlement_day AS v WHERE ${ofTheSchools} AND ${inTheDays}
GROUP BY school_day, window HAVING entitled + served + sum(v.second_refused) > 0
ORDER BY school_day, window`,
});
