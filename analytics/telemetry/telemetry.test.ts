import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { TapOffset, TapRecords } from '../../workers/journal/tap-record.ts';
import { TapFlag } from '../../workers/ledger/kinds.ts';
import { useMigratedEngine } from '../clickhouse/migrated-engine.suite.ts';
import { engineMissing, temporaryFolder } from '../clickhouse/testing.suite.ts';
import { silentLogger } from '../logger.ts';
import { deduplicationWindow, sinkLimits } from '../limits.ts';
import { readMigrations } from '../schema/migrate.ts';
import { BatchBuilder, type BatchPart } from '../sink/batch.ts';
import { MemoryJournal } from '../sink/memory-journal.suite.ts';
import { ClickHouseRowStore } from '../sink/store.ts';
import { BeatWriter } from './beat-writer.ts';
import { beatInsertTimeoutMs } from './limits.ts';
import { BeatEvent, type ReaderBeat } from './reader-beat.ts';

const missing = engineMissing();
const { folder, remove } = temporaryFolder();
/** A minute of yesterday: nothing is so old that it goes. */
const minuteMs = 60_000;
const startMs = Math.floor((Date.now() - 86_400_000) / minuteMs) * minuteMs;
const today = Math.floor(Date.now() / 86_400_000);

/** Nobody listens there. */
const nowhere = 'http://127.0.0.1:1/tapline';

function beatOf(readerId: number, more: Partial<ReaderBeat> = {}): ReaderBeat {
  const common = { atMs: startMs, schoolId: 10, event: BeatEvent.beat, queued: 0, oldestMs: null, driftMs: 0 };
  return { ...common, readerId, gaps: 0, rulesVersion: 1, firmware: 'gate 1.2', ...more };
}

it('remembers as many tokens of views over taps as of the taps', () => {
  const statements = readMigrations().flatMap((step) => step.statements);
  const table = statements.find((text) => text.includes('TABLE IF NOT EXISTS tap_minute'));
  expect(table).toContain(`non_replicated_deduplication_window = ${deduplicationWindow}`);
});

