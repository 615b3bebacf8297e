import { z } from 'zod';
import type { ClickHouseClient } from '../clickhouse/client.ts';
import { cellSchema } from './columns.ts';
import type { NamedQuery } from './define.ts';
import { runQuery } from './run.ts';

/**
 * Asks a query as the API does, with its parameters as text, and gives rows as objects after each cell was held to the
 * declared type.
 */
export async function askNamed(
  client: ClickHouseClient,
  query: NamedQuery,
  asked: { readonly schools: readonly number[]; readonly nowMs?: number } & Readonly<Record<string, unknown>>,
): Promise<Record<string, unknown>[]> {
  const { schools, nowMs = Date.now(), ...said } = asked;
  const parameters = query.parameters.parse(said);
  const rows = await runQuery(client, query, { parameters, schools, nowMs });
  const names = Object.keys(query.columns);
  const schema = z.strictObject(
    Object.fromEntries(Object.entries(query.columns).map(([name, column]) => [name, cellSchema(column)])),
  );
  return rows.map((row) => {
    if (row.length !== names.length) throw new Error(`${query.name}: ${row.length} cells for ${names.length} columns`);
    return schema.parse(Object.fromEntries(names.map((name, index) => [name, row[index]])));
  });
}
