import type { NamedQuery } from '../define.ts';
import { earlyLeavers, noExit } from './exits.ts';
import { insideNow } from './inside-now.ts';
import { notArrived } from './not-arrived.ts';
import { persistentAbsentees } from './persistent-absentees.ts';
import { pupilDays } from './pupil-days.ts';
import { pupilTimeline } from './pupil-timeline.ts';

export const pupilQueries: readonly NamedQuery[] = [
  notArrived,
  insideNow,
  noExit,
  earlyLeavers,
  persistentAbsentees,
  pupilTimeline,
  pupilDays,
];
