import type { ClickHouseClient } from '../../../analytics/clickhouse/client.ts';
import type { Answer, Language } from '../types.ts';
import { fileNameOf } from './cells.ts';
import { encodeColumnar } from './columnar.ts';
import { encodeCsv } from './csv.ts';
import { encodeJson } from './json.ts';
import { encodeXlsx } from './xlsx.ts';

export const formats = ['json', 'csv', 'xlsx', 'arrow', 'parquet'] as const;
export type Format = (typeof formats)[number];

export interface EncodeOptions {
  readonly format: Format;
  readonly language: Language;
  /** Arrow and Parquet are ClickHouse's own. */
  readonly client: ClickHouseClient;
  /** False leaves out the lines above a CSV table. */
  readonly hasHead?: boolean;
}

export interface Encoded {
  readonly contentType: string;
  readonly fileName: string;
  readonly body: Uint8Array;
}

export const contentTypes: Record<Format, string> = {
  json: 'application/json; charset=utf-8',
  csv: 'text/csv; charset=utf-8',
  xlsx: 'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet',
  arrow: 'application/vnd.apache.arrow.file',
  parquet: 'application/vnd.apache.parquet',
};

/** An answer as a file. Throws OperatorError CLICKHOUSE_UNREACHABLE for Arrow and Parquet. */
export async function encode(answer: Answer, options: EncodeOptions): Promise<Encoded> {
  const { format } = options;
  return {
    contentType: contentTypes[format],
    fileName: fileNameOf(answer, format),
    body: await bodyOf(answer, options),
  };
}

async function bodyOf(
  answer: Answer,
  { format, language, client, hasHead = true }: EncodeOptions,
): Promise<Uint8Array> {
  switch (format) {
    case 'json':
      return encodeJson(answer);
    case 'csv':
      return encodeCsv(answer, { language, hasHead });
    case 'xlsx':
      return encodeXlsx(answer, language);
    case 'arrow':
      return encodeColumnar(answer, 'Arrow', client);
    case 'parquet':
      return encodeColumnar(answer, 'Parquet', client);
  }
}
