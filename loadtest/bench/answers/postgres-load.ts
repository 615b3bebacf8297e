import { once } from 'node:events';
import { pipeline } from 'node:stream/promises';
import type { ClickHouseClient } from '../../../analytics/clickhouse/client.ts';
import { OperatorError } from '../../errors.ts';
import type { PostgresServer } from './postgres-server.ts';

interface CopiedTable {
  readonly name: string;
  /** Column, its type there, and what it is here where that is not its name. */
  readonly columns: readonly (readonly [name: string, type: string, source?: string])[];
  readonly source: string;
  readonly order: string;
  readonly indexes: readonly string[];
}

const moment = 'timestamptz(3)';
const gateColumns = 'kind, code, reader_flags, clock_quality, flags, local_minute';

/**
 * The tables, as one would make them there: all that `tap` holds, in the order in which it comes in, and indexes for these
 * questions — covering ones where a question reads many rows of few columns.
 */
const tables: readonly CopiedTable[] = [
  {
    name: 'tap',
    columns: [
      ['position', 'bigint'],
      ...['at', 'at_raw', 'received_at'].map((name) => [name, moment] as const),
      ...['amount_kop', 'debited_kop', 'balance_kop'].map((name) => [name, 'bigint'] as const),
      ...`reader_id boot_epoch seq school_id pupil_id card_id home_school_id class_id ref rules_version`
        .split(' ')
        .map((name) => [name, 'integer'] as const),
      ['content_hash', 'bigint'],
      ['school_day', 'date'],
      ...`shard flags local_minute kind code purse`.split(' ').map((name) => [name, 'smallint'] as const),
      ['clock_quality', 'smallint', 'toUInt8(clock_quality)'],
      ...`reader_flags present uid_size basis notice`.split(' ').map((name) => [name, 'smallint'] as const),
      ['uid', 'bytea', `concat('\\\\x', card_uid)`],
    ],
    source: 'tap',
    order: 'school_day, school_id',
    indexes: [
      `CREATE INDEX ON tap (school_id, school_day, pupil_id, at) INCLUDE (${gateColumns}) WHERE kind IN (1, 2)`,
      `CREATE INDEX ON tap (school_id, school_day, code) INCLUDE (kind, pupil_id) WHERE code >= 40`,
      'CREATE INDEX ON tap (pupil_id, school_day)',
      'CREATE INDEX ON tap (shard, position)',
      'CREATE INDEX ON tap USING brin (school_day, school_id)',
    ],
  },
  {
    name: 'transfer',
    columns: [
      ...`transfer_id cause_position debit_account credit_account kop`
        .split(' ')
        .map((name) => [name, 'bigint'] as const),
      ['at', moment],
      ['reverses', 'bigint'],
      ...`pupil_id school_id`.split(' ').map((name) => [name, 'integer'] as const),
      ['school_day', 'date'],
      ...`shard cause purse`.split(' ').map((name) => [name, 'smallint'] as const),
    ],
    source: 'transfer',
    order: 'school_day, school_id',
    indexes: [
      'ALTER TABLE transfer ADD PRIMARY KEY (transfer_id)',
      'CREATE INDEX ON transfer (school_id, school_day) INCLUDE (shard, cause_position, cause, purse, kop, reverses)',
    ],
  },
  {
    name: 'roster_day',
    columns: [
      ['school_id', 'integer'],
      ['school_day', 'date'],
      ['pupil_id', 'integer'],
      ['class_id', 'integer'],
      ['shift', 'smallint'],
      ...['doors_at', 'bell_at', 'end_at'].map((name) => [name, moment] as const),
      ['entitled', 'boolean', 'toBool(entitled)'],
      ['excused', 'boolean', 'toBool(excused)'],
    ],
    source: 'roster_day FINAL',
    order: 'school_day, school_id, pupil_id',
    indexes: [
      'CREATE UNIQUE INDEX ON roster_day (school_id, school_day, pupil_id) INCLUDE (class_id, bell_at, end_at, excused)',
    ],
  },
  {
    name: 'calendar_day',
    columns: [
      ['school_id', 'integer'],
      ['school_day', 'date'],
      ['is_open', 'boolean', 'toBool(is_open)'],
    ],
    source: 'calendar_day FINAL',
    order: 'school_day, school_id',
    indexes: ['ALTER TABLE calendar_day ADD PRIMARY KEY (school_id, school_day)'],
  },
];

