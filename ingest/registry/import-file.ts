import { Fault } from './fields.ts';
import type { CsvRow } from './csv.ts';
import { refuse, type FileReport } from './report.ts';
import type { RegistryTransaction } from './store.ts';

/** How one file of an import is read and stored. `Row` is a parsed line: one property a column. */
export interface ImportFile<Row> {
  readonly file: string;
  /** Reads each column's text. */
  readonly columns: { readonly [Column in keyof Row]: (text: string) => Row[Column] | Fault };
  /** What may occur once in a file, and the column to blame when it occurs again. */
  readonly identity: (row: Row) => string | number;
  readonly identityColumn: keyof Row & string;
  readonly open: (transaction: RegistryTransaction, report: FileReport, lineOf: LineOf) => Promise<RowWriter<Row>>;
}

/** The line of the row with this identity in the file, as far as it has been read. */
export type LineOf = (identity: string | number) => number | undefined;

export interface NumberedRow<Row> {
  readonly line: number;
  readonly row: Row;
}

/** Stores rows within one transaction, and refuses in the report those that do not fit what is stored. */
export interface RowWriter<Row> {
  write(rows: readonly NumberedRow<Row>[]): Promise<void>;
  /** Checks and does what needs all rows. */
  finish(): Promise<void>;
}

/** Finds the rows that are right by themselves and new in their file; refuses the others in the report. */
export class RowParser<Row> {
  private readonly file: ImportFile<Row>;
  private readonly report: FileReport;
  private readonly columns: Column<Row>[];
  private readonly lines = new Map<string | number, number>();

  constructor(file: ImportFile<Row>, report: FileReport) {
    this.file = file;
    this.report = report;
    this.columns = Object.entries(file.columns) as Column<Row>[];
  }

  parse(batch: readonly CsvRow[]): NumberedRow<Row>[] {
    const rows: NumberedRow<Row>[] = [];
    for (const csvRow of batch) {
      const row = parseRow(this.columns, csvRow, this.report);
      if (row !== null && this.isFirst(csvRow.line, row)) rows.push({ line: csvRow.line, row });
    }
    return rows;
  }

  /** The line of the row with this identity. */
  lineOf(identity: string | number): number | undefined {
    return this.lines.get(identity);
  }

  private isFirst(line: number, row: Row): boolean {
    const identity = this.file.identity(row);
    const first = this.lines.get(identity);
    if (first === undefined) this.lines.set(identity, line);
    else refuse(this.report, line, this.file.identityColumn, new Fault('DUPLICATE', `is the same as on line ${first}`));
    return first === undefined;
  }
}

type Column<Row> = [keyof Row & string, (text: string) => Row[keyof Row & string] | Fault];

/** The row, or null after refusing it for the first column that is wrong. */
function parseRow<Row>(columns: readonly Column<Row>[], { line, cells }: CsvRow, report: FileReport): Row | null {
  if (cells instanceof Fault) {
    refuse(report, line, null, cells);
    return null;
  }
  const row: Partial<Row> = {};
  for (let place = 0; place < columns.length; place++) {
    const [column, read] = columns[place];
    const value = read(cells[place]);
    if (value instanceof Fault) {
      refuse(report, line, column, value);
      return null;
    }
    row[column] = value;
  }
  return row as Row;
}
