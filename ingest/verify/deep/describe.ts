import type { Cells } from '../../../analytics/verify/derived/rows.ts';
import type { DeepVerdict, NamedDifference } from './deep.ts';

/** What was found, a line each, for people. */
export function describeDeep({
  schools_days,
  taps,
  kop,
  tables,
  differences,
  notes,
  unchecked,
}: DeepVerdict): string[] {
  const count = Object.values(tables).reduce((sum, table) => sum + table.differences, 0);
  const more = count > differences.length ? [`  and ${count - differences.length} more`] : [];
  return [
    ...differences.map((one) => `  ${describeDifference(one)}`),
    ...more,
    ...notes.map((note) => `  ${note}`),
    ...unchecked.map((what) => `  not checked: ${what}`),
    `school days: ${schools_days}, ${taps} taps, ${kop} kopecks moved, ${count} differences`,
  ];
}

function describeDifference({ table, school, day, key, stored, expected }: NamedDifference): string {
  const where = [table, `school ${school}`, day, key].filter((part) => part !== '').join(', ');
  return `${where}: stored ${describeCells(stored)}, expected ${describeCells(expected)}`;
}

function describeCells(cells: Cells | null): string {
  if (cells === null) return 'nothing';
  return Object.entries(cells)
    .map(([name, value]) => `${name} ${value}`)
    .join(' ');
}
