import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openClickHouse, type ClickHouseClient } from '../clickhouse/client.ts';
import { EmbeddedClickHouse } from '../clickhouse/embedded.ts';
import { engineMissing, temporaryFolder } from '../clickhouse/testing.suite.ts';
import { FileDeriveCursorStore } from '../derive/derive-cursor.ts';
import { ClickHouseDeriveStore } from '../derive/derive-store.ts';
import { Deriver } from '../derive/deriver.ts';
import { FileCursorStore } from '../sink/cursor.ts';
import { MemoryJournal } from '../sink/memory-journal.suite.ts';
import { Sink } from '../sink/sink.ts';
import { migrate } from './migrate.ts';
import { firstDayKept, retentions, tapDaysKept } from './retention.ts';

const missing = engineMissing();
const { folder, remove } = temporaryFolder();
const waitMs = 50_000;
const dayMs = 86_400_000;
const today = Math.floor(Date.now() / dayMs);
const daysKept = 400;
/** Far beyond what is kept, and in a month of its own; well within. */
const oldDay = today - 500;
const keptDay = today - 30;
const dateOf = (day: number) => new Date(day * dayMs).toISOString().slice(0, 10);
const soon = { todayDelayMs: 20, pastDelayMs: 20 };

it('keeps money for good, and counts days so that nothing that may be dropped is counted on', () => {
  expect(retentions.find(({ table }) => table === 'transfer')).toMatchObject({ days: undefined });
  expect(firstDayKept(undefined)).toBe(0);
  // The server drops day D as soon as D + 400 days have passed, by its own clock and zone.
  const dropped = today - daysKept;
  expect(firstDayKept(daysKept)).toBe(dropped + 3);
});

