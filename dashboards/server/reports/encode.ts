import { parameterInvalid } from '../answer/errors.ts';
import { encodeCsv } from '../formats/csv.ts';
import type { Encoded } from '../formats/encode.ts';
import { encodeWorkbook } from '../formats/xlsx.ts';
import type { Language } from '../types.ts';
import type { Report } from './build.ts';
import { encodePdf } from './pdf.ts';
import { headOf } from './words.ts';

export const reportFormats = ['pdf', 'xlsx', 'csv'] as const;
export type ReportFormat = (typeof reportFormats)[number];

export interface ReportLook {
  readonly format: ReportFormat;
  readonly language: Language;
  /** Of CSV, which has one table: which, from 1. */
  readonly table: number;
}

const contentTypes: Record<ReportFormat, string> = {
  pdf: 'application/pdf',
  xlsx: 'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet',
  csv: 'text/csv; charset=utf-8',
};

/** A report as a file. Throws REPORT_TOO_LONG, PARAMETER_INVALID for a table that it does not have. */
export async function encodeReport(report: Report, look: ReportLook): Promise<Encoded> {
  const { from, to } = report.head.parameters;
  return {
    contentType: contentTypes[look.format],
    fileName: `${report.name}_${from}_${to}.${look.format}`,
    body: await bodyOf(report, look),
  };
}

async function bodyOf(report: Report, { format, language, table }: ReportLook): Promise<Uint8Array> {
  if (format === 'pdf') return encodePdf(report, language);
  const { title, facts, notes } = headOf(report, language);
  const lines = [{ label: title, value: '' }, ...facts, ...notes.map((note) => ({ label: note, value: '' }))];
  const { tables } = report;
  if (format === 'csv') {
    const one = tables.at(table - 1);
    if (one === undefined) throw parameterInvalid('table', `is one of 1 to ${tables.length}`);
    const shown = { label: one.section.title[language], value: `${table} / ${tables.length}` };
    return encodeCsv(one.answer, { language, hasHead: true, lines: [...lines, shown] });
  }
  const named = tables.map(({ section, answer }) => ({ name: (section.sheet ?? section.title)[language], answer }));
  return encodeWorkbook(named, lines, language);
}
