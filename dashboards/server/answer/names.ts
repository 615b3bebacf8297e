import type { Column, Columns } from '../../../analytics/queries/columns.ts';
import type { NamedQuery } from '../../../analytics/queries/define.ts';
import { isHidden } from '../disclosure/hide.ts';
import type { RegistryView, SchoolEntry, ShownCell } from '../types.ts';

type ShownRow = readonly ShownCell[];
type Names = ReadonlyMap<number, string>;

export interface NamesAsked {
  readonly registry: RegistryView;
  readonly schools: readonly SchoolEntry[];
  /** Whether the caller may read pupils' names. */
  readonly withPupils: boolean;
}

/** The column with the names of an id column: `class_id` has `class_name` behind it. */
export function nameColumnOf(idColumn: string): string {
  return `${idColumn.replace(/_id$/, '')}_name`;
}

/** Whether a column holds pupils' names, which never leave for ClickHouse. */
export function isPupilName(name: string, columns: Columns): boolean {
  return Object.entries(columns).some(([id, { names }]) => names === 'pupil' && nameColumnOf(id) === name);
}

const about: Record<NonNullable<Column['names']>, string> = {
  pupil: 'last and first name of the pupil',
  school: 'name of the school',
  class: 'name of the class',
  item: 'name of the item',
};

/** Puts a column of names behind each id that has names, null where there is none. */
export async function withNames(
  { columns, rows }: { readonly columns: Columns; readonly rows: readonly ShownRow[] },
  asked: NamesAsked,
): Promise<{ columns: Columns; rows: ShownRow[] }> {
  const parts: { readonly name: string; readonly column: Column; readonly cells: (row: ShownRow) => ShownCell }[] = [];
  for (const [at, [name, column]] of Object.entries(columns).entries()) {
    parts.push({ name, column, cells: (row) => row[at] });
    const names = column.names && (await readNames(column.names, idsOf(rows, at), asked));
    if (names === undefined || column.names === undefined) continue;
    parts.push({
      name: nameColumnOf(name),
      column: { kind: 'text', isNullable: true, about: about[column.names] },
      cells: (row) => (isHidden(row[at]) ? row[at] : (names.get(row[at] as number) ?? null)),
    });
  }
  return {
    columns: Object.fromEntries(parts.map(({ name, column }) => [name, column])),
    rows: rows.map((row) => parts.map(({ cells }) => cells(row))),
  };
}

function idsOf(rows: readonly ShownRow[], at: number): number[] {
  const ids = new Set<number>();
  for (const row of rows) if (typeof row[at] === 'number') ids.add(row[at]);
  return [...ids];
}

/** Undefined where there are no names to tell. */
async function readNames(
  of: NonNullable<Column['names']>,
  ids: readonly number[],
  { registry, schools, withPupils }: NamesAsked,
): Promise<Names | undefined> {
  switch (of) {
    case 'school':
      return new Map(schools.map(({ schoolId, name }) => [schoolId, name]));
    case 'class':
      return registry.classNames(ids);
    case 'pupil': {
      if (!withPupils) return undefined;
      const pupils = await registry.pupilNames(ids);
      return new Map([...pupils].map(([id, { lastName, firstName }]) => [id, `${lastName} ${firstName}`]));
    }
    case 'item':
      return undefined;
  }
}

const collator = new Intl.Collator('ru', { numeric: true });

/** Rows that the query orders by class, by the class's name: 2Б before 10А. Pupils of a class by theirs, where they are named. */
export function inOrderOfNames(query: NamedQuery, columns: Columns, rows: readonly ShownRow[]): readonly ShownRow[] {
  const order =
    /ORDER BY\s+(?:\w+\.)?(?:school_id,\s*(?:\w+\.)?)?class_id\b(?<pupil>,\s*(?:\w+\.)?pupil_id\b)?(?![\s\S]*ORDER BY)/i.exec(
      query.sql,
    );
  if (order === null && query.source !== 'service') return rows;
  const names = Object.keys(columns);
  const by = ['school_id', 'class_name', ...(order?.groups?.pupil === undefined ? [] : ['pupil_name'])];
  const keys = by.map((name) => names.indexOf(name)).filter((at) => at >= 0);
  if (!names.includes('class_name')) return rows;
  return [...rows].sort((a, b) => {
    for (const at of keys) {
      const difference = compare(a[at], b[at]);
      if (difference !== 0) return difference;
    }
    return 0;
  });
}

function compare(a: ShownCell, b: ShownCell): number {
  if (typeof a === 'number' && typeof b === 'number') return a - b;
  // Nameless and hidden ones last.
  if (typeof a !== 'string' || typeof b !== 'string')
    return Number(typeof a !== 'string') - Number(typeof b !== 'string');
  return collator.compare(a, b);
}
