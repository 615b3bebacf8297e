import { z } from 'zod';
import { inTheDays, ofTheClass, ofTheSchools } from '../attendance/fragments.ts';
import { count, id, text } from '../columns.ts';
import { defineQuery } from '../define.ts';
import { parameter } from '../parameters.ts';
import { kindText, ofTheKind } from './words.ts';

/** Codes 40 to 54, but not where the reader had let the child through, nor an exit, which opens at 40 to 45. */
const isRefused = `code BETWEEN 40 AND 54 AND bitAnd(reader_flags, 1) = 0
  AND NOT (kind = 2 AND code <= 45 AND bitAnd(reader_flags, 2) = 0)`;

export const refusals = defineQuery({
  name: 'refusals',
  subject: 'money',
  summary:
    'Taps that were refused (codes 40 to 54), by kind and code; bounces are none, nor is what went through all the same. ' +
    'A class is the one that the pupil was in at the tap',
  parameters: z.strictObject({
    from: parameter.from,
    to: parameter.to,
    kind: parameter.kind,
    class: parameter.class,
  }),
  columns: {
    kind: text('gate-in, gate-out, meal, buffet, locker-open, locker-close or fare'),
    code: id('why'),
    code_name: text('why, by name'),
    n: count('refused taps'),
    distinct_pupils: count("different pupils; nobody's cards are none"),
  },
  source: 'live',
  disclosure: {
    about: 'groups',
    measures: ['n', 'distinct_pupils'],
    sizeColumn: 'distinct_pupils',
    within: ['kind'],
  },
  sql: `
SELECT ${kindText}, code, any(code_name), count(), uniqExactIf(pupil_id, pupil_id != 0)
FROM tap
WHERE ${ofTheSchools} AND ${inTheDays} AND ${ofTheKind} AND ${ofTheClass} AND ${isRefused}
GROUP BY kind, code ORDER BY kind, code`,
});
