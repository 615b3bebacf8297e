import type { AnswerRow, Cell } from './index-of-world.ts';

/** A row that is not what it must be. */
export interface Difference {
  /** What the row is known by. */
  readonly row: string;
  readonly expected: string;
  readonly found: string;
}

/** Percentages are rounded to two decimals: a tie may go either way. */
const percentTolerance = 0.0101;
const percentColumns = new Set('pct prev_week p10 p90 coverage pct_prev_week diff_pp deviation_pp'.split(' '));
const markedFromPp = 3;

/** Holds rows against those that they must be, by their key; columns that the oracle does not tell are left out. */
export function compareRows(
  expected: readonly AnswerRow[],
  found: readonly AnswerRow[],
  key: readonly string[],
  isOrdered = false,
): Difference[] {
  const keyOf = (row: AnswerRow): string => key.map((name) => String(row[name])).join(' ');
  const differences: Difference[] = [];
  const left = new Map<string, AnswerRow>();
  for (const row of found) {
    const name = keyOf(row);
    if (left.has(name)) differences.push({ row: name, expected: 'one row', found: 'several' });
    left.set(name, row);
  }
  for (const row of expected) {
    const name = keyOf(row);
    const other = left.get(name);
    left.delete(name);
    if (other === undefined) differences.push({ row: name, expected: JSON.stringify(row), found: 'no row' });
    else differences.push(...cellsApart(name, row, other));
  }
  for (const [name, row] of left) differences.push({ row: name, expected: 'no row', found: JSON.stringify(row) });
  if (isOrdered && differences.length === 0) differences.push(...outOfOrder(expected.map(keyOf), found.map(keyOf)));
  return differences;
}

function cellsApart(name: string, expected: AnswerRow, found: AnswerRow): Difference[] {
  const apart = Object.entries(expected).filter(([column, cell]) => !isEqual(column, cell, found[column], expected));
  if (apart.length === 0) return [];
  const told = Object.fromEntries(apart.map(([column]) => [column, found[column] ?? null]));
  return [{ row: name, expected: JSON.stringify(Object.fromEntries(apart)), found: JSON.stringify(told) }];
}

function isEqual(column: string, expected: Cell, found: Cell | undefined, row: AnswerRow): boolean {
  if (expected === found) return true;
  if (column === 'is_marked') return Math.abs(Math.abs(Number(row['diff_pp'])) - markedFromPp) <= percentTolerance;
  const areNumbers = typeof expected === 'number' && typeof found === 'number';
  return areNumbers && percentColumns.has(column) && Math.abs(expected - found) <= percentTolerance;
}

function outOfOrder(expected: readonly string[], found: readonly string[]): Difference[] {
  const place = expected.findIndex((name, at) => name !== found[at]);
  return place < 0 ? [] : [{ row: `place ${place + 1}`, expected: expected[place], found: found[place] }];
}
