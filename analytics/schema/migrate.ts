import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { OperatorError } from '../../workers/errors.ts';
import { openClickHouse, parseClickHouseUrl, type ClickHouseClient } from '../clickhouse/client.ts';

/** One numbered step forward. */
export interface Migration {
  readonly version: number;
  readonly name: string;
  readonly statements: readonly string[];
}

export interface Migrated {
  /** Version of the schema now. */
  readonly version: number;
  /** Names of the steps that were taken now. */
  readonly applied: readonly string[];
  /** Names this database; a sink's cursor is good for one installation only. */
  readonly installationId: string;
}

/** Reads the steps of a folder: `0001_what_it_does.sql`, numbered from 1 without a gap. */
export function readMigrations(directory: string = import.meta.dirname): Migration[] {
  const files = readdirSync(directory).filter((file) => /^\d{4}_\w+\.sql$/.test(file));
  return files.sort().map((file, index) => {
    const version = Number(file.slice(0, 4));
    if (version !== index + 1) throw new Error(`migration ${file} should have number ${index + 1}`);
    return {
      version,
      name: file.slice(0, -4),
      statements: splitStatements(readFileSync(path.join(directory, file), 'utf8')),
    };
  });
}

/** Statements end with `;` at the end of a line; lines that begin with `--` are for people. */
export function splitStatements(text: string): string[] {
  const lines = text.split('\n').filter((line) => !line.trimStart().startsWith('--'));
  const statements = lines.join('\n').split(/;[ \t]*(?:\n|$)/);
  return statements.map((statement) => statement.trim()).filter((statement) => statement !== '');
}

/**
 * Brings the database of the address to the newest schema; harmless when it is there already. Throws OperatorError
 * SCHEMA_NEWER when the database was made by a newer version of the product.
 */
export async function migrate(address: string, migrations = readMigrations()): Promise<Migrated> {
  const { database } = parseClickHouseUrl(address);
  await withClient(address, 'default', (client) =>
    client.command({ query: `CREATE DATABASE IF NOT EXISTS ${quoteName(database)}` }),
  );
  return withClient(address, database, async (client) => {
    await createBookkeeping(client);
    const from = await currentVersion(client);
    const newest = migrations.at(-1)?.version ?? 0;
    if (from > newest) throw newerSchema(database, from, newest);
    const applied: string[] = [];
    for (const migration of migrations.slice(from)) {
      // A step that was cut off is taken again from its beginning: each statement is harmless when repeated.
      for (const query of migration.statements) await client.command({ query });
      await recordMigration(client, migration);
      applied.push(migration.name);
    }
    return { version: newest, applied, installationId: await installationId(client) };
  });
}

async function withClient<T>(
  address: string,
  database: string,
  run: (client: ClickHouseClient) => Promise<T>,
): Promise<T> {
  const client = openClickHouse(address, { database });
  try {
    return await run(client);
  } finally {
    await client.close();
  }
}

async function createBookkeeping(client: ClickHouseClient): Promise<void> {
  await client.command({
    query: `CREATE TABLE IF NOT EXISTS schema_migration (version UInt32, name String, applied_at DateTime64(3, 'UTC') DEFAULT now64(3))
      ENGINE = MergeTree ORDER BY version`,
  });
  await client.command({
    query: `CREATE TABLE IF NOT EXISTS installation (id UUID, created_at DateTime64(3, 'UTC') DEFAULT now64(3))
      ENGINE = MergeTree ORDER BY created_at`,
  });
}

async function currentVersion(client: ClickHouseClient): Promise<number> {
  const answer = await client.query({
    query: 'SELECT max(version) AS version FROM schema_migration',
    format: 'JSONEachRow',
  });
  const [row] = await answer.json<{ version: number }>();
  return row.version;
}

async function recordMigration(client: ClickHouseClient, migration: Migration): Promise<void> {
  await client.command({
    query: 'INSERT INTO schema_migration (version, name) SELECT {version:UInt32}, {name:String}',
    query_params: { version: migration.version, name: migration.name },
    clickhouse_settings: { async_insert: 0 },
  });
}

/** The first identity stays, also if two services should create one at once. */
async function installationId(client: ClickHouseClient): Promise<string> {
  await client.command({
    query: 'INSERT INTO installation (id) SELECT generateUUIDv4() WHERE (SELECT count() FROM installation) = 0',
    clickhouse_settings: { async_insert: 0 },
  });
  const query = 'SELECT id FROM installation ORDER BY created_at, id LIMIT 1';
  const [row] = await (await client.query({ query, format: 'JSONEachRow' })).json<{ id: string }>();
  return row.id;
}

function quoteName(name: string): string {
  return `\`${name.replaceAll('\\', '\\\\').replaceAll('`', '\\`')}\``;
}

function newerSchema(database: string, found: number, known: number): OperatorError {
  return new OperatorError(
    'SCHEMA_NEWER',
    `database ${database} has schema ${found}, and this version knows ${known}`,
    'Run the version of the product that made it, or a newer one',
  );
}
