import type { NamedQuery } from '../define.ts';
import { arrivalCurve } from './arrival-curve.ts';
import { attendanceByClass } from './attendance-by-class.ts';
import { attendanceBySchool } from './attendance-by-school.ts';
import { attendanceDaily } from './attendance-daily.ts';
import { attendanceHeat } from './attendance-heat.ts';
import { classAttendance } from './class-attendance.ts';
import { overviewToday } from './overview-today.ts';
import { persistentAbsence } from './persistent-absence.ts';
import { presence5m } from './presence.ts';
import { schoolCompare } from './school-compare.ts';

export const attendanceQueries: readonly NamedQuery[] = [
  overviewToday,
  arrivalCurve,
  schoolCompare,
  attendanceDaily,
  attendanceHeat,
  classAttendance,
  persistentAbsence,
  presence5m,
  attendanceBySchool,
  attendanceByClass,
];
