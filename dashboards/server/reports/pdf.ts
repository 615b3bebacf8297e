import { createRequire } from 'node:module';
import path from 'node:path';
import { OperatorError } from '../../../workers/errors.ts';
import type { Language } from '../types.ts';
import type { Report, ReportTable } from './build.ts';
import { chartOf } from './chart.ts';
import { cellText, columnTitle, headOf, wordsOf } from './words.ts';

/** Rows that are printed at most: a longer report is no page for people. */
export const pdfRowsMax = 5_000;

/**
 * What is used of the library. Its published types bring a browser's globals into every file of the program.
 * @see https://pdfmake.github.io/docs/
 */
interface Printer {
  addFonts(fonts: Readonly<Record<string, Readonly<Record<string, string>>>>): void;
  setUrlAccessPolicy(mayFetch: (url: string) => boolean): void;
  setLocalAccessPolicy(mayRead: (file: string) => boolean): void;
  createPdf(pages: Pages): { getBuffer(): Promise<Buffer> };
}
type Content = Readonly<Record<string, unknown>>;
type TableCell = string | Content;

interface Pages extends Content {
  readonly content: readonly Content[];
  readonly footer: (page: number, pages: number) => Content;
}

interface TableOfLayout {
  readonly table: { readonly body: readonly unknown[] };
}

const require = createRequire(import.meta.url);
const printer = require('pdfmake') as Printer;
const fonts = require('pdfmake/fonts/Roboto.js') as Record<string, Record<string, string>>;
const fontFolder = path.dirname(Object.values(fonts.Roboto)[0]);
printer.addFonts(fonts);
// Nothing of a report is fetched, and of this machine only the fonts are read.
printer.setUrlAccessPolicy(() => false);
printer.setLocalAccessPolicy((file) => path.dirname(path.resolve(file)) === fontFolder);

const ink = '#1c2733';
const quiet = '#5b6470';

/** The report as pages of A4. Throws REPORT_TOO_LONG. */
export async function encodePdf(report: Report, language: Language): Promise<Uint8Array> {
  const rows = report.tables.reduce((sum, { answer }) => sum + answer.rows.length, 0);
  if (rows > pdfRowsMax) {
    const message = `the report has ${rows} rows, and at most ${pdfRowsMax} are printed`;
    throw new OperatorError('REPORT_TOO_LONG', message, 'Ask for fewer days, or for csv or xlsx.', 1);
  }
  return await printer.createPdf(documentOf(report, language)).getBuffer();
}

function documentOf(report: Report, language: Language): Pages {
  const words = wordsOf(language);
  const { title, facts, notes } = headOf(report, language);
  return {
    pageSize: 'A4',
    pageMargins: [40, 40, 40, 46],
    info: { title: `${title}, ${facts[0].value}`, creator: 'Tapline', producer: 'Tapline' },
    language: language === 'ru' ? 'ru-RU' : 'en-GB',
    defaultStyle: { font: 'Roboto', fontSize: 8.5, color: ink },
    content: [
      { text: title, fontSize: 18, bold: true, margin: [0, 0, 0, 6] },
      factsTable(facts),
      ...notes.map((text): Content => ({ text, color: quiet, margin: [0, 0, 0, 4] })),
      ...report.tables.flatMap((table) => tableContent(table, language)),
    ],
    footer: (page, pages) => ({
      columns: [
        { text: `Tapline · ${title} · ${facts[0].value}`, color: quiet, fontSize: 7 },
        { text: `${words.page} ${page} ${words.of} ${pages}`, color: quiet, fontSize: 7, alignment: 'right' },
      ],
      margin: [40, 16, 40, 0],
    }),
  };
}

function factsTable(facts: readonly { readonly label: string; readonly value: string }[]): Content {
  const half = Math.ceil(facts.length / 2);
  const pair = (index: number): TableCell[] => {
    const fact = facts.at(index);
    return fact === undefined || index >= facts.length ? ['', ''] : [{ text: fact.label, color: quiet }, fact.value];
  };
  const body = Array.from({ length: half }, (_, index) => [...pair(index), ...pair(index + half)]);
  return {
    table: { widths: [70, '*', 80, '*'], body },
    layout: { defaultBorder: false, paddingLeft: () => 0, paddingTop: () => 1, paddingBottom: () => 1 },
    margin: [0, 0, 0, 8],
  };
}

function tableContent(table: ReportTable, language: Language): Content[] {
  const { section, answer, total } = table;
  const heading: Content = { text: section.title[language], fontSize: 12, bold: true, margin: [0, 10, 0, 4] };
  const words = wordsOf(language);
  if (answer.rows.length === 0) return [heading, { text: words.rows, color: quiet }];
  const svg = chartOf(table, language);
  const columns = Object.entries(answer.columns);
  const isLeft = columns.map(([, { kind }]) => kind === 'text' || kind === 'day');
  const cell = (text: string, index: number, bold = false): TableCell => {
    return { text, bold, alignment: isLeft[index] ? 'left' : 'right', noWrap: isLeft[index] && !bold };
  };
  const body: TableCell[][] = [
    columns.map(([name], index): TableCell => ({
      ...{ text: columnTitle(name, language), alignment: isLeft[index] ? 'left' : 'right' },
      ...{ bold: true, color: quiet, fontSize: 7.5 },
    })),
    ...answer.rows.map((row) => row.map((value, index) => cell(cellText(value, columns[index][1], language), index))),
  ];
  if (total !== null) {
    const sums = total.map((value, index) => (value === null ? '' : cellText(value, columns[index][1], language)));
    body.push(sums.map((text, index) => cell(index === 0 ? words.total : text, index, true)));
  }
  return [heading, ...(svg === undefined ? [] : [{ svg, margin: [0, 0, 0, 6] } as Content]), printed(body, isLeft)];
}

function printed(body: TableCell[][], isLeft: readonly boolean[]): Content {
  return {
    table: { headerRows: 1, dontBreakRows: true, widths: isLeft.map((left) => (left ? 'auto' : '*')), body },
    layout: {
      hLineWidth: (line: number, { table }: TableOfLayout) => (line === 0 || line === table.body.length ? 0 : 0.5),
      vLineWidth: () => 0,
      hLineColor: (line: number) => (line === 1 ? quiet : '#d5dae0'),
      // Ten columns of people fit the page.
      paddingLeft: () => 2,
      paddingRight: () => 2,
      paddingTop: () => 2,
      paddingBottom: () => 2,
    },
  };
}
