import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openClickHouse } from '../clickhouse/client.ts';
import { EmbeddedClickHouse } from '../clickhouse/embedded.ts';
import { engineMissing, temporaryFolder } from '../clickhouse/testing.suite.ts';
import { audit } from './audit.suite.ts';
import { madeJournal } from './memory-cursor.suite.ts';
import { SinkThread } from './thread.ts';

const missing = engineMissing();
const { folder, remove } = temporaryFolder();
const waitMs = 50_000;

describe.skipIf(missing !== undefined)('the sink in its thread', () => {
  let engine: EmbeddedClickHouse;

  beforeAll(async () => {
    engine = await EmbeddedClickHouse.start({ directory: path.join(folder, 'clickhouse') });
  });

  afterAll(async () => {
    await engine?.stop();
    remove();
  });

  it('stores what is durable and nothing beyond, waits for ClickHouse, and survives its own end', async () => {
    const journals = [madeJournal(0), madeJournal(1)];
    const durablePositions = new SharedArrayBuffer(journals.length * 8);
    const durable = new Float64Array(durablePositions);
    const thread = new SinkThread({
      shardCount: journals.length,
      // Nobody listens there.
      clickhouseUrl: 'http://127.0.0.1:9/tapline',
      cursorDirectory: path.join(folder, 'cursors'),
      journalDirectory: 'none',
      durablePositions,
      cursorModule: new URL('./memory-cursor.suite.ts', import.meta.url).href,
    });
    thread.start();
    durable.set([1_010, 2_020]);
    await expect.poll(() => thread.status().shard[0].lastError, { timeout: waitMs }).toMatch(/ECONNREFUSED/);
    expect(thread.status()).toMatchObject({ shard: [{ backlogRecords: 1_010 }, { backlogRecords: 2_020 }] });

    // Another address takes another thread.
    thread.useUrl(engine.url);
    expect(await thread.waitUntilStored(0, 1_010, waitMs)).toBe(true);
    expect(await thread.waitUntilStored(1, 2_020, waitMs)).toBe(true);
    expect(thread.restarts).toBe(1);
    expect(thread.storedPosition(0)).toBe(1_010);

    durable.set(journals.map((journal) => journal.lastPosition));
    await thread.stop({ drainTimeoutMs: waitMs });
    expect(thread.status().shard.map((shard) => shard.backlogRecords)).toEqual([0, 0]);
    const client = openClickHouse(engine.url);
    expect(await audit(client, journals)).toEqual({ missing: 0, doubled: 0, different: 0 });
    await client.close();
  });
});
