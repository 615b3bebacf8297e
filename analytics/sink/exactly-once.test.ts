import { mkdtempSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { OperatorError } from '../../workers/errors.ts';
import { openClickHouse, type ClickHouseClient } from '../clickhouse/client.ts';
import { EmbeddedClickHouse } from '../clickhouse/embedded.ts';
import { engineMissing, temporaryFolder } from '../clickhouse/testing.suite.ts';
import { migrate } from '../schema/migrate.ts';
import { audit } from './audit.suite.ts';
import { CuttingProxy, type Cut } from './cutting-proxy.suite.ts';
import type { CursorStore } from './cursor.ts';
import { MemoryJournal, seeded } from './memory-journal.suite.ts';
import { Sink, type SinkOptions } from './sink.ts';
import type { RowStore } from './store.ts';

const missing = engineMissing();
const { folder, remove } = temporaryFolder();
const intact = { missing: 0, doubled: 0, different: 0 };
const cuts: readonly Cut[] = ['before', 'within', 'after'];
const someDay = 20_590;
const waitMs = 50_000;

describe.skipIf(missing !== undefined)('taps reach ClickHouse exactly once', () => {
  let engine: EmbeddedClickHouse;
  let proxy: CuttingProxy;
  let databases = 0;

  beforeAll(async () => {
    engine = await EmbeddedClickHouse.start({ directory: path.join(folder, 'clickhouse'), restartDelayMaxMs: 100 });
    proxy = await CuttingProxy.start(() => engine.port);
  });

  afterAll(async () => {
    await proxy?.stop();
    await engine?.stop();
    remove();
  });

  /** A database, journals and cursors of the test's own. */
  function bench(shardCount: number): Bench {
    databases += 1;
    const database = `test_${databases}`;
    const direct = engine.url.replace(/[^/]+$/, database);
    proxy.decide = () => 'none';
    return {
      direct,
      through: direct.replace(`:${engine.port}/`, `:${proxy.port}/`),
      journals: Array.from({ length: shardCount }, (_, shard) => new MemoryJournal(shard)),
      cursorDirectory: mkdtempSync(path.join(folder, 'cursors-')),
    };
  }

  it('whatever is cut, killed and restarted', { timeout: 120_000 }, async () => {
    const seed = 20_261;
    const random = seeded(seed);
    const here = bench(3);
    let kills = 0;
    let killAt = 3;
    proxy.decide = (insert) => {
      if (insert >= killAt && kills < 12) {
        kills += 1;
        killAt = insert + 4 + random(8);
        setTimeout(() => engine.pid > 0 && process.kill(engine.pid, 'SIGKILL'), random(6));
      }
      return random(4) === 0 ? cuts[random(3)] : 'none';
    };
    for (let round = 0; round < 10; round++) {
      const sink = new Sink(sinkOptions(here, { wrapCursors: (cursors) => failing(cursors, random) }));
      sink.start();
      for (let step = 0; step < 4; step++) {
        for (const journal of here.journals) growRandomly(journal, random);
        await sleep(random(60));
      }
      if (random(2) === 0) await sink.waitUntilStored(0, here.journals[0].lastPosition, 2_000);
      await sink.stop({ drainTimeoutMs: random(40) });
    }
    while (kills < 10) {
      const sink = new Sink(sinkOptions(here));
      sink.start();
      for (const journal of here.journals) growRandomly(journal, random);
      await Promise.all(
        here.journals.map((journal, shard) => sink.waitUntilStored(shard, journal.lastPosition, waitMs)),
      );
      await sink.stop({ drainTimeoutMs: waitMs });
    }
    await drain(here);
    const found = await auditOf(here);
    expect({ seed, ...found }).toEqual({ seed, ...intact });
    expect(kills).toBeGreaterThanOrEqual(10);
  });

  it('when the deduplication window was passed before the repeat', async () => {
    const here = bench(1);
    await migrate(here.direct);
    await withClient(here.direct, async (client) => {
      const query = 'ALTER TABLE tap MODIFY SETTING non_replicated_deduplication_window = 0';
      await client.command({ query });
    });
    grow(here.journals[0], 500);
    proxy.decide = (insert) => (insert % 2 === 1 ? 'after' : 'none');
    await drain(here);
    expect(await auditOf(here)).toEqual(intact);
  });

  it('when the engine knows the token and lost the rows', async () => {
    const here = bench(1);
    grow(here.journals[0], 700);
    let lost = false;
    const wrapStore = (store: RowStore): RowStore =>
      over(store, {
        insert: async (part, token) => {
          await store.insert(part, token);
          if (lost || part.table !== 'tap') return;
          lost = true;
          await withClient(here.direct, (client) => client.command({ query: 'TRUNCATE TABLE tap' }));
          throw new Error('the reply was lost');
        },
      });
    await drain(here, { wrapStore });
    expect(lost).toBe(true);
    expect(await auditOf(here)).toEqual(intact);
  });

  it('when the cursors are lost: only what is missing is filled in', async () => {
    const here = bench(2);
    for (const journal of here.journals) for (let block = 0; block < 5; block++) grow(journal, 100);
    await drain(here, { limits: { batchTapsMax: 250 } });
    await withClient(here.direct, (client) =>
      client.command({
        query: 'DELETE FROM tap WHERE position % 7 = 3',
        clickhouse_settings: { lightweight_deletes_sync: '2' },
      }),
    );
    here.cursorDirectory = mkdtempSync(path.join(folder, 'cursors-'));
    for (const journal of here.journals) grow(journal, 100);
    await drain(here);
    expect(await auditOf(here)).toEqual(intact);
  });

  it('and into each database anew', async () => {
    const here = bench(1);
    grow(here.journals[0], 300);
    await drain(here);
    const other = { ...bench(1), journals: here.journals, cursorDirectory: here.cursorDirectory };
    await drain(other);
    grow(here.journals[0], 50);
    await drain(here);
    expect(await auditOf(here)).toEqual(intact);
  });

  it('one insert becomes one part, also at the largest batch', async () => {
    const here = bench(1);
    for (let block = 0; block < 40; block++) grow(here.journals[0], 2_000);
    await drain(here, { limits: { batchTapsMax: 80_000 } });
    const rows = await withClient(here.direct, async (client) => {
      const query =
        "SELECT toUInt32(rows) AS rows FROM system.parts WHERE database = currentDatabase() AND table = 'tap' AND level = 0";
      return (await client.query({ query, format: 'JSONEachRow' })).json<{ rows: number }>();
    });
    expect(rows).toEqual([{ rows: 80_000 }]);
  });

  it('stops without adding when rows are there twice', async () => {
    const here = bench(1);
    grow(here.journals[0], 10);
    await drain(here);
    await withClient(here.direct, (client) =>
      client.command({ query: 'INSERT INTO tap SELECT * FROM tap', clickhouse_settings: { async_insert: 0 } }),
    );
    here.cursorDirectory = mkdtempSync(path.join(folder, 'cursors-'));
    const sink = new Sink(sinkOptions(here));
    sink.start();
    await until(() => sink.status().shard[0].halted);
    await sink.stop({ drainTimeoutMs: 1_000 });
    expect(sink.status().shard[0].lastError).toMatch(/^SINK_STORED_TWICE: .*positions 1 to 10/);
    expect(await auditOf(here)).toMatchObject({ missing: 0, doubled: 10 });
  });

  describe('and the check catches a sink that', () => {
    it('sends a token that does not name its rows', async () => {
      const here = bench(1);
      const wrapStore = (store: RowStore): RowStore =>
        over(store, { insert: (part) => store.insert(part, `${part.table}:${part.shard}:${part.month}`) });
      grow(here.journals[0], 100);
      await drain(here, { wrapStore });
      grow(here.journals[0], 100);
      await drain(here, { wrapStore });
      expect((await auditOf(here)).missing).toBeGreaterThan(0);
    });

    it('moves its cursor before the insert', async () => {
      const here = bench(1);
      const wrapCursors = (cursors: CursorStore): CursorStore => ({
        load: (shard) => cursors.load(shard),
        save: (shard, cursor) =>
          cursors.save(shard, {
            ...cursor,
            storedPosition: cursor.pending?.to ?? cursor.storedPosition,
            pending: null,
          }),
      });
      grow(here.journals[0], 100);
      proxy.decide = () => 'before';
      const sink = new Sink(sinkOptions(here, { wrapCursors }));
      sink.start();
      await until(() => proxy.inserts > 0 && sink.status().shard[0].lastError !== undefined);
      await sink.stop({ drainTimeoutMs: 0 });
      proxy.decide = () => 'none';
      grow(here.journals[0], 100);
      await drain(here, { wrapCursors });
      expect((await auditOf(here)).missing).toBe(133);
    });

    it('repeats without a look and without a token', async () => {
      const here = bench(1);
      const wrapStore = (store: RowStore): RowStore =>
        over(store, {
          insert: (part) => store.insert(part, String(Math.random())),
          countStored: async () => Promise.resolve({ rows: 0, different: 0 }),
        });
      grow(here.journals[0], 100);
      let cut: Cut = 'after';
      proxy.decide = () => {
        const now = cut;
        cut = 'none';
        return now;
      };
      const sink = new Sink(sinkOptions(here, { wrapStore }));
      sink.start();
      await until(() => sink.status().shard[0].halted || sink.status().shard[0].backlogRecords === 0);
      await sink.stop({ drainTimeoutMs: 1_000 });
      expect((await auditOf(here)).doubled).toBeGreaterThan(0);
    });
  });
});

interface Bench {
  readonly direct: string;
  readonly through: string;
  readonly journals: MemoryJournal[];
  cursorDirectory: string;
}

function sinkOptions(here: Bench, more: Partial<SinkOptions> = {}): SinkOptions {
  return {
    shardCount: here.journals.length,
    clickhouseUrl: here.through,
    cursorDirectory: here.cursorDirectory,
    openCursor: (shard, afterPosition) => here.journals[shard].openCursor(afterPosition),
    durablePosition: (shard) => here.journals[shard].lastPosition,
    ...more,
    limits: {
      flushIntervalMs: 5,
      pollIntervalMs: 2,
      retryDelayMinMs: 5,
      retryDelayMaxMs: 100,
      batchTapsMax: 400,
      ...more.limits,
    },
  };
}

/** Stores everything. */
async function drain(here: Bench, more: Partial<SinkOptions> = {}): Promise<void> {
  const sink = new Sink(sinkOptions(here, more));
  sink.start();
  const waits = here.journals.map((journal, shard) => sink.waitUntilStored(shard, journal.lastPosition, waitMs));
  const stored = await Promise.all(waits);
  const { shard } = sink.status();
  await sink.stop({ drainTimeoutMs: 1_000 });
  if (stored.includes(false)) throw new Error(`not drained: ${JSON.stringify(shard)}`);
}

async function auditOf(here: Bench): Promise<{ missing: number; doubled: number; different: number }> {
  return withClient(here.direct, (client) => audit(client, here.journals));
}

async function withClient<T>(address: string, run: (client: ClickHouseClient) => Promise<T>): Promise<T> {
  const client = openClickHouse(address);
  try {
    return await run(client);
  } finally {
    await client.close();
  }
}

function grow(journal: MemoryJournal, taps: number): void {
  journal.append({ taps, transfers: Math.floor(taps / 3), commands: 0, quarantined: 0, dayOf: () => someDay });
}

/** Blocks of any make, now and then with late taps of other months. */
function growRandomly(journal: MemoryJournal, random: (below: number) => number): void {
  for (let block = random(4); block >= 0; block--) {
    const isLate = random(3) === 0;
    journal.append({
      taps: random(5) === 0 ? 0 : 1 + random(300),
      transfers: random(3) === 0 ? 0 : 1 + random(100),
      commands: 1 + random(2),
      quarantined: random(3),
      dayOf: () => someDay - (isLate ? random(70) : 0),
    });
  }
}

const crash = new OperatorError('TEST_CRASH', 'the process ends here', 'Start it again');

/** Cursors whose disk fails now and then, which stops the shard as a crash between two steps would. */
function failing(cursors: CursorStore, random: (below: number) => number): CursorStore {
  return {
    load: (shard) => cursors.load(shard),
    save: async (shard, cursor) => {
      if (random(40) === 0) throw crash;
      await cursors.save(shard, cursor);
      if (random(40) === 0) throw crash;
    },
  };
}

function over(store: RowStore, replaced: Partial<RowStore>): RowStore {
  return {
    insert: (part, token) => store.insert(part, token),
    countStored: (part) => store.countStored(part),
    storedIds: (part) => store.storedIds(part),
    lastTapPosition: (shard) => store.lastTapPosition(shard),
    lastPosition: (shard) => store.lastPosition(shard),
    isReplicated: () => store.isReplicated(),
    isSharded: () => store.isSharded(),
    close: () => store.close(),
    ...replaced,
  };
}

async function until(condition: () => boolean): Promise<void> {
  const deadline = Date.now() + waitMs;
  while (!condition()) {
    if (Date.now() > deadline) throw new Error('waited in vain');
    await sleep(5);
  }
}
