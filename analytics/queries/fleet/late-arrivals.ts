import { inTheDays, ofTheSchools } from '../attendance/fragments.ts';
import { count, number } from '../columns.ts';
import { defineQuery } from '../define.ts';
import { someDays } from '../parameters.ts';

const edgesSeconds = [0, 1, 5, 30, 60, 300, 900, 3_600, 21_600, 86_400];
const edges = `[${edgesSeconds.join(', ')}]`;
const ends = `[${edgesSeconds.slice(1).join(', ')}, NULL]`;
const edgesMs = `[${edgesSeconds.map((edge) => edge * 1_000).join(', ')}]`;

export const lateArrivals = defineQuery({
  name: 'late_arrivals',
  subject: 'fleet',
  summary: 'How long after they were made taps of the days came in: all steps, also empty ones',
  parameters: someDays,
  columns: {
    lag_from_s: number('from, included; the first step has those as well that seem to come before they were made'),
    lag_to_s: number('up to, not included; null without an end', { nullable: true }),
    n: count('taps'),
  },
  source: 'live',
  disclosure: { about: 'groups', measures: ['n'] },
  sql: `
WITH counted AS (
  SELECT intDiv(roundDown(toUnixTimestamp64Milli(received_at) - toUnixTimestamp64Milli(at), ${edgesMs}), 1000) AS lag_from_s,
    count() AS n
  FROM tap WHERE ${ofTheSchools} AND ${inTheDays} GROUP BY lag_from_s)
SELECT steps.from_s, steps.to_s, counted.n
FROM (SELECT arrayJoin(arrayZip(${edges}, ${ends})) AS step, toInt64(step.1) AS from_s, step.2 AS to_s) AS steps
LEFT JOIN counted ON counted.lag_from_s = steps.from_s
ORDER BY steps.from_s`,
});
