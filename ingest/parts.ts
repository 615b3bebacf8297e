import fs from 'node:fs';
import path from 'node:path';
import { createSecureContext } from 'node:tls';
import type { Logger } from 'pino';
import { withCluster } from '../analytics/clickhouse/client.ts';
import { EmbeddedClickHouse } from '../analytics/clickhouse/embedded.ts';
import { hasErrno, OperatorError } from '../workers/errors.ts';
import { ShardPool } from '../workers/pool/pool.ts';
import { type Config, shardsDefault } from './config.ts';
import { DataDirectory } from './data-directory.ts';
import { FeedFollower } from './feed-follower.ts';
import { type Directory, loadDirectory } from './registry/directory.ts';
import { openRegistry, type Registry } from './registry/store.ts';

/** Told when the embedded engine came back; set by the service once it exists. */
export interface EngineEvents {
  restarted: (url: string, pid: number) => void;
}

/** What a service is made of, opened and recovered. */
export interface Parts {
  readonly config: Config;
  readonly data: DataDirectory;
  readonly log: Logger;
  readonly registry: Registry;
  readonly directory: Directory;
  readonly pool: ShardPool;
  readonly feed: FeedFollower;
  readonly embedded: EmbeddedClickHouse | undefined;
  readonly clickhouseUrl: string;
  readonly engineEvents: EngineEvents;
}

type Undo = (() => unknown)[];

/**
 * Opens everything that a service needs, in this order: the data directory, the shards (recovered from their journals),
 * the registry (carried into the shards), ClickHouse. `undo` collects what has to be closed if a later step fails.
 */
export async function openParts(config: Config, log: Logger, dataPath: string, undo: Undo): Promise<Parts> {
  checkTlsFiles(config);
  const data = DataDirectory.open(dataPath);
  data.lock();
  undo.push(() => data.unlock());
  const shards = data.fixShards(config.shards, shardsDefault());
  const pool = await openPool(data, shards, log);
  undo.push(() => pool.close());
  const registry = await openRegistry(data.path);
  undo.push(() => registry.close());
  const feed = new FeedFollower(registry, pool, config.clock);
  await feed.catchUp();
  const directory = await loadDirectory(registry);
  // What changed while the directory was loaded must be in the shards before the first tap resolves it.
  await feed.catchUp();
  log.info({ readers: directory.readers.size, cards: directory.cards.size }, 'registry loaded');
  const engineEvents: EngineEvents = { restarted: () => undefined };
  const embedded = await openClickHouse(config, data, log, engineEvents);
  undo.push(() => embedded?.stop());
  const clickhouseUrl = serverAddress(config);
  return { config, data, log, registry, directory, pool, feed, embedded, clickhouseUrl, engineEvents };
}

async function openPool(data: DataDirectory, shards: number, log: Logger): Promise<ShardPool> {
  const begin = performance.now();
  const pool = await ShardPool.open({
    directory: data.journal,
    shards,
    onCrash: (shard, error) => log.error({ shard, err: error }, 'a shard failed and is recovered from the disk'),
  });
  for (const { shard, opened } of pool.hosts) {
    const { lastPosition, blocks, clearedBytes } = opened!;
    log.info(
      { shard, lastPosition, blocks, clearedBytes, ms: Math.round(performance.now() - begin) },
      'shard recovered',
    );
  }
  return pool;
}

/** Of a ClickHouse server, with its cluster; '' for the embedded engine. */
function serverAddress({ clickhouseUrl = '', clickhouseCluster }: Config): string {
  return clickhouseCluster === undefined ? clickhouseUrl : withCluster(clickhouseUrl, clickhouseCluster);
}

async function openClickHouse(config: Config, data: DataDirectory, log: Logger, events: EngineEvents) {
  if (config.clickhouseUrl !== undefined) return undefined;
  return await EmbeddedClickHouse.start({
    directory: path.join(data.path, 'clickhouse'),
    logger: log,
    onRestart: ({ url, pid }) => events.restarted(url, pid),
  });
}

/** The library says nothing of what is wrong with a file of TLS, and ends the process when one is missing. */
function checkTlsFiles(config: Config): void {
  const remedy = 'Name PEM files that this user may read with --tls-certificate and --tls-key.';
  for (const file of [config.tlsCertificate, config.tlsKey]) {
    if (file === undefined) continue;
    try {
      fs.accessSync(file, fs.constants.R_OK);
    } catch (error) {
      if (!hasErrno(error, 'ENOENT', 'EACCES')) throw error;
      throw new OperatorError('TLS_FILE', `cannot read ${file}`, remedy);
    }
  }
  if (config.tlsCertificate === undefined || config.tlsKey === undefined) return;
  try {
    createSecureContext({ cert: fs.readFileSync(config.tlsCertificate), key: fs.readFileSync(config.tlsKey) });
  } catch (error) {
    const what = `${config.tlsCertificate} and ${config.tlsKey} are no certificate with its key`;
    throw new OperatorError('TLS_FILE', `${what} (${error instanceof Error ? error.message : String(error)})`, remedy);
  }
}
