import { coverageOf, presenceOf, studentsOf } from './attendance.ts';
import { districtDayOf, entitlementsOf, spendingOf } from './money.ts';
import { type Ask, type Head, headsOfDay, readInputs } from './read-inputs.ts';
import type { Cells, DayInputs } from './rows.ts';
import { type DerivedTable, derivedTableNames, derivedTables, publishedRows } from './tables.ts';

/** Something that is stored otherwise than it should be; only the cells that differ, null where there is no row. */
export interface Difference {
  readonly table: string;
  readonly school: number;
  /** Days since 1970. */
  readonly day: number;
  /** The row's key in the table, such as `pupil_id=7`. */
  readonly key: string;
  readonly stored: Cells | null;
  readonly expected: Cells | null;
}

export interface DayCheck {
  readonly differences: Difference[];
  /** Rows that were held against each other, by table. */
  readonly rows: Record<DerivedTable, number>;
  readonly heads: readonly Head[];
  /** Schools whose coverage could not be computed again. */
  readonly uncheckedCoverage: readonly number[];
}

/** Beats this old may be gone. */
const beatsKeptMs = 88 * 86_400_000;

/** Holds everything that is published of a day against what its rows say, computed anew in plain TypeScript. */
export async function checkDay(ask: Ask, day: number, schools: readonly number[]): Promise<DayCheck> {
  const heads = await ask<Head>(headsOfDay, { schools, day });
  const of = { schools: heads.map(({ school }) => school), revisions: heads.map(({ revision }) => revision), day };
  const rows = Object.fromEntries(derivedTableNames.map((table) => [table, 0])) as Record<DerivedTable, number>;
  const check: DayCheck = { differences: [], rows, heads, uncheckedCoverage: [] };
  if (heads.length === 0) return check;
  const published = new Map<DerivedTable, (Cells & { readonly school: number })[]>();
  for (const table of derivedTableNames) published.set(table, await ask(publishedRows(table), of));
  const inputs = await readInputs(ask, day, heads);
  const unchecked: number[] = [];
  for (const [place, one] of inputs.entries()) {
    const stored = (table: DerivedTable) => published.get(table)!.filter(({ school }) => school === one.school);
    const { tables, isCoverageChecked } = expectedOf(one, stored('coverage_day'), heads[place]);
    if (!isCoverageChecked) unchecked.push(one.school);
    for (const table of derivedTableNames) {
      rows[table] += tables[table].length;
      check.differences.push(...differencesOf(table, one, stored(table), tables[table]));
    }
  }
  return { ...check, uncheckedCoverage: unchecked };
}

type Tables = Record<DerivedTable, readonly Cells[]>;

function expectedOf(inputs: DayInputs, storedCoverage: readonly Cells[], head: Head) {
  const isCoverageChecked = areBeatsKept(inputs, head) && areGatesTheSame(inputs, storedCoverage);
  const coverage_day = isCoverageChecked ? expectedCoverage(inputs, storedCoverage) : storedCoverage;
  const covered = new Map(
    coverage_day.map((row) => {
      const [alive, due] = [Number(row.alive_ms), Number(row.due_ms)];
      return [`${row.doors_at}:${row.bell_at}`, due > 0 && alive >= 0.95 * due];
    }),
  );
  const rows = {
    coverage_day,
    student_day: studentsOf(inputs, covered),
    presence_5m: presenceOf(inputs),
    spend_day: spendingOf(inputs),
    entitlement_day: entitlementsOf(inputs),
  };
  return { tables: { ...rows, district_day: [districtDayOf(inputs, rows)] } satisfies Tables, isCoverageChecked };
}

function areBeatsKept({ asOf, day }: DayInputs, { storedAt }: Head): boolean {
  return storedAt > Date.now() - beatsKeptMs && asOf - day * 86_400_000 < beatsKeptMs;
}

/** Gates are those of today: where others were there, the coverage of then cannot be computed. */
function areGatesTheSame({ gates }: DayInputs, stored: readonly Cells[]): boolean {
  return stored.every(({ readers }) => Number(readers) === gates.length);
}

/** What beats say; a beat that came in while it was derived may be in or not. */
function expectedCoverage(inputs: DayInputs, stored: readonly Cells[]): Cells[] {
  return coverageOf(inputs).map(({ doors, bell, readers, due, alive, aliveBefore }) => {
    const row = stored.find(({ doors_at, bell_at }) => doors_at === doors && bell_at === bell);
    const told = Number(row?.alive_ms ?? -1);
    const isWithin = told >= aliveBefore && told <= alive;
    return { doors_at: doors, bell_at: bell, readers, alive_ms: isWithin ? told : alive, due_ms: due };
  });
}

function differencesOf(
  table: DerivedTable,
  { school, day }: DayInputs,
  stored: readonly Cells[],
  expected: readonly Cells[],
): Difference[] {
  const { keys } = derivedTables[table];
  const keyOf = (row: Cells) => keys.map((key) => `${key}=${row[key]}`).join(' ');
  const left = new Map(expected.map((row) => [keyOf(row), row]));
  const differences: Difference[] = [];
  for (const row of stored) {
    const key = keyOf(row);
    const wanted = left.get(key);
    left.delete(key);
    if (wanted === undefined) {
      differences.push({ table, school, day, key, stored: withoutKeys(row, keys), expected: null });
      continue;
    }
    const names = Object.keys(wanted).filter((name) => wanted[name] !== row[name]);
    if (names.length === 0) continue;
    const only = (cells: Cells): Cells => Object.fromEntries(names.map((name) => [name, cells[name]]));
    differences.push({ table, school, day, key, stored: only(row), expected: only(wanted) });
  }
  for (const [key, row] of left) {
    differences.push({ table, school, day, key, stored: null, expected: withoutKeys(row, keys) });
  }
  return differences;
}

function withoutKeys(row: Cells, keys: readonly string[]): Cells {
  return Object.fromEntries(Object.entries(row).filter(([name]) => name !== 'school' && !keys.includes(name)));
}
