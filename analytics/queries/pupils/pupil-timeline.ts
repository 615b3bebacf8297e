import { z } from 'zod';
import { inTheDays, ofTheSchools } from '../attendance/fragments.ts';
import { day, id, kop, text, time } from '../columns.ts';
import { defineQuery } from '../define.ts';
import { parameter } from '../parameters.ts';

const purseNames = `transform(purse, [0, 1, 2, 3, 4], ['none', 'meal', 'buffet', 'transport', 'services'], 'unknown')`;

export const pupilTimeline = defineQuery({
  name: 'pupil_timeline',
  subject: 'pupil',
  summary:
    "Every tap of one pupil at the schools asked for, as it was decided, in order of the readers' corrected times",
  parameters: z.strictObject({ pupil: parameter.pupil, from: parameter.from, to: parameter.to }),
  columns: {
    at: time('when, corrected'),
    at_raw: time("when, by the reader's own clock"),
    received_at: time('when it came in'),
    school_day: day('the school day it counts for'),
    school_id: id('school of the reader', { names: 'school' }),
    reader_id: id('the reader'),
    kind: text('gate-in, gate-out, meal, buffet, locker-open, locker-close or fare'),
    code: id('the decision'),
    code_name: text('the decision by name'),
    amount_kop: kop('price'),
    debited_kop: kop("what left the pupil's purse"),
    purse: text('the purse that paid: meal, buffet, transport, services; none'),
    item_id: id('what was sold; null for what is no sale of a canteen', { nullable: true, names: 'item' }),
    clock_quality: text('A exact, B good, D doubtful; unknown'),
    boot_epoch: id("the reader's run"),
    seq: id("the tap's number in it"),
  },
  source: 'live',
  disclosure: { about: 'pupils' },
  sql: `
SELECT at, at_raw, received_at, school_day, school_id, reader_id, kind_name, code, code_name, amount_kop, debited_kop,
  ${purseNames}, if(kind IN (3, 4) AND ref != 0, ref, NULL), clock_quality, boot_epoch, seq
FROM tap WHERE ${ofTheSchools} AND ${inTheDays} AND pupil_id = {pupil:UInt32}
ORDER BY at, reader_id, boot_epoch, seq`,
});
