import { count, id, percent } from '../columns.ts';
import { defineQuery } from '../define.ts';
import { daysAndClass } from '../parameters.ts';
import { inTheDays, ofTheSchools, percentOf } from './fragments.ts';

/**
 * Each pupil of each school with the days that count for it and those that it missed. A day counts once its lessons have
 * ended: nobody has missed a day that is not over. The class is that of the pupil's newest day.
 */
export const pupilsWithMissedDays = `
  SELECT school_id, pupil_id, argMax(class_id, school_day) AS newest_class,
    countIf(status NOT IN ('closed', 'no_tap_uncovered') AND end_at <= {now:DateTime64(3)}) AS days_due,
    countIf(status IN ('no_tap_covered', 'excused') AND end_at <= {now:DateTime64(3)}) AS days_missed
  FROM v_student_day WHERE ${ofTheSchools} AND ${inTheDays}
  GROUP BY school_id, pupil_id
  HAVING {class_id:UInt32} = 0 OR newest_class = {class_id:UInt32}`;

export const isPersistent = 'days_due > 0 AND 10 * days_missed >= days_due';

export const persistentAbsence = defineQuery({
  name: 'persistent_absence',
  subject: 'attendance',
  summary:
    'Pupils of each class that missed a tenth of their days or more. Days that count are over, open, and not unseen while ' +
    'gates were not alive; missed are those unseen or excused. A pupil is of the class of its newest day',
  parameters: daysAndClass,
  columns: {
    school_id: id('the school', { names: 'school' }),
    class_id: id('the class', { names: 'class' }),
    pupils: count('pupils with a day that counts'),
    persistent: count('of them, persistently absent'),
    pct: percent('persistent of pupils', { nullable: true }),
  },
  source: 'derived',
  disclosure: {
    about: 'groups',
    schoolColumn: 'school_id',
    classColumn: 'class_id',
    measures: ['pupils', 'persistent', 'pct'],
  },
  sql: `
SELECT school_id, newest_class AS class_id, countIf(days_due > 0) AS pupils, countIf(${isPersistent}) AS persistent,
  ${percentOf('persistent', 'pupils')}
FROM (${pupilsWithMissedDays})
GROUP BY school_id, class_id ORDER BY school_id, class_id`,
});
