import { schoolDayChange, type SchoolDayChange } from './feed.ts';
import { dayOfDate, Fault, readDay, readDayOrNone, readId, readShift, readTime } from './fields.ts';
import type { ImportFile, NumberedRow, RowWriter } from './import-file.ts';
import { refuse, type FileReport } from './report.ts';
import type { AbsenceRow, BellsRow } from './schema.ts';
import { prepareAppend, prepareUpsert, selectByIds, type RunAll } from './statements.ts';
import type { RegistryTransaction } from './store.ts';

/** Bells and absences: rows that are known by what they belong to and one column more. */

interface BellsFileRow {
  school_id: number;
  shift: number;
  doors: number;
  first: number;
  last: number;
}

export const bells: ImportFile<BellsFileRow> = {
  file: 'bells.csv',
  columns: { school_id: readId, shift: readShift, doors: readTime, first: readTime, last: readTime },
  identity: (row) => `${row.school_id}:${row.shift}`,
  identityColumn: 'shift',
  open: dayWriter<BellsFileRow, BellsRow>({
    table: 'bells',
    parent: { name: 'school', id: 'school_id', schoolsOf: schoolsThemselves },
    key: 'shift',
    toStored: ({ school_id, shift, doors, first, last }) => {
      return { school_id, shift, doors_min: doors, first_min: first, last_min: last };
    },
    fault: ({ doors, first, last }) => {
      if (doors > first) return ['first', new Fault('ORDER', 'must not be before the doors open')];
      return first < last ? null : ['last', new Fault('ORDER', 'must be later than the first bell')];
    },
    pastDays: () => null,
  }),
};

interface AbsenceFileRow {
  pupil_id: number;
  from: string;
  to: string | null;
}

export const absences: ImportFile<AbsenceFileRow> = {
  file: 'absences.csv',
  columns: { pupil_id: readId, from: readDay, to: readDayOrNone },
  identity: (row) => `${row.pupil_id}:${row.from}`,
  identityColumn: 'from',
  open: dayWriter<AbsenceFileRow, AbsenceRow>({
    table: 'absence',
    parent: { name: 'pupil', id: 'pupil_id', schoolsOf: schoolsOfPupils },
    key: 'from_day',
    toStored: ({ pupil_id, from, to }) => ({ pupil_id, from_day: from, to_day: to }),
    fault: ({ from, to }) =>
      to === null || from <= to ? null : ['to', new Fault('ORDER', 'must not be before the first day')],
    pastDays: ({ from_day: from, to_day: to }, before) => {
      const ends = [to ?? from, before?.to_day ?? from];
      return [dayOfDate(from), Math.max(...ends.map(dayOfDate))];
    },
  }),
};

/** A table whose rows belong to a school or pupil and are told apart by `key`. */
interface DayTable<Row, Stored> {
  readonly table: 'bells' | 'absence';
  readonly parent: {
    readonly name: string;
    readonly id: keyof Row & keyof Stored & string;
    /** The schools of the parents that are stored, by parent. */
    readonly schoolsOf: (transaction: RegistryTransaction, ids: readonly number[]) => Promise<Map<number, number>>;
  };
  readonly key: keyof Stored & string;
  readonly toStored: (row: Row) => Stored;
  /** What is wrong with a row as a whole, and the column to blame. */
  readonly fault: (row: Row) => [column: string, fault: Fault] | null;
  readonly pastDays: (after: Stored, before: Stored | undefined) => SchoolDayChange['pastDays'];
}

function dayWriter<Row extends object, Stored extends object>(table: DayTable<Row, Stored>): ImportFile<Row>['open'] {
  return (transaction, report) => Promise.resolve(new DayWriter(table, transaction, report));
}

