import type { NewChange } from './feed.ts';
import { Fault } from './fields.ts';
import type { NumberedRow, RowWriter } from './import-file.ts';
import { refuse, type FileReport } from './report.ts';
import { prepareAppend, prepareUpsert, selectByIds, type RunAll } from './statements.ts';
import type { RegistryTransaction } from './store.ts';

export type Append = (entries: readonly NewChange[]) => Promise<void>;
type ParentRow = object;

/** A table whose rows have an id of their own and may have a parent that must be stored. */
export interface Table<Row, Stored> {
  readonly table: 'district' | 'school' | 'class' | 'pupil' | 'reader';
  readonly id: keyof Row & keyof Stored & string;
  readonly parent?: { readonly table: 'district' | 'school' | 'class'; readonly id: keyof Row & keyof Stored & string };
  /** What is stored for a row, given what was stored before. */
  readonly toStored: (row: Row, before: Stored | undefined) => Stored;
  /** The feed's entry for a row that was added or changed, null where nobody needs to know. */
  readonly change?: (after: Stored, before: Stored | undefined, parent: ParentRow) => NewChange | null;
  /** What else counts as a move, beside another parent. */
  readonly isMove?: (after: Stored, before: Stored) => boolean;
  /** Runs after all rows when some moved. */
  readonly onMoved?: (
    transaction: RegistryTransaction,
    append: Append,
    moved: readonly Move<Stored>[],
  ) => Promise<void>;
}

export interface Move<Stored> {
  readonly before: Stored;
  readonly after: Stored;
}

export function tableWriter<Row extends object, Stored extends object>(
  table: Table<Row, Stored>,
): (transaction: RegistryTransaction, report: FileReport) => Promise<RowWriter<Row>> {
  return (transaction, report) => Promise.resolve(new TableWriter(table, transaction, report));
}

/** Compares each row with what is stored, stores what is new or other, and tells the feed. */
class TableWriter<Row extends object, Stored extends object> implements RowWriter<Row> {
  private readonly table: Table<Row, Stored>;
  private readonly transaction: RegistryTransaction;
  private readonly report: FileReport;
  private readonly append: Append;
  private columns: (keyof Stored & string)[] | null = null;
  private upsert: RunAll | null = null;
  private rows: Stored[] = [];
  private entries: NewChange[] = [];
  private readonly moved: Move<Stored>[] = [];

  constructor(table: Table<Row, Stored>, transaction: RegistryTransaction, report: FileReport) {
    this.table = table;
    this.transaction = transaction;
    this.report = report;
    this.append = prepareAppend(transaction);
  }

  async write(rows: readonly NumberedRow<Row>[]): Promise<void> {
    const { table, id } = this.table;
    const parents = await this.readParents(rows);
    const stored = await this.readById<Stored>(table, id, rows);
    for (const { line, row } of rows) {
      const parent = this.parentOf(row, parents);
      if (parent === undefined) this.refuseOrphan(line);
      else this.compare(row, stored.get(row[id] as number), parent);
    }
    await this.flush();
  }

  async finish(): Promise<void> {
    if (this.moved.length > 0) await this.table.onMoved?.(this.transaction, this.append, this.moved);
  }

  private compare(row: Row, before: Stored | undefined, parent: ParentRow): void {
    const after = this.table.toStored(row, before);
    if (before === undefined) {
      this.report.added++;
    } else {
      if (same(after, before)) {
        this.report.unchanged++;
        return;
      }
      this.report.changed++;
      this.noteMove(after, before);
    }
    this.rows.push(after);
    const entry = this.table.change?.(after, before, parent) ?? null;
    if (entry !== null) this.entries.push(entry);
  }

  private async flush(): Promise<void> {
    if (this.rows.length === 0) return;
    this.columns ??= Object.keys(this.rows[0]) as (keyof Stored & string)[];
    const { columns } = this;
    this.upsert ??= prepareUpsert(this.transaction, this.table.table, columns, [this.table.id]);
    await this.upsert(this.rows.map((row) => columns.map((column) => row[column])));
    await this.append(this.entries);
    this.rows = [];
    this.entries = [];
  }

  private noteMove(after: Stored, before: Stored): void {
    const { parent, isMove } = this.table;
    const hasOtherParent = parent !== undefined && after[parent.id] !== before[parent.id];
    if (hasOtherParent || isMove?.(after, before) === true) this.moved.push({ before, after });
  }

  private async readParents(rows: readonly NumberedRow<Row>[]): Promise<Map<number, ParentRow>> {
    const parent = this.table.parent;
    return parent === undefined ? new Map() : await this.readById<ParentRow>(parent.table, parent.id, rows);
  }

  private parentOf(row: Row, parents: ReadonlyMap<number, ParentRow>): ParentRow | undefined {
    const parent = this.table.parent;
    return parent === undefined ? {} : parents.get(row[parent.id] as number);
  }

  private refuseOrphan(line: number): void {
    const parent = this.table.parent;
    if (parent === undefined) return;
    refuse(this.report, line, parent.id, new Fault('REFERENCE', `no ${parent.table} with this id is stored`));
  }

  /** Stored rows that the batch names in `column`, by that column. */
  private async readById<Found extends object>(
    table: Table<Row, Stored>['table'],
    column: keyof Row & string,
    rows: readonly NumberedRow<Row>[],
  ): Promise<Map<number, Found>> {
    const ids = [...new Set(rows.map(({ row }) => row[column] as number))];
    const found = await selectByIds<Found>(this.transaction, table, column, ids);
    return new Map(found.map((row) => [(row as Record<string, unknown>)[column] as number, row]));
  }
}

function same<Stored extends object>(one: Stored, other: Stored): boolean {
  return Object.entries(one).every(([column, value]) => other[column as keyof Stored] === value);
}
