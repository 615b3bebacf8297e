import { count, flag, id, text, time } from '../columns.ts';
import { defineQuery } from '../define.ts';
import { dayAndClass } from '../parameters.ts';
import { ofTheClass, ofTheSchools, onTheDay } from '../attendance/fragments.ts';

/** Who is missing, from the bell on; an excused pupil is not, though only its exit was seen. */
export const notArrived = defineQuery({
  name: 'not_arrived',
  subject: 'attendance',
  summary: 'Expected pupils whose bell has passed and who neither came in nor are excused',
  parameters: dayAndClass,
  columns: {
    school_id: id('the school', { names: 'school' }),
    class_id: id('the class', { names: 'class' }),
    pupil_id: id('the pupil', { names: 'pupil' }),
    bell_at: time("the pupil's bell"),
    minutes_past_bell: count('whole minutes from the bell to now, or to the end of lessons'),
    is_covered: flag('not seen at all while the gates were alive: absent, not only unseen'),
    status: text('no_tap_covered, no_tap_uncovered or out_only'),
  },
  source: 'derived',
  disclosure: { about: 'pupils' },
  sql: `
SELECT school_id, class_id, pupil_id, bell_at,
  intDiv(toUnixTimestamp64Milli(least({now:DateTime64(3)}, end_at)) - toUnixTimestamp64Milli(bell_at), 60000),
  toBool(status = 'no_tap_covered'), status
FROM v_student_day
WHERE ${ofTheSchools} AND ${onTheDay} AND ${ofTheClass} AND bell_at <= {now:DateTime64(3)} AND NOT excused
  AND status IN ('no_tap_covered', 'no_tap_uncovered', 'out_only')
ORDER BY school_id, class_id, pupil_id`,
});