/** Stores rows that are new or other, and tells the feed of their schools, one entry each. */
class DayWriter<Row extends object, Stored extends object> implements RowWriter<Row> {
  private readonly table: DayTable<Row, Stored>;
  private readonly transaction: RegistryTransaction;
  private readonly report: FileReport;
  private upsert: RunAll | null = null;
  /** By school. */
  private readonly concerned = new Map<number, SchoolDayChange['pastDays']>();

  constructor(table: DayTable<Row, Stored>, transaction: RegistryTransaction, report: FileReport) {
    this.table = table;
    this.transaction = transaction;
    this.report = report;
  }

  async write(rows: readonly NumberedRow<Row>[]): Promise<void> {
    const { name, id, schoolsOf } = this.table.parent;
    const ids = [...new Set(rows.map(({ row }) => row[id] as number))];
    const schools = await schoolsOf(this.transaction, ids);
    const before = await this.storedRows(ids);
    const changed: Stored[] = [];
    for (const { line, row } of rows) {
      const schoolId = schools.get(row[id] as number);
      const [column, fault] = this.table.fault(row) ?? [];
      if (schoolId === undefined)
        refuse(this.report, line, id, new Fault('REFERENCE', `no ${name} with this id is stored`));
      else if (column !== undefined && fault !== undefined) refuse(this.report, line, column, fault);
      else this.compare(this.table.toStored(row), before, schoolId, changed);
    }
    await this.store(changed);
  }

  async finish(): Promise<void> {
    const entries = [...this.concerned].map(([schoolId, pastDays]) => schoolDayChange([schoolId], pastDays));
    await prepareAppend(this.transaction)(entries);
  }

  private compare(after: Stored, stored: ReadonlyMap<string, Stored>, schoolId: number, changed: Stored[]): void {
    const before = stored.get(this.keyOf(after));
    const isSame =
      before !== undefined && Object.entries(after).every(([name, value]) => before[name as keyof Stored] === value);
    this.report[before === undefined ? 'added' : isSame ? 'unchanged' : 'changed']++;
    if (isSame) return;
    changed.push(after);
    this.concerned.set(schoolId, union(this.concerned.get(schoolId) ?? null, this.table.pastDays(after, before)));
  }

  private async storedRows(ids: readonly number[]): Promise<Map<string, Stored>> {
    const rows = await selectByIds<Stored>(this.transaction, this.table.table, this.table.parent.id, ids);
    return new Map(rows.map((row) => [this.keyOf(row), row]));
  }

  private keyOf(row: Stored): string {
    return `${String(row[this.table.parent.id])}:${String(row[this.table.key])}`;
  }

  private async store(rows: readonly Stored[]): Promise<void> {
    if (rows.length === 0) return;
    const columns = Object.keys(rows[0]) as (keyof Stored & string)[];
    const { table, parent, key } = this.table;
    this.upsert ??= prepareUpsert(this.transaction, table, columns, [parent.id, key]);
    await this.upsert(rows.map((row) => columns.map((column) => row[column])));
  }
}

function union(one: SchoolDayChange['pastDays'], other: SchoolDayChange['pastDays']): SchoolDayChange['pastDays'] {
  if (one === null || other === null) return one ?? other;
  return [Math.min(one[0], other[0]), Math.max(one[1], other[1])];
}

async function schoolsThemselves(
  transaction: RegistryTransaction,
  ids: readonly number[],
): Promise<Map<number, number>> {
  const rows = await selectByIds<{ school_id: number }>(transaction, 'school', 'school_id', ids);
  return new Map(rows.map(({ school_id: schoolId }) => [schoolId, schoolId]));
}

async function schoolsOfPupils(transaction: RegistryTransaction, ids: readonly number[]): Promise<Map<number, number>> {
  if (ids.length === 0) return new Map();
  const rows = await transaction
    .selectFrom('pupil')
    .innerJoin('class', 'class.class_id', 'pupil.class_id')
    .select(['pupil_id', 'school_id'])
    .where('pupil_id', 'in', ids)
    .execute();
  return new Map(rows.map((row) => [row.pupil_id, row.school_id]));
}
