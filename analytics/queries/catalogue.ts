import { attendanceQueries } from './attendance/index.ts';
import type { NamedQuery } from './define.ts';
import { fleetQueries } from './fleet/index.ts';
import { moneyQueries } from './money/index.ts';
import { pupilQueries } from './pupils/index.ts';
import { trustQueries } from './trust/index.ts';

/** Every named query. */
export const namedQueries: readonly NamedQuery[] = [
  ...attendanceQueries,
  ...pupilQueries,
  ...moneyQueries,
  ...fleetQueries,
  ...trustQueries,
];

const byName = new Map(namedQueries.map((query) => [query.name, query]));

/** The query with this name. */
export function findQuery(name: string): NamedQuery | undefined {
  return byName.get(name);
}
