import fs from 'node:fs';
import { parse } from 'csv-parse/sync';
import { OperatorError } from '../../workers/errors.ts';

/**
 * Reads a CSV file with exactly these columns, each line by `readRow`, which answers undefined for a line that is wrong.
 * Throws `code`, with the line and what was expected of it; nothing is sent then.
 */
export function readCsvFile<T>(
  file: string,
  code: string,
  columns: readonly string[],
  expected: string,
  readRow: (cells: readonly string[]) => T | undefined,
): T[] {
  const wrong = (line: number, what: string) =>
    new OperatorError(code, `${file}, line ${line}: ${what}`, `Columns: ${columns.join(',')}.`, 2);
  let rows: { record: string[]; info: { lines: number } }[];
  try {
    rows = parse(fs.readFileSync(file), { bom: true, skip_empty_lines: true, info: true }) as unknown as typeof rows;
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && String(error.code).startsWith('CSV_'))) throw error;
    throw wrong('lines' in error ? Number(error.lines) : 0, error.message);
  }
  if (rows[0]?.record.join(',') !== columns.join(',')) throw wrong(1, 'the header is not as expected');
  return rows.slice(1).map(({ record, info }) => {
    const row = readRow(record);
    if (row === undefined) throw wrong(info.lines, `expected ${expected}`);
    return row;
  });
}
