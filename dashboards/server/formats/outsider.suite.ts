import { tableFromIPC } from 'apache-arrow';
import { parse } from 'csv-parse/sync';
import { parquetReadObjects } from 'hyparquet';
import readXlsxFile from 'read-excel-file/node';
import type { Language } from '../types.ts';

/** What others read of our files, with libraries of theirs. */
export interface Table {
  readonly header: readonly string[];
  readonly rows: readonly (readonly unknown[])[];
}

/** A CSV file's table, and the lines above it. */
export function readCsv(body: Uint8Array, language: Language): Table & { readonly head: readonly string[][] } {
  const text = new TextDecoder('utf-8', { ignoreBOM: true }).decode(body);
  if (!text.startsWith('\ufeff')) throw new Error('no BOM');
  const options = { bom: true, delimiter: language === 'ru' ? ';' : ',', record_delimiter: '\r\n' };
  const all = parse(text, { ...options, relax_column_count: true, skip_empty_lines: true });
  const [header, ...rows] = parse(text, { ...options, comment: '#', comment_no_infix: true, skip_empty_lines: true });
  return { header, rows, head: all.slice(0, all.length - rows.length - 1) };
}

/** A workbook's first sheet, and its second one. */
export async function readXlsx(body: Uint8Array): Promise<Table & { readonly about: readonly (readonly unknown[])[] }> {
  const [data, about] = await readXlsxFile(Buffer.from(body));
  const [header, ...rows] = data.data;
  return { header: header as string[], rows, about: about.data };
}

export function readArrow(body: Uint8Array): Record<string, unknown>[] {
  const rows = tableFromIPC(body).toArray() as { toJSON(): Record<string, unknown> }[];
  return rows.map((row) => row.toJSON());
}

export async function readParquet(body: Uint8Array): Promise<Record<string, unknown>[]> {
  const { buffer, byteOffset, byteLength } = body;
  return parquetReadObjects({ file: buffer.slice(byteOffset, byteOffset + byteLength) as ArrayBuffer });
}
