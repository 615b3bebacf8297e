import type { ClickHouseClient } from '../../../analytics/clickhouse/client.ts';
import type { Answer, Language } from '../types.ts';

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

/** An answer as a file. Throws OperatorError CLICKHOUSE_UNREACHABLE for Arrow and Parquet. */
export function encode(_answer: Answer, _options: EncodeOptions): Promise<Encoded> {
  return Promise.reject(new Error('to come'));
}
