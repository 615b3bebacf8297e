import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { EmbeddedClickHouse } from '../analytics/clickhouse/embedded.ts';
import { checkClickHouse, type ClickHouseClient, openClickHouse } from '../analytics/clickhouse/client.ts';
import { Sink } from '../analytics/sink/sink.ts';
import { OperatorError } from '../workers/errors.ts';
import { openJournalCursor } from '../workers/journal/cursor.ts';
import type { DataDirectory } from './data-directory.ts';

/** Where a command finds ClickHouse: with the running service, or alone on the data directory. */
export interface ClickHouseAccess {
  readonly client: ClickHouseClient;
  readonly url: string;
  /** True when no service runs, and this process holds the data directory. */
  readonly isAlone: boolean;
}

const aloneDrainTimeoutMs = 600_000;
const reachableTimeoutMs = 60_000;
const reachablePollMs = 200;

/**
 * Runs `work` with ClickHouse. If no service runs on the directory, the directory is locked and, unless `serverUrl` names a
 * server, the embedded engine is started for as long as `work` takes.
 */
export async function withClickHouse<T>(
  data: DataDirectory,
  serverUrl: string | undefined,
  work: (access: ClickHouseAccess) => Promise<T>,
): Promise<T> {
  if (data.service() !== undefined) return await withClient(await reachableUrl(data), false, work);
  data.lock();
  try {
    if (serverUrl !== undefined) return await withClient(serverUrl, true, work);
    const embedded = await EmbeddedClickHouse.start({ directory: path.join(data.path, 'clickhouse') });
    try {
      return await withClient(embedded.url, true, work);
    } finally {
      await embedded.stop();
    }
  } finally {
    data.unlock();
  }
}

/** The engine of a running service may just be restarting, and then come back elsewhere. */
async function reachableUrl(data: DataDirectory): Promise<string> {
  const giveUpAtMs = Date.now() + reachableTimeoutMs;
  for (;;) {
    const url = data.service()?.clickhouseUrl ?? '';
    try {
      return await withClient(url, false, () => Promise.resolve(url));
    } catch (error) {
      if (Date.now() > giveUpAtMs) throw error;
      await sleep(reachablePollMs);
    }
  }
}

async function withClient<T>(
  url: string,
  isAlone: boolean,
  work: (access: ClickHouseAccess) => Promise<T>,
): Promise<T> {
  const client = openClickHouse(url);
  try {
    const failure = await checkClickHouse(client);
    if (failure !== undefined) {
      const remedy = 'See whether it runs, and whether the address and password are right.';
      throw new OperatorError('CLICKHOUSE_UNREACHABLE', `ClickHouse does not answer: ${failure}`, remedy);
    }
    return await work({ client, url, isAlone });
  } finally {
    await client.close();
  }
}

/** Stores what the journals hold beyond the cursors, while no service runs. False if that did not succeed in time. */
export async function drainJournals(data: DataDirectory, url: string, positions: readonly number[]): Promise<boolean> {
  if (positions.length === 0) return true;
  const sink = new Sink({
    shardCount: positions.length,
    clickhouseUrl: url,
    cursorDirectory: path.join(data.path, 'sink'),
    openCursor: (shard, afterPosition) => openJournalCursor(data.journal, shard, afterPosition),
    durablePosition: (shard) => positions[shard],
  });
  sink.start();
  const stored = await Promise.all(
    positions.map((position, shard) => sink.waitUntilStored(shard, position, aloneDrainTimeoutMs)),
  );
  await sink.stop({ drainTimeoutMs: 0 });
  return stored.every(Boolean);
}
