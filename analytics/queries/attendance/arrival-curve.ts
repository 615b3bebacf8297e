import { number, percent } from '../columns.ts';
import { defineQuery } from '../define.ts';
import { dayAndClass } from '../parameters.ts';
import { hasArrived, isExpected, ofTheClass, ofTheSchools, percentOf } from './fragments.ts';

const firstMinute = -90;
const lastMinute = 60;
const minutes = `range(${firstMinute}, ${lastMinute + 1})`;
const notBy = lastMinute + 1;
/** Days when the gates were dead say nothing of when pupils come. */
const coveredFromPct = 95;
const bellMs = 'toUnixTimestamp64Milli(bell_at)';

/**
 * Pupils are counted by the minute by which they had come, and by the newest minute of their own bell that has passed;
 * each count becomes a curve, the curves of a day one. A day on which nobody is expected has none.
 */
export const arrivalCurve = defineQuery({
  name: 'arrival_curve',
  subject: 'attendance',
  summary:
    'Share of the expected pupils that had come, minute by minute around their own bells: of those whose bell the minute ' +
    'has come for. The band is of the newest 20 earlier days with expected pupils within 28 days on which the gates of these ' +
    "schools were alive for 95 % of the time; a quantile is the day's value at place floor(level × days), counted from 0 in ascending order",
  parameters: dayAndClass,
  columns: {
    minute_to_bell: number('minutes after the bell, below 0 before it'),
    pct: percent('had come by then, of expected; null while the minute has come for nobody', { nullable: true }),
    prev_week: percent('the same seven days before', { nullable: true }),
    p10: percent('a tenth of the earlier days were below', { nullable: true }),
    p90: percent('a tenth of the earlier days were at or above', { nullable: true }),
  },
  source: 'derived',
  disclosure: { about: 'groups', measures: ['pct', 'prev_week', 'p10', 'p90'] },
  sql: `
WITH
  counted AS (
    SELECT school_day,
      toInt16(if(${hasArrived}, greatest(${firstMinute}, least(${notBy},
        ceil((toUnixTimestamp64Milli(assumeNotNull(first_in_at)) - ${bellMs}) / 60000))), ${notBy})) AS come_by,
      toInt16(greatest(${firstMinute - 1}, least(${lastMinute},
        floor((toUnixTimestamp64Milli({now:DateTime64(3)}) - ${bellMs}) / 60000)))) AS passed,
      count() AS pupils
    FROM v_student_day
    WHERE ${ofTheSchools} AND school_day BETWEEN {day:Date} - 28 AND {day:Date} AND ${ofTheClass} AND ${isExpected}
    GROUP BY school_day, come_by, passed),
  covered AS (
    SELECT school_day FROM v_school_day AS d WHERE ${ofTheSchools} AND school_day BETWEEN {day:Date} - 28 AND {day:Date} - 1
    GROUP BY school_day HAVING sum(d.due_ms) > 0 AND 100 * sum(d.alive_ms) >= ${coveredFromPct} * sum(d.due_ms)),
  curves AS (
    SELECT school_day, school_day IN (SELECT school_day FROM covered) AS is_of_band,
      if(is_of_band, row_number() OVER (PARTITION BY is_of_band ORDER BY school_day DESC), 0) AS place,
      arrayMap((come, due) -> ${percentOf('come', 'due')},
        sumForEach(arrayMap(m -> if(come_by <= m AND m <= passed, pupils, 0), ${minutes})),
        sumForEach(arrayMap(m -> if(m <= passed, pupils, 0), ${minutes}))) AS curve
    FROM counted GROUP BY school_day
    UNION ALL
    SELECT {day:Date}, 0, 0, arrayMap(m -> NULL, ${minutes}))
SELECT minute, anyIf(pct, school_day = {day:Date}), anyIf(pct, school_day = {day:Date} - 7),
  quantileExactOrNullIf(0.1)(pct, place BETWEEN 1 AND 20), quantileExactOrNullIf(0.9)(pct, place BETWEEN 1 AND 20)
FROM curves ARRAY JOIN ${minutes} AS minute, curve AS pct
GROUP BY minute ORDER BY minute`,
});
