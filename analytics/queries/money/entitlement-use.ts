import { inTheDays, ofTheSchools } from '../attendance/fragments.ts';
import { count, id } from '../columns.ts';
import { defineQuery } from '../define.ts';
import { someDays } from '../parameters.ts';

export const entitlementUse = defineQuery({
  name: 'entitlement_use',
  subject: 'money',
  summary:
    'Free meals of each school and meal window, added up over the days: entitled, served, refused a second, unclaimed',
  parameters: someDays,
  columns: {
    school_id: id('the school', { names: 'school' }),
    window: id('the meal window by its number in the rules; 0 where none was served from'),
    entitled: count('pupils entitled, each day anew'),
    served: count('free meals served and not taken back, guests of other schools too'),
    second_refused: count('second free meals that were refused'),
    unclaimed: count('entitled pupils of the roster who did not come, each day anew'),
    pupils_most: count('most pupils on one day, entitled or served; 1 at least where one was refused a second'),
  },
  source: 'derived',
  disclosure: {
    about: 'groups',
    schoolColumn: 'school_id',
    measures: ['entitled', 'served', 'second_refused', 'unclaimed', 'pupils_most'],
    sizeColumn: 'pupils_most',
    within: ['window'],
  },
  sql: `
SELECT school_id, window, sum(d.entitled), sum(d.served), sum(d.second_refused), sum(d.unclaimed),
  max(greatest(d.entitled, d.served, toUInt64(d.second_refused > 0)))
FROM (
  SELECT school_id, school_day, window, sum(v.entitled) AS entitled, sum(v.served) AS served,
    sum(v.second_refused) AS second_refused, sum(v.unclaimed) AS unclaimed
  FROM v_entitlement_day AS v WHERE ${ofTheSchools} AND ${inTheDays}
  GROUP BY school_id, school_day, window) AS d
GROUP BY school_id, window ORDER BY school_id, window`,
});
