import { readFileSync, writeFileSync } from 'node:fs';
import { openClickHouse, type ClickHouseClient } from '../clickhouse/client.ts';
import { enginePaths, engineUser, writeEngineConfig } from '../clickhouse/engine-config.ts';
import { findEngineFiles } from '../clickhouse/engine-files.ts';
import { EngineProcess } from '../clickhouse/engine-process.ts';
import { findFreePort } from '../clickhouse/port.ts';
import { ClusterSchema } from './cluster.ts';
import type { Migration } from './migrate.ts';

const password = 'two-shards';
const startTimeoutMs = 60_000;
export const clusterName = 'two_shards';
/** A shard is a database of the one engine here; clients ask the first. */
export const shardDatabases = ['shard_0', 'shard_1'] as const;

/**
 * An engine that is two shards of one replica each: they reach each other over the native protocol, as servers do. It has
 * no keeper, so that tables are not replicated, and statements go to each database instead of `ON CLUSTER`.
 */
export class ClusterEngine {
  readonly url: string;
  readonly client: ClickHouseClient;
  readonly #process: EngineProcess;

  private constructor(port: number, process: EngineProcess) {
    const database = shardDatabases[0];
    this.url = `http://${engineUser}:${password}@127.0.0.1:${port}/${database}?cluster=${encodeURIComponent(clusterName)}`;
    this.client = openClickHouse(this.url);
    this.#process = process;
  }

  static async start(directory: string): Promise<ClusterEngine> {
    const paths = enginePaths(directory);
    const [port, nativePort] = [await findFreePort(), await findFreePort()];
    writeEngineConfig(paths, password);
    const text = readFileSync(paths.configFile, 'utf8');
    writeFileSync(paths.configFile, text.replace('<clickhouse>', `<clickhouse>${clusterXml(nativePort)}`));
    const engine = new ClusterEngine(port, new EngineProcess(findEngineFiles(), paths, port));
    await engine.#untilReady();
    return engine;
  }

  async #untilReady(): Promise<void> {
    const client = openClickHouse(this.url, { database: 'default' });
    const deadline = Date.now() + startTimeoutMs;
    while (!(await client.ping({ select: true })).success) {
      if (Date.now() > deadline) throw new Error('the engine does not answer');
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    await client.command({ query: 'SYSTEM START LISTEN TCP' });
    for (const database of shardDatabases) await client.command({ query: `CREATE DATABASE ${database}` });
    await client.close();
  }

  /** Takes the steps on both shards; `local` tables, views and feeds lie on each. */
  async make(migrations: readonly Migration[]): Promise<void> {
    const schema = new ClusterSchema({ cluster: clusterName, database: '' });
    for (const statement of migrations.flatMap(({ statements }) =>
      statements.flatMap((one) => schema.translate(one)),
    )) {
      for (const database of shardDatabases) await this.#run(database, alone(statement));
    }
  }

  async #run(database: string, query: string): Promise<void> {
    const client = openClickHouse(this.url, { database });
    await client.command({ query });
    await client.close();
  }

  async rows<T>(query: string): Promise<T[]> {
    return (await this.client.query({ query, format: 'JSONEachRow' })).json<T>();
  }

  async stop(): Promise<void> {
    await this.client.close();
    await this.#process.end(5_000);
  }
}

/** The statement without what needs a keeper. */
function alone(statement: string): string {
  return statement
    .replace(/ ON CLUSTER `[^`]*`/g, '')
    .replace(/ENGINE = Replicated(\w+)\('[^']*', '\{replica\}'(?:, )?/, 'ENGINE = $1(')
    .replace(
      /replicated_deduplication_window = (\d+), replicated_deduplication_window_seconds = \d+/,
      'non_replicated_deduplication_window = $1',
    );
}

function clusterXml(nativePort: number): string {
  const shards = shardDatabases.map(
    (database) => `<shard><internal_replication>true</internal_replication><replica><host>127.0.0.1</host>
      <port>${nativePort}</port><user>${engineUser}</user><password>${password}</password>
      <default_database>${database}</default_database></replica></shard>`,
  );
  return `<tcp_port>${nativePort}</tcp_port><remote_servers><${clusterName}>${shards.join('')}</${clusterName}></remote_servers>`;
}
