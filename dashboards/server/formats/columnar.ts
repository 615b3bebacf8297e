import { randomUUID } from 'node:crypto';
import { Readable } from 'node:stream';
import type { ClickHouseClient } from '../../../analytics/clickhouse/client.ts';
import type { ColumnKind } from '../../../analytics/queries/columns.ts';
import { reached } from '../answer/errors.ts';
import { isPupilName } from '../answer/names.ts';
import { isHidden } from '../disclosure/hide.ts';
import type { Answer, ShownCell } from '../types.ts';
import { columnsOf } from './cells.ts';

export type ColumnarFormat = 'Arrow' | 'Parquet';

const types: Record<ColumnKind, string> = {
  id: 'UInt64',
  count: 'Int64',
  kop: 'Int64',
  percent: 'Float64',
  number: 'Float64',
  day: 'Date32',
  time: "DateTime64(3, 'UTC')",
  text: 'String',
  flag: 'Bool',
};

// As most libraries read them.
const settings = {
  readonly: '2',
  date_time_input_format: 'best_effort',
  output_format_arrow_compression_method: 'none',
  output_format_arrow_string_as_string: 1,
  output_format_parquet_compression_method: 'snappy',
  output_format_parquet_string_as_string: 1,
  wait_end_of_query: 1,
} as const;

/**
 * The answer in one of ClickHouse's own formats. Rows go there as a table of the one request, after small groups were
 * hidden: a hidden cell is null, and the column `hidden` says why. Names of pupils stay here. Throws
 * OperatorError CLICKHOUSE_UNREACHABLE.
 */
export async function encodeColumnar(
  answer: Answer,
  format: ColumnarFormat,
  client: ClickHouseClient,
): Promise<Uint8Array> {
  const kept = columnsOf(answer)
    .map((column, at) => ({ ...column, at }))
    .filter(({ name }) => !isPupilName(name, answer.columns));
  const structure = [
    ...kept.map(({ name, column }) => `\`${name}\` Nullable(${types[column.kind]})`),
    '`hidden` String',
  ].join(', ');
  const rows = answer.rows.map((row) => {
    const cells = kept.map(({ at }) => row[at]);
    return JSON.stringify([...cells.map((cell) => (isHidden(cell) ? null : cell)), reasonOf(cells)]);
  });
  const boundary = `tapline-${randomUUID()}`;
  const asked = client.exec({
    query: 'SELECT * FROM answer',
    values: Readable.from([multipart(boundary, rows)]),
    http_headers: { 'Content-Type': `multipart/form-data; boundary=${boundary}`, 'X-ClickHouse-Format': format },
    clickhouse_settings: { ...settings, ...tableOf(structure) },
  });
  const file = asked.then(async ({ stream }) => Buffer.concat((await stream.toArray()) as Buffer[]));
  return reached(file);
}

/** Not settings: they travel beside them in the address, and say what the table of the request is. */
function tableOf(structure: string): Readonly<Record<string, string>> {
  return { answer_structure: structure, answer_format: 'JSONCompactEachRow' };
}

function multipart(boundary: string, rows: readonly string[]): string {
  const head = `--${boundary}\r\nContent-Disposition: form-data; name="answer"; filename="answer"\r\n`;
  return `${head}Content-Type: application/octet-stream\r\n\r\n${rows.join('\n')}\r\n--${boundary}--\r\n`;
}

function reasonOf(cells: readonly ShownCell[]): string {
  const reasons = cells.flatMap((cell) => (isHidden(cell) ? cell.hidden : []));
  return reasons.includes('small') ? 'small' : (reasons[0] ?? '');
}
