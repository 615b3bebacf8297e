import { z } from 'zod';
import { inTheDays, ofTheSchools } from '../attendance/fragments.ts';
import { count, day, flag, id, text, time } from '../columns.ts';
import { defineQuery } from '../define.ts';
import { parameter } from '../parameters.ts';

export const pupilDays = defineQuery({
  name: 'pupil_days',
  subject: 'pupil',
  summary: 'One pupil, day by day',
  parameters: z.strictObject({ pupil: parameter.pupil, from: parameter.from, to: parameter.to }),
  columns: {
    school_day: day('the day'),
    school_id: id('the school', { names: 'school' }),
    class_id: id('the class, as the roster of the day has it', { names: 'class' }),
    status: text('on_time, late, out_only, no_tap_covered, no_tap_uncovered, excused or closed'),
    first_in_at: time('first entry', { nullable: true }),
    last_out_at: time('last exit', { nullable: true }),
    bell_at: time("the pupil's bell"),
    end_at: time("end of the pupil's lessons"),
    late_minutes: count('begun minutes after the bell'),
    minutes_inside: count('whole minutes inside'),
    left_early: flag('left more than 15 minutes before the end'),
    no_exit: flag('came in last, and lessons have ended'),
    manual: flag('a passage was entered by hand'),
    clock_doubt: flag('a passage has a doubtful time'),
  },
  source: 'derived',
  disclosure: { about: 'pupils' },
  sql: `
SELECT school_day, school_id, class_id, status, first_in_at, last_out_at, bell_at, end_at, late_minutes, minutes_inside,
  toBool(left_early), toBool(no_exit), toBool(manual), toBool(clock_doubt)
FROM v_student_day WHERE ${ofTheSchools} AND ${inTheDays} AND pupil_id = {pupil:UInt32}
ORDER BY school_day, school_id`,
});
