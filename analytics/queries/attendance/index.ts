import type { NamedQuery } from '../define.ts';
import { overviewToday } from './overview-today.ts';

export const attendanceQueries: readonly NamedQuery[] = [overviewToday];
