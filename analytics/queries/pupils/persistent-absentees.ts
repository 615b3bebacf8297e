import { isPersistent, pupilsWithMissedDays } from '../attendance/persistent-absence.ts';
import { percentOf } from '../attendance/fragments.ts';
import { count, id, percent } from '../columns.ts';
import { defineQuery } from '../define.ts';
import { daysAndClass } from '../parameters.ts';

export const persistentAbsentees = defineQuery({
  name: 'persistent_absentees',
  subject: 'attendance',
  summary: 'Pupils that missed a tenth of their days or more, as persistent_absence counts them',
  parameters: daysAndClass,
  columns: {
    school_id: id('the school', { names: 'school' }),
    class_id: id('the class of its newest day', { names: 'class' }),
    pupil_id: id('the pupil', { names: 'pupil' }),
    days_due: count('days that count'),
    days_missed: count('of them, missed'),
    pct: percent('missed of due'),
  },
  source: 'derived',
  disclosure: { about: 'pupils' },
  sql: `
SELECT school_id, newest_class AS class_id, pupil_id, days_due, days_missed, ${percentOf('days_missed', 'days_due')}
FROM (${pupilsWithMissedDays}) WHERE ${isPersistent}
ORDER BY school_id, class_id, pupil_id`,
});
