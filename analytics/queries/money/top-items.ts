import { z } from 'zod';
import { inTheDays, ofTheSchools, percentOf } from '../attendance/fragments.ts';
import { count, id, kop, number, percent, text } from '../columns.ts';
import { defineQuery } from '../define.ts';
import { parameter } from '../parameters.ts';
import { aboutEaters, aboutPupilsAtLeast, eaters, kindText, ofTheKind, pupilsAtLeast } from './words.ts';

export const topItems = defineQuery({
  name: 'top_items',
  subject: 'money',
  summary: 'What was sold for most, less what was taken back; shares are of all that the kind brought in',
  parameters: z.strictObject({
    from: parameter.from,
    to: parameter.to,
    kind: parameter.kind,
    limit: parameter.limit,
  }),
  columns: {
    kind: text('meal, buffet or fare'),
    item_id: id('what was sold, of a fare the route; 0 where it was not told', { names: 'item' }),
    n: number('sales less those taken back'),
    kop: kop('kopecks of sales less those taken back'),
    pct: percent("kop of the kind's kopecks", { nullable: true }),
    eaters: count(aboutEaters),
    pupils: count(aboutPupilsAtLeast),
  },
  source: 'derived',
  disclosure: {
    about: 'groups',
    measures: ['n', 'kop', 'pct', 'eaters', 'pupils'],
    sizeColumn: 'pupils',
    within: ['kind'],
  },
  sql: `
WITH items AS (
  SELECT kind, v.item AS item_id, sum(v.n) AS n, sum(v.kop) AS kop, ${eaters} AS eaters, ${pupilsAtLeast(eaters)} AS pupils
  FROM v_spend_day AS v WHERE ${ofTheSchools} AND ${inTheDays} AND ${ofTheKind}
  GROUP BY kind, item_id)
SELECT ${kindText}, item_id, n, kop, ${percentOf('kop', 'sum(kop) OVER (PARTITION BY kind)')}, eaters, pupils
FROM items ORDER BY kop DESC, kind, item_id LIMIT {rows_max:UInt32}`,
});
