import path from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Owner } from '../../workers/journal/transfer-record.ts';
import { openClickHouse, type ClickHouseClient } from '../clickhouse/client.ts';
import { EmbeddedClickHouse } from '../clickhouse/embedded.ts';
import { engineMissing, temporaryFolder } from '../clickhouse/testing.suite.ts';
import { runReadOnlySql } from '../queries/sql.ts';
import { madeJournal } from '../sink/memory-cursor.suite.ts';
import { Sink } from '../sink/sink.ts';
import { comparePositions } from './positions.ts';
import { storedTaps, storedTransfers } from './stored.ts';

const missing = engineMissing();
const { folder, remove } = temporaryFolder();

describe.skipIf(missing !== undefined)('what is stored', () => {
  const shard = 1;
  const journals = [madeJournal(0), madeJournal(shard)];
  /** Two blocks of 100 taps and a command each. */
  const upTo = 202;
  const expected = [
    { from: 1, to: 100 },
    { from: 102, to: 201 },
  ];
  let engine: EmbeddedClickHouse;
  let client: ClickHouseClient;

  beforeAll(async () => {
    engine = await EmbeddedClickHouse.start({ directory: path.join(folder, 'clickhouse') });
    const sink = new Sink({
      shardCount: journals.length,
      clickhouseUrl: engine.url,
      cursorDirectory: path.join(folder, 'cursors'),
      openCursor: (number, afterPosition) => journals[number].openCursor(afterPosition),
      durablePosition: (number) => journals[number].lastPosition,
    });
    sink.start();
    for (const journal of journals) await sink.waitUntilStored(journal.shard, journal.lastPosition, 50_000);
    await sink.stop({ drainTimeoutMs: 50_000 });
    client = openClickHouse(engine.url);
  });

  afterAll(async () => {
    await client?.close();
    await engine?.stop();
    remove();
  });

  it('is summed up to a position', async () => {
    const positions = [...range(1, 100), ...range(102, 201)];
    const sum = (of: (position: number) => number): bigint =>
      BigInt(positions.reduce((total, at) => total + of(at), 0));
    const taps = await storedTaps(client, { shard, upTo });
    expect(taps).toMatchObject({ count: 200, identities: 200, positions: 200, minPosition: 1, maxPosition: 201 });
    expect(taps.sumPosition).toBe(sum((position) => position));
    expect(taps.sumSeq).toBe(sum((position) => position));
    expect(taps.sumDebitedKop).toBe(sum((position) => position % 9_000));
    expect(taps.sumBalanceKop).toBe(-sum((position) => position % 20_000));
    expect(taps.byKindAndCode.reduce((total, row) => total + row.count, 0)).toBe(200);

    const transfers = await storedTransfers(client, shard, upTo);
    const ids = range(2 ** 40 + 1, 2 ** 40 + 40);
    expect(transfers).toMatchObject({ count: 40, ids: 40 });
    expect(transfers.sumTransferId).toBe(ids.reduce((total, id) => total + BigInt(id), 0n));
    const kop = ids.reduce((total, id) => total + BigInt(1 + (id % 9_000)), 0n);
    expect(transfers.sumKop).toBe(kop);
    expect(transfers.netByAccountType).toEqual([
      { owner: Owner.pupil, purse: 1, netKop: -kop },
      { owner: Owner.canteen, purse: 0, netKop: kop },
    ]);
  });

  it('is read and never written by a query that a person types', async () => {
    const answer = await runReadOnlySql(client, 'SELECT count() AS n, any(card_uid) AS uid FROM tap', 'JSONEachRow');
    expect(JSON.parse(await text(answer))).toEqual({ n: 12_000, uid: 'DEADBEEF' });
    expect(await text(await runReadOnlySql(client, 'SELECT 1 FORMAT TSV'))).toBe('1\n');
    for (const query of [
      'TRUNCATE TABLE tap',
      'INSERT INTO tap (shard) VALUES (1)',
      'SELECT 1 SETTINGS readonly = 0',
    ]) {
      await expect(runReadOnlySql(client, query)).rejects.toMatchObject({ code: 'SQL_FAILED', exitStatus: 2 });
    }
    await expect(runReadOnlySql(client, 'SELEC 1')).rejects.toThrow(/^Syntax error[^\n]*$/);
    await expect(runReadOnlySql(client, 'SELECT 1', 'TSV; DROP')).rejects.toMatchObject({ code: 'SQL_FAILED' });
    const nobody = openClickHouse('http://127.0.0.1:9');
    await expect(runReadOnlySql(nobody, 'SELECT 1')).rejects.toMatchObject({ code: 'CLICKHOUSE_UNREACHABLE' });
    await nobody.close();
  });

  it('is compared position by position when sums differ', async () => {
    expect(await comparePositions(client, shard, expected, upTo)).toEqual({
      missing: [],
      doubled: [],
      unexpected: [],
      cut: false,
    });
    const settings = { async_insert: 0, lightweight_deletes_sync: '2' } as const;
    const change = (query: string) => client.command({ query, clickhouse_settings: settings });
    await change(`INSERT INTO tap SELECT * FROM tap WHERE shard = ${shard} AND position IN (7, 8, 150)`);
    await change(`DELETE FROM tap WHERE shard = ${shard} AND position BETWEEN 20 AND 29`);
    await change(`INSERT INTO tap (shard, position) VALUES (${shard}, 101)`);
    expect(await comparePositions(client, shard, expected, upTo)).toEqual({
      missing: [{ from: 20, to: 29 }],
      doubled: [
        { from: 7, to: 8 },
        { from: 150, to: 150 },
      ],
      unexpected: [{ from: 101, to: 101 }],
      cut: false,
    });
  });
});

function range(from: number, to: number): number[] {
  return Array.from({ length: to - from + 1 }, (_, index) => from + index);
}
