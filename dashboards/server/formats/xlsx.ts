import writeXlsxFile, { type CellObject, type Row } from 'write-excel-file/node';
import type { Column } from '../../../analytics/queries/columns.ts';
import { isHidden } from '../disclosure/hide.ts';
import type { Answer, Language, ShownCell } from '../types.ts';
import { columnsOf, hiddenText, wallTime } from './cells.ts';
import { headLines, type HeadLine } from './head.ts';
import { headerText } from './headers.ts';

const sheets: Record<Language, { readonly data: string; readonly about: string }> = {
  ru: { data: 'Данные', about: 'О данных' },
  en: { data: 'Data', about: 'About' },
};

const formats: Partial<Record<Column['kind'], string>> = {
  day: 'yyyy-mm-dd',
  time: 'yyyy-mm-dd hh:mm:ss',
  percent: '0.00',
};
/** In characters. */
const widths: Partial<Record<Column['kind'], number>> = { text: 28, time: 20, day: 12 };
const usualWidth = 14;

export interface NamedTable {
  readonly name: string;
  readonly answer: Answer;
}

/** A workbook: the table with typed cells, and a second sheet with what stands above it elsewhere. */
export async function encodeXlsx(answer: Answer, language: Language): Promise<Uint8Array> {
  const name = sheets[language].data;
  return encodeWorkbook([{ name, answer }], headLines(answer, language), language);
}

/** A workbook with a sheet for each table, and a last one with what they are of. */
export async function encodeWorkbook(
  tables: readonly NamedTable[],
  lines: readonly HeadLine[],
  language: Language,
): Promise<Uint8Array> {
  const about: Row[] = lines.map(({ label, value }) => [
    bold(label),
    value === null ? null : typeof value === 'number' ? { value, type: Number } : { value, type: String },
  ]);
  const workbook = writeXlsxFile([
    ...tables.map((table) => dataSheet(table, language)),
    { sheet: sheets[language].about, data: about, columns: [{ width: 36 }, { width: 40 }] },
  ]);
  return workbook.toBuffer();
}

function dataSheet({ name, answer }: NamedTable, language: Language) {
  const columns = columnsOf(answer);
  const header: Row = columns.map(({ name: column }) => bold(headerText(column, language)));
  const body = answer.rows.map((row) =>
    columns.map(({ column }, at) => xlsxCell(row[at], column.kind, answer.head.timeZone)),
  );
  return {
    sheet: name,
    data: [header, ...body],
    columns: columns.map(({ column }) => ({ width: widths[column.kind] ?? usualWidth })),
    stickyRowsCount: 1,
  };
}

function bold(value: string): CellObject {
  return { value, type: String, fontWeight: 'bold' };
}

function xlsxCell(cell: ShownCell, kind: Column['kind'], zone: string | null): Row[number] {
  if (cell === null) return null;
  if (isHidden(cell)) return { value: hiddenText[cell.hidden], type: String, align: 'right' };
  if (typeof cell === 'boolean') return { value: cell, type: Boolean };
  const format = formats[kind];
  if (typeof cell === 'number') return { value: cell, type: Number, ...(format === undefined ? {} : { format }) };
  if (kind !== 'day' && kind !== 'time') return { value: cell, type: String };
  // A workbook has no zones: its dates are what the clock on the wall says.
  const wall = kind === 'day' ? cell : wallTime(cell, zone).replace(' ', 'T').concat('Z');
  return { value: new Date(wall), type: Date, format: format! };
}
