import { z } from 'zod';
import { wentThrough } from '../../derive/attendance-sql.ts';
import { inTheDays, ofTheSchools } from '../attendance/fragments.ts';
import { count, day, id, number } from '../columns.ts';
import { defineQuery } from '../define.ts';
import { parameter } from '../parameters.ts';

// Who is under ten has to be known, and no more: counting all pupils of a year would cost three times as much.
export const gateFlow = defineQuery({
  name: 'gate_flow',
  subject: 'fleet',
  summary:
    'Passages of each reader and day: taps of known cards, also of guests, that went through: accepted, let through by the ' +
    'reader whatever the code, or an exit, which opens at codes 40 to 45 unless the reader had refused. Bounces are none. ' +
    "Cards that are nobody's are counted apart",
  parameters: z.strictObject({ from: parameter.from, to: parameter.to, reader: parameter.reader }),
  columns: {
    school_day: day('the day'),
    reader_id: id('the reader'),
    entries: count('passages in'),
    exits: count('passages out'),
    inside_change: number('entries less exits'),
    strangers: count("gate taps of cards that are nobody's, through or not"),
    pupils_least: count('different pupils with a passage, counted up to 11'),
    school_id: id('school of the reader then', { names: 'school' }),
  },
  source: 'live',
  disclosure: {
    about: 'groups',
    schoolColumn: 'school_id',
    dayColumn: 'school_day',
    measures: ['entries', 'exits', 'inside_change', 'strangers', 'pupils_least'],
    sizeColumn: 'pupils_least',
    within: ['school_day'],
  },
  sql: `
WITH pupil_id != 0 AND ${wentThrough} AS is_passage
SELECT school_day, reader_id, countIf(is_passage AND kind = 1) AS entries, countIf(is_passage AND kind = 2) AS exits,
  toInt64(entries) - toInt64(exits), countIf(pupil_id = 0), uniqUpToIf(10)(pupil_id, is_passage), school_id
FROM tap
WHERE ${ofTheSchools} AND ${inTheDays} AND kind IN (1, 2) AND code != 71
  AND ({reader_id:UInt32} = 0 OR reader_id = {reader_id:UInt32})
GROUP BY school_day, school_id, reader_id ORDER BY school_day, reader_id, school_id`,
});
