import { sql, type RawBuilder } from 'kysely';
import type { NewChange } from './feed.ts';
import type { RegistryTables } from './schema.ts';
import type { RegistryTransaction } from './store.ts';

/** Runs a statement that was compiled once with the values of each row. */
export type RunAll = (rows: readonly (readonly unknown[])[]) => Promise<void>;

type TableName = keyof RegistryTables;

/** A call into the database costs as much as storing two rows, so full groups go in one. */
const rowsPerStatement = 50;

/** Inserts rows, or where their `keys` exist overwrites the other columns. Values come in the order of `columns`. */
export function prepareUpsert(
  transaction: RegistryTransaction,
  table: TableName,
  columns: readonly string[],
  keys: readonly string[],
): RunAll {
  const updates = columns
    .filter((column) => !keys.includes(column))
    .map((column) => sql`${sql.ref(column)} = excluded.${sql.ref(column)}`);
  const onConflict = sql`on conflict (${sql.join(keys.map((key) => sql.ref(key)))}) do update set ${sql.join(updates)}`;
  return prepare(transaction, (rows) => sql`${insertInto(table, columns, rows)} ${onConflict}`);
}

/** Appends feed entries whose numbers nobody asks for. */
export function prepareAppend(transaction: RegistryTransaction): (entries: readonly NewChange[]) => Promise<void> {
  const run = prepare(transaction, (rows) => insertInto('change', ['kind', 'entity_id', 'payload'], rows));
  return (entries) => run(entries.map(({ kind, entityId, payload }) => [kind, entityId, JSON.stringify(payload)]));
}

function insertInto(table: TableName, columns: readonly string[], rows: number): RawBuilder<unknown> {
  const places = sql`(${sql.join(columns.map(() => sql.val(null)))})`;
  const values = sql.join(new Array<RawBuilder<unknown>>(rows).fill(places));
  return sql`insert into ${sql.table(table)} (${sql.join(columns.map((column) => sql.ref(column)))}) values ${values}`;
}

function prepare(transaction: RegistryTransaction, statement: (rows: number) => RawBuilder<unknown>): RunAll {
  const one = statement(1).compile(transaction);
  const group = statement(rowsPerStatement).compile(transaction);
  return async (rows) => {
    const grouped = rows.length - (rows.length % rowsPerStatement);
    for (let from = 0; from < grouped; from += rowsPerStatement) {
      await transaction.executeQuery({ ...group, parameters: rows.slice(from, from + rowsPerStatement).flat() });
    }
    for (const parameters of rows.slice(grouped)) await transaction.executeQuery({ ...one, parameters });
  };
}

/** Rows of a table whose `column` is one of `ids`. */
export async function selectByIds<Row>(
  transaction: RegistryTransaction,
  table: TableName,
  column: string,
  ids: readonly number[],
): Promise<Row[]> {
  if (ids.length === 0) return [];
  const query = sql<Row>`select * from ${sql.table(table)} where ${sql.ref(column)} in (${sql.join(ids)})`;
  return (await query.execute(transaction)).rows;
}
