import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { OperatorError } from '../../workers/errors.ts';
import { openClickHouse, parseClickHouseUrl, type ClickHouseClient } from '../clickhouse/client.ts';
import { clusterBookkeeping, ClusterSchema, type ClusterPlace } from './cluster.ts';
import { quoteName } from './quoting.ts';
import { applyRetention } from './retention.ts';

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
  /** Days that taps are kept; undefined: for good. */
  readonly tapDaysKept: number | undefined;
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

export interface MigrateOptions {
  readonly migrations?: readonly Migration[];
  /** Days that taps are kept, 0 for good; undefined leaves it as it is. */
  readonly tapRetentionDays?: number;
}

/**
 * Brings the database of the address to the newest schema, on all nodes where the address names a cluster, and what is
 * kept for how long to what `retention.ts` says; harmless when it is there already. Throws OperatorError SCHEMA_NEWER
 * when the database was made by a newer version of the product, SCHEMA_PLACE when it is not on that cluster.
 */
export async function migrate(address: string, options: MigrateOptions = {}): Promise<Migrated> {
  const { database, cluster } = parseClickHouseUrl(address);
  const place = cluster === undefined ? undefined : { cluster, database };
  await withClient(address, 'default', (client) => client.command({ query: createDatabase(database, cluster) }));
  return withClient(address, database, async (client) => {
    await checkPlace(client, database, cluster);
    await createBookkeeping(client, place);
    const migrations = options.migrations ?? readMigrations();
    const from = await currentVersion(client);
    const newest = migrations.at(-1)?.version ?? 0;
    if (from > newest) throw newerSchema(database, from, newest);
    const applied: string[] = [];
    for (const migration of placed(migrations, place).slice(from)) {
      // A step that was cut off is taken again from its beginning: each statement is harmless when repeated.
      for (const query of migration.statements) await client.command({ query });
      await recordMigration(client, migration);
      applied.push(migration.name);
    }
    const tapDaysKept = await applyRetention(client, { place, tapRetentionDays: options.tapRetentionDays });
    return { version: newest, applied, installationId: await installationId(client), tapDaysKept };
  });
}

/** The steps for one server, or for a cluster. */
function placed(migrations: readonly Migration[], place: ClusterPlace | undefined): readonly Migration[] {
  if (place === undefined) return migrations;
  const schema = new ClusterSchema(place);
  return migrations.map((migration) => ({
    ...migration,
    statements: migration.statements.flatMap((statement) => schema.translate(statement)),
  }));
}

function createDatabase(database: string, cluster: string | undefined): string {
  const onCluster = cluster === undefined ? '' : ` ON CLUSTER ${quoteName(cluster)}`;
  return `CREATE DATABASE IF NOT EXISTS ${quoteName(database)}${onCluster}`;
}

/** Taps of one server do not move to a cluster by themselves, and a cluster's tables are not asked as one server's. */
async function checkPlace(client: ClickHouseClient, database: string, cluster: string | undefined): Promise<void> {
  const query = "SELECT engine, engine_full FROM system.tables WHERE database = currentDatabase() AND name = 'tap'";
  const [tap] = await (await client.query({ query, format: 'JSONEachRow' })).json<Record<string, string>>();
  if (tap === undefined) return;
  const found = /^Distributed\('((?:[^'\\]|\\.)*)'/.exec(tap.engine_full)?.[1];
  if (tap.engine === 'Distributed' ? found === cluster : cluster === undefined) return;
  const where = tap.engine === 'Distributed' ? `on cluster ${found}` : 'on one server';
  throw new OperatorError(
    'SCHEMA_PLACE',
    `the tables of database ${database} are ${where}`,
    'Name its cluster with --clickhouse-cluster or ?cluster= behind the address, or take another database',
  );
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

async function createBookkeeping(client: ClickHouseClient, place: ClusterPlace | undefined): Promise<void> {
  for (const statement of bookkeeping) {
    const query = place === undefined ? statement : clusterBookkeeping(place, statement);
    await client.command({ query });
  }
}

const bookkeeping = [
  `CREATE TABLE IF NOT EXISTS schema_migration (version UInt32, name String, applied_at DateTime64(3, 'UTC') DEFAULT now64(3))
    ENGINE = MergeTree ORDER BY version`,
  `CREATE TABLE IF NOT EXISTS installation (id UUID, created_at DateTime64(3, 'UTC') DEFAULT now64(3))
    ENGINE = MergeTree ORDER BY created_at`,
];

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

function newerSchema(database: string, found: number, known: number): OperatorError {
  return new OperatorError(
    'SCHEMA_NEWER',
    `database ${database} has schema ${found}, and this version knows ${known}`,
    'Run the version of the product that made it, or a newer one',
  );
}