/** Copies what was told to the product (nothing that it derived) into PostgreSQL, makes indexes, analyzes. */
export async function loadPostgres(
  clickhouse: ClickHouseClient,
  postgres: PostgresServer,
  progress: (line: string) => void,
): Promise<void> {
  const client = await postgres.connect();
  try {
    await client.query('SET statement_timeout = 0');
    for (const table of tables) {
      await copyTable(clickhouse, postgres, table);
      progress(`PostgreSQL has ${table.name}`);
      for (const index of table.indexes) await client.query(index);
      await client.query(`VACUUM (ANALYZE, FREEZE) ${table.name}`);
      progress(`PostgreSQL has the indexes of ${table.name}`);
    }
    await client.query('CHECKPOINT');
  } finally {
    await client.end();
  }
}

/** Month by month, as it came in: no sort is larger than one. */
async function copyTable(clickhouse: ClickHouseClient, postgres: PostgresServer, table: CopiedTable): Promise<void> {
  const { name, columns, source } = table;
  const client = await postgres.connect();
  await client.query(
    `CREATE TABLE ${name} (${columns.map(([column, type]) => `${column} ${type} NOT NULL`).join(', ')})`,
  );
  await client.end();
  const query = `SELECT DISTINCT toYYYYMM(school_day) AS month FROM ${source} ORDER BY month`;
  const answer = await clickhouse.query({ query, format: 'JSONEachRow' });
  for (const { month } of await answer.json<{ month: number }>()) await copyMonth(clickhouse, postgres, table, month);
}

async function copyMonth(
  clickhouse: ClickHouseClient,
  postgres: PostgresServer,
  { name, columns, source, order }: CopiedTable,
  month: number,
): Promise<void> {
  const selected = columns.map(([column, , from = column]) => from).join(', ');
  const { stream } = await clickhouse.exec({
    query: `SELECT ${selected} FROM ${source} WHERE toYYYYMM(school_day) = ${month} ORDER BY ${order} FORMAT TabSeparated`,
  });
  const psql = postgres.psql(`COPY ${name} FROM STDIN`);
  let errorText = '';
  psql.stderr?.setEncoding('utf8').on('data', (text: string) => (errorText = (errorText + text).slice(-2_000)));
  const exited = once(psql, 'exit') as Promise<[number | null]>;
  const fed = pipeline(stream, psql.stdin!).then(
    () => undefined,
    (error: unknown) => String(error),
  );
  const [[status], failure] = await Promise.all([exited, fed]);
  if (status === 0 && failure === undefined) return;
  const cause = `${name} could not be copied: ${errorText.trim().split('\n').at(-1) || failure}`;
  throw new OperatorError('POSTGRES_COPY', cause, 'Is there room on the disk?');
}

/** Bytes on disk, indexes included, by table. */
export async function postgresBytes(postgres: PostgresServer): Promise<Record<string, number>> {
  const client = await postgres.connect();
  try {
    const bytes: Record<string, number> = {};
    for (const { name } of tables) {
      const answer = await client.query<{ n: string }>(`SELECT pg_total_relation_size('${name}') AS n`);
      bytes[name] = Number(answer.rows[0].n);
    }
    return bytes;
  } finally {
    await client.end();
  }
}

/** Bytes on disk of the tables of the schema, by table. */
export async function clickhouseBytes(client: ClickHouseClient): Promise<Record<string, number>> {
  const query = `SELECT table, toUInt64(sum(bytes_on_disk)) AS n FROM system.parts
    WHERE active AND database = currentDatabase() GROUP BY table ORDER BY table`;
  const rows = await (await client.query({ query, format: 'JSONEachRow' })).json<{ table: string; n: string }>();
  return Object.fromEntries(rows.map(({ table, n }) => [table, Number(n)]));
}