describe.skipIf(missing !== undefined)('what is kept for how long', () => {
  let engine: EmbeddedClickHouse;
  let client: ClickHouseClient;
  const journal = new MemoryJournal(0);
  const cursors = path.join(folder, 'cursors');
  let deriver: Deriver | undefined;

  beforeAll(async () => {
    engine = await EmbeddedClickHouse.start({ directory: path.join(folder, 'clickhouse') });
    await migrate(engine.url);
    client = openClickHouse(engine.url);
  });
  afterAll(async () => {
    await client?.close();
    await engine?.stop();
    remove();
  });

  const ask = async <T>(query: string): Promise<T[]> =>
    (await client.query({ query, format: 'JSONEachRow' })).json<T>();
  const tapsOf = async (day: number) =>
    (await ask<{ n: number }>(`SELECT toUInt32(count()) AS n FROM tap WHERE school_day = '${dateOf(day)}'`))[0].n;
  const statementOf = async (table: string) =>
    (
      await ask<{ text: string }>(
        `SELECT engine_full AS text FROM system.tables WHERE database = currentDatabase() AND name = '${table}'`,
      )
    )[0].text;
  const publishedOf = (day: number) =>
    ask(`SELECT school_id, slot, inside, toString(revision) AS revision FROM v_presence_5m
      WHERE school_day = '${dateOf(day)}' ORDER BY school_id, slot`);

  /** A sink and a deriver over the whole journal, until both are idle. */
  async function run(tapRetentionDays?: number): Promise<void> {
    const sink = sinkOf(tapRetentionDays);
    sink.start();
    expect(await sink.waitUntilStored(0, journal.lastPosition, waitMs), sink.status().shard[0].lastError).toBe(true);
    const isIdle = () => deriver?.status().isScanning === false && deriver.status().backlogKeys === 0;
    await expect.poll(isIdle, { timeout: waitMs }).toBe(true);
    if ((await tapDaysKept(client)) === undefined) await deriver!.deriveNow(1, oldDay);
    else await expect(deriver!.deriveNow(1, oldDay)).rejects.toThrow('not kept any more');
    await sink.stop({ drainTimeoutMs: waitMs });
  }

  function sinkOf(tapRetentionDays?: number): Sink {
    return new Sink({
      shardCount: 1,
      clickhouseUrl: engine.url,
      cursorDirectory: cursors,
      openCursor: (_, afterPosition) => journal.openCursor(afterPosition),
      durablePosition: () => journal.lastPosition,
      openFollower: (id, firstTapDay) => {
        deriver = new Deriver({
          shardCount: 1,
          store: new ClickHouseDeriveStore(engine.url, waitMs, new AbortController().signal),
          cursors: new FileDeriveCursorStore(path.join(cursors, id)),
          openCursor: (_, afterPosition) => journal.openCursor(afterPosition),
          now: () => Date.now(),
          firstTapDay,
          limits: soon,
        });
        return deriver;
      },
      ...(tapRetentionDays === undefined ? {} : { tapRetentionDays }),
    });
  }

  function append(day: number): void {
    journal.append({ taps: 200, transfers: 20, commands: 1, quarantined: 1, dayOf: () => day });
  }

  it('is said of every table, and is what the tables have', async () => {
    const tables = await ask<{ name: string }>(
      `SELECT name FROM system.tables WHERE database = currentDatabase() AND endsWith(engine, 'MergeTree')
         AND name NOT IN ('schema_migration', 'installation') ORDER BY name`,
    );
    expect(retentions.map(({ table }) => table).sort()).toEqual(tables.map(({ name }) => name));
    for (const { table, days } of retentions) {
      const text = await statementOf(table);
      expect(/ TTL .*toIntervalDay\((\d+)\)/.exec(text)?.[1], table).toBe(days?.toString());
    }
  });

  it('is changed only when it differs, and left alone when nothing is said of it', async () => {
    const alterations = async () => {
      await client.command({ query: 'SYSTEM FLUSH LOGS' }).catch(() => undefined);
      return ask(`SELECT name, toString(metadata_modification_time) AS at FROM system.tables
        WHERE database = currentDatabase() AND endsWith(engine, 'MergeTree') ORDER BY name`);
    };
    expect((await migrate(engine.url, { tapRetentionDays: daysKept })).tapDaysKept).toBe(daysKept);
    expect(await statementOf('tap')).toContain(`TTL school_day + toIntervalDay(${daysKept}) SETTINGS`);
    expect(await statementOf('tap')).toContain('ttl_only_drop_parts = 1');
    const before = await alterations();
    await new Promise((resolve) => setTimeout(resolve, 1_100));
    expect((await migrate(engine.url, { tapRetentionDays: daysKept })).tapDaysKept).toBe(daysKept);
    expect((await migrate(engine.url)).tapDaysKept).toBe(daysKept);
    expect(await alterations()).toEqual(before);
    expect((await migrate(engine.url, { tapRetentionDays: 0 })).tapDaysKept).toBeUndefined();
    expect(await statementOf('tap')).not.toContain('TTL');
  });

  it('drops old taps, keeps what was published of them and their money, and stores none of them again', async () => {
    append(oldDay);
    append(keptDay);
    await run();
    expect([await tapsOf(oldDay), await tapsOf(keptDay)]).toEqual([200, 200]);
    const published = await publishedOf(oldDay);
    expect(published.length).toBeGreaterThan(0);
    const transfers = 'SELECT toUInt32(count()) AS n FROM transfer';
    const [{ n: before }] = await ask<{ n: number }>(transfers);

    // From now on old taps go; those that came last are old, too.
    append(oldDay);
    await run(daysKept);
    await client.command({ query: 'OPTIMIZE TABLE tap FINAL' });
    await expect.poll(() => tapsOf(oldDay), { timeout: waitMs }).toBe(0);
    expect(await tapsOf(keptDay)).toBe(200);
    expect(await publishedOf(oldDay)).toEqual(published);
    expect(await ask(transfers)).toEqual([{ n: before + 20 }]);

    // Cursors that are lost are repaired without them; a start finds nothing amiss.
    const { installationId } = await migrate(engine.url);
    const files = new FileCursorStore(path.join(cursors, installationId));
    const cursor = files.load(0)!;
    await files.save(0, { storedPosition: 0, lastTapPosition: 0, pending: null });
    await run();
    await files.save(0, { ...cursor, lastTapPosition: journal.lastPosition - 2 });
    await run();
    await client.command({ query: 'TRUNCATE TABLE tap' });
    await files.save(0, { storedPosition: 0, lastTapPosition: 0, pending: null });
    await run();
    expect([await tapsOf(oldDay), await tapsOf(keptDay)]).toEqual([0, 200]);
    expect(await ask(transfers)).toEqual([{ n: before + 20 }]);
    expect(await publishedOf(oldDay)).toEqual(published);
  });

  it('still finds that rows were lost which are kept', async () => {
    await client.command({ query: 'TRUNCATE TABLE tap' });
    const { installationId } = await migrate(engine.url);
    const files = new FileCursorStore(path.join(cursors, installationId));
    const keptTap = journal.blocks[1].firstPosition;
    await files.save(0, { ...files.load(0)!, lastTapPosition: keptTap });
    const sink = sinkOf();
    sink.start();
    await expect.poll(() => sink.status().shard[0].lastError, { timeout: waitMs }).toMatch(/^SINK_ROWS_LOST/);
    await sink.stop({ drainTimeoutMs: 0 });
  });
});