describe.skipIf(missing !== undefined)('telemetry in ClickHouse', () => {
  const database = useMigratedEngine({ folder, remove });

  it('keeps rows as they are, and a row a reader and minute of them', async () => {
    const writer = new BeatWriter({ clickhouseUrl: database.engine.url, logger: silentLogger });
    const last = {
      queued: 12,
      oldestMs: startMs - 5_432,
      driftMs: -70_000,
      gaps: 3,
      rulesVersion: 9,
      firmware: 'ø'.repeat(16),
    };
    writer.add(beatOf(1, { event: BeatEvent.connected, driftMs: 5 }));
    writer.add(beatOf(1, { ...last, atMs: startMs + 30_123 }));
    writer.add(beatOf(1, { event: BeatEvent.closed, atMs: startMs + 2 * minuteMs, firmware: '' }));
    await writer.stop();
    expect(writer.status()).toEqual({ buffered: 0, dropped: 0, inserted: 3 });
    const rows = await database.ask(
      `SELECT toUnixTimestamp64Milli(at) - ${startMs} AS at, school_id, event, queued,
         toUnixTimestamp64Milli(oldest_at) - ${startMs} AS oldest, drift_ms, gaps, rules_version, firmware
       FROM reader_beat WHERE reader_id = 1 ORDER BY at`,
    );
    const same = { school_id: 10, queued: 0, oldest: null, gaps: 0, rules_version: 1 };
    expect(rows).toMatchObject([
      { at: 0, event: 'connected', drift_ms: 5, firmware: 'gate 1.2', ...same },
      {
        at: 30_123,
        event: 'beat',
        school_id: 10,
        queued: 12,
        oldest: -5_432,
        drift_ms: -70_000,
        gaps: 3,
        rules_version: 9,
        firmware: last.firmware,
      },
      { at: 120_000, event: 'closed', drift_ms: 0, firmware: '', ...same },
    ]);
    const minutes = await database.ask(
      `SELECT toUnixTimestamp(minute) * 1000 = ${startMs} AS same, max(queued_max) AS queued, min(drift_ms_min) AS low,
         max(drift_ms_max) AS high, max(gaps_max) AS gaps FROM reader_minute WHERE reader_id = 1 GROUP BY minute`,
    );
    // The end of a connection is no sign of life.
    expect(minutes).toEqual([{ same: 1, queued: 12, low: -70_000, high: 5, gaps: 3 }]);
  });

  it('keeps what there is room for while ClickHouse is away, counts the rest, and goes on where it is then', async () => {
    const writer = new BeatWriter({ clickhouseUrl: nowhere, logger: silentLogger, rowsBufferedMax: 5_000 });
    for (let reader = 0; reader < 5_100; reader++) {
      writer.add(beatOf(10_000 + reader));
      if (reader % 1_000 === 0) await writer.flush();
    }
    expect(writer.status()).toEqual({ buffered: 5_000, dropped: 100, inserted: 0 });
    writer.useUrl(database.engine.url);
    await writer.flush();
    writer.add(beatOf(20_000));
    await writer.stop();
    expect(writer.status()).toEqual({ buffered: 0, dropped: 100, inserted: 5_001 });
    const [stored] = await database.ask(
      'SELECT min(reader_id) AS first, count() AS rows FROM reader_beat WHERE reader_id >= 10000',
    );
    expect(stored).toEqual({ first: 10_100, rows: 5_001 });
  });

  it('ends in time where ClickHouse takes a request and never answers, and counts what is lost', async () => {
    const mute = createServer().listen(0, '127.0.0.1');
    await once(mute, 'listening');
    const { port } = mute.address() as AddressInfo;
    const writer = new BeatWriter({ clickhouseUrl: `http://127.0.0.1:${port}/tapline`, logger: silentLogger });
    writer.add(beatOf(1));
    const asked = once(mute, 'connection');
    void writer.flush();
    const [socket] = (await asked) as [Socket];
    writer.add(beatOf(2));
    const inTime = sleep(beatInsertTimeoutMs / 2, 'too late', { ref: false });
    expect(await Promise.race([writer.stop(200), inTime])).toBeUndefined();
    expect(writer.status()).toEqual({ buffered: 0, dropped: 2, inserted: 0 });
    socket.destroy();
    mute.close();
  });

  it('counts taps once, however often their insert is sent, and every insert of its own', async () => {
    const store = new ClickHouseRowStore(database.engine.url, 30_000, new AbortController().signal);
    const [first, alike] = partsOf(2);
    for (const part of [first, first, alike, first, alike]) await store.insert(part, part.token);
    const read = () =>
      database.ask<Counted>(countedOf('tap_minute', 'sum(taps)', 'sum(late)', 'sum(offline)', 'max(lag_ms_max)'));
    const raw = await database.ask<Counted>(
      countedOf('tap', 'count()', 'countIf(bitAnd(flags, 2) != 0)', 'countIf(bitAnd(flags, 1) != 0)', '250'),
    );
    expect(raw).toHaveLength(1);
    expect(raw[0]).toMatchObject({ taps: 2 * tapsPerBatch });
    expect(raw[0].late).toBeGreaterThan(0);
    expect(raw[0].offline).not.toBe(raw[0].late);
    expect(await read()).toEqual(raw);
    // The same without a memory of tokens: this is what the test would see.
    await database.client.command({
      query: 'ALTER TABLE tap_minute MODIFY SETTING non_replicated_deduplication_window = 0',
    });
    await store.insert(first, first.token);
    expect((await read())[0].taps).toBe(3 * tapsPerBatch);
    await store.close();
  });

  it('keeps no tap out when a view cannot be written; that taps cannot be is still told', async () => {
    const store = new ClickHouseRowStore(database.engine.url, 30_000, new AbortController().signal);
    const parts = partsOf(5).slice(2);
    const taking = (table: string, setting: string) =>
      database.client.command({ query: `ALTER TABLE ${table} ${setting}` });
    const storedOf = async (part: BatchPart) => (await store.countStored(part)).rows;
    const none = 'MODIFY SETTING parts_to_throw_insert = 1, parts_to_delay_insert = 1';
    const usual = 'RESET SETTING parts_to_throw_insert, parts_to_delay_insert';
    await taking('tap_minute', none);
    await store.insert(parts[0], parts[0].token);
    expect(await storedOf(parts[0])).toBe(tapsPerBatch);
    await taking('tap', none);
    await expect(store.insert(parts[1], parts[1].token)).rejects.toThrow('Too many parts');
    expect(await storedOf(parts[1])).toBe(0);
    await taking('tap_minute', usual);
    await expect(store.insert(parts[2], parts[2].token)).rejects.toThrow('Too many parts');
    await taking('tap', usual);
    await store.insert(parts[2], parts[2].token);
    expect(await storedOf(parts[2])).toBe(tapsPerBatch);
    await store.close();
  });
});

interface Counted {
  readonly taps: number;
  readonly late: number;
  readonly offline: number;
  readonly lag: number;
}

function countedOf(table: string, taps: string, late: string, offline: string, lag: string): string {
  const columns = `toUInt32(${taps}) AS taps, toUInt32(${late}) AS late, toUInt32(${offline}) AS offline`;
  return `SELECT ${columns}, toUInt32(${lag}) AS lag FROM ${table}`;
}

/** A view sees the same rows after so many taps of a memory journal: their schools, kinds and codes come round together. */
const tapsPerBatch = 46 * 7 * 5;

/** Batches of one month each, alike but for their positions; every second tap is offline, every third late. */
function partsOf(count: number): BatchPart[] {
  const journal = new MemoryJournal(0);
  return Array.from({ length: count }, () => {
    journal.append({ taps: tapsPerBatch, transfers: 0, commands: 0, quarantined: 0, dayOf: () => today - 40 });
    const [{ bytes }] = journal.blocks.at(-1)!.sections;
    const records = new TapRecords(bytes.buffer);
    for (let row = 0; row < tapsPerBatch; row++) {
      const flags = (row % 2 === 0 ? TapFlag.offline : 0) | (row % 3 === 0 ? TapFlag.late : 0);
      records.setU16(row, TapOffset.flags, flags);
    }
    const builder = new BatchBuilder(0, sinkLimits);
    builder.add(journal.blocks.at(-1)!);
    return builder.finish().parts[0];
  });
}
