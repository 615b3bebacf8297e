import { stringify } from 'csv-stringify/sync';
import type { Column } from '../../../analytics/queries/columns.ts';
import { isHidden } from '../disclosure/hide.ts';
import type { Answer, Language, ShownCell } from '../types.ts';
import { columnsOf, flagTexts, hiddenText, wallTime } from './cells.ts';
import { headLines, type HeadLine } from './head.ts';
import { headerText } from './headers.ts';

interface Dialect {
  readonly delimiter: string;
  readonly decimalMark: string;
}

const dialects: Record<Language, Dialect> = {
  ru: { delimiter: ';', decimalMark: ',' },
  en: { delimiter: ',', decimalMark: '.' },
};

/** What spreadsheet programs may take for the beginning of a formula, also behind spaces and in full width. */
const formula = /^\s*[=+\-−@＝＋－＠]|^[\t\r\n]/u;

/** A text that no program takes for a formula: with an apostrophe before it, which spreadsheets do not show. */
export function inertText(text: string): string {
  return formula.test(text) ? `'${text}` : text;
}

export interface CsvOptions {
  readonly language: Language;
  readonly hasHead: boolean;
  /** What stands above the table in place of the answer's own head. */
  readonly lines?: readonly HeadLine[];
}

/**
 * UTF-8 with BOM, as spreadsheet programs of the language read it: `# label;value` lines and an empty one above the table,
 * if it has a head.
 */
export function encodeCsv(
  answer: Answer,
  { language, hasHead, lines = headLines(answer, language) }: CsvOptions,
): Uint8Array {
  const { delimiter, decimalMark } = dialects[language];
  const text = (cell: ShownCell, kind: Column['kind']) =>
    csvText(cell, { kind, decimalMark, language, zone: answer.head.timeZone });
  const columns = columnsOf(answer);
  const head = lines.map(({ label, value }) => [
    `# ${label}`,
    text(value, typeof value === 'number' ? 'number' : 'text'),
  ]);
  const header = columns.map(({ name }) => headerText(name, language));
  const table = answer.rows.map((row) => columns.map(({ column }, at) => text(row[at], column.kind)));
  const options = { delimiter, record_delimiter: '\r\n' };
  const above = hasHead ? `${stringify(head, options)}\r\n` : '';
  // A text of the table that begins with # is no line of the head.
  return Buffer.from(`\ufeff${above}${stringify([header, ...table], { ...options, quoted_match: /^#/ })}`);
}

interface TextOptions {
  readonly kind: Column['kind'];
  readonly decimalMark: string;
  readonly language: Language;
  readonly zone: string | null;
}

function csvText(cell: ShownCell, { kind, decimalMark, language, zone }: TextOptions): string {
  if (cell === null) return '';
  if (isHidden(cell)) return hiddenText[cell.hidden];
  if (typeof cell === 'number') return String(cell).replace('.', decimalMark);
  if (typeof cell === 'boolean') return flagTexts[language][cell ? 'true' : 'false'];
  if (kind === 'time') return wallTime(cell, zone);
  return kind === 'day' ? cell : inertText(cell);
}
