import { ofTheSchools } from '../attendance/fragments.ts';
import { count, id, text } from '../columns.ts';
import { defineQuery } from '../define.ts';
import { oneDay } from '../parameters.ts';

/**
 * Whole numbers throughout, so that it can be worked out by hand: with E pupils expected on the day, and s portions for e
 * expected pupils on each day used, portions are E · Σs / Σe rounded, low and high the least and greatest E · s / e.
 */
export const portionForecast = defineQuery({
  name: 'portion_forecast',
  subject: 'money',
  summary:
    'Meals to cook: what was served on the same weekday one to four weeks before, for as many pupils as are expected on the ' +
    'day. Days with pupils expected are used. Pupils expected × portions of those days ÷ pupils expected on them, rounded; ' +
    'low and high are the least and the most of a single day, rounded down and up. A day that is not derived yet expects as ' +
    'many as the newest day used. Free meals are served in their window, paid ones, whose window is not known, in window 0',
  parameters: oneDay,
  columns: {
    school_id: id('the school', { names: 'school' }),
    kind: text('meal'),
    window: id('the meal window by its number in the rules; 0: meals that were paid'),
    portions: count('portions to expect'),
    portions_low: count('portions for as few as on the leanest day used'),
    portions_high: count('portions for as many as on the fullest day used'),
    days_used: count('days that it rests on, of four'),
  },
  // It rests on four weeks: derivations of the day asked for do not tell when it changes.
  source: 'live',
  disclosure: {
    about: 'groups',
    schoolColumn: 'school_id',
    measures: ['portions', 'portions_low', 'portions_high'],
    sizeColumn: 'portions_high',
    within: ['window'],
  },
  sql: `
WITH
  [{day:Date} - 7, {day:Date} - 14, {day:Date} - 21, {day:Date} - 28] AS same_weekdays,
  pupils AS (
    SELECT school_id, groupArrayIf((school_day, toInt64(expected)), school_day != {day:Date} AND expected > 0) AS days,
      if(countIf(school_day = {day:Date}) = 0, arrayMax(days).2, toInt64(sumIf(expected, school_day = {day:Date}))) AS due
    FROM v_school_day WHERE ${ofTheSchools} AND (school_day = {day:Date} OR has(same_weekdays, school_day))
    GROUP BY school_id HAVING notEmpty(days)),
  served AS (
    SELECT school_id, window, sumMap(map(school_day, n)) AS by_day
    FROM (
      SELECT school_id, school_day, window, toInt64(sum(served)) AS n FROM v_entitlement_day
      WHERE ${ofTheSchools} AND has(same_weekdays, school_day) GROUP BY school_id, school_day, window
      UNION ALL
      SELECT school_id, school_day, toUInt8(0) AS window, greatest(0, sum(v.n)) AS n FROM v_spend_day AS v
      WHERE ${ofTheSchools} AND has(same_weekdays, school_day) AND kind = 3 AND purse != 0 GROUP BY school_id, school_day)
    GROUP BY school_id, window),
  arrayMap(d -> (d.2, by_day[d.1]), days) AS used,
  arraySum(d -> d.1, used) AS pupils_then,
  arraySum(d -> d.2, used) AS served_then
SELECT school_id, 'meal', window, intDiv(2 * due * served_then + pupils_then, 2 * pupils_then),
  arrayMin(d -> intDiv(due * d.2, d.1), used), arrayMax(d -> intDiv(due * d.2 + d.1 - 1, d.1), used), length(used)
FROM pupils INNER JOIN served USING (school_id)
WHERE served_then > 0 ORDER BY school_id, window`,
});
