import { count, id, time } from '../columns.ts';
import { defineQuery } from '../define.ts';
import { dayAndClass } from '../parameters.ts';
import { ofTheClass, ofTheSchools, onTheDay } from '../attendance/fragments.ts';

const who = {
  school_id: id('the school', { names: 'school' }),
  class_id: id('the class', { names: 'class' }),
  pupil_id: id('the pupil', { names: 'pupil' }),
};
const ofTheAsked = `${ofTheSchools} AND ${onTheDay} AND ${ofTheClass}`;
const inOrder = 'ORDER BY school_id, class_id, pupil_id';

export const noExit = defineQuery({
  name: 'no_exit',
  subject: 'attendance',
  summary: 'Pupils who came in last and were not seen to go out, after their lessons have ended',
  parameters: dayAndClass,
  columns: { ...who, first_in_at: time('first entry of the day'), end_at: time("end of the pupil's lessons") },
  source: 'derived',
  disclosure: { about: 'pupils' },
  sql: `
SELECT school_id, class_id, pupil_id, assumeNotNull(first_in_at), end_at FROM v_student_day
WHERE ${ofTheAsked} AND no_exit ${inOrder}`,
});

export const earlyLeavers = defineQuery({
  name: 'early_leavers',
  subject: 'attendance',
  summary: 'Pupils who went out last, more than 15 minutes before the end of their lessons',
  parameters: dayAndClass,
  columns: {
    ...who,
    left_at: time('last exit of the day'),
    end_at: time("end of the pupil's lessons"),
    minutes_early: count('whole minutes from the exit to the end'),
  },
  source: 'derived',
  disclosure: { about: 'pupils' },
  sql: `
SELECT school_id, class_id, pupil_id, assumeNotNull(last_out_at) AS left_at, end_at,
  intDiv(toUnixTimestamp64Milli(end_at) - toUnixTimestamp64Milli(left_at), 60000)
FROM v_student_day
WHERE ${ofTheAsked} AND left_early ${inOrder}`,
});
