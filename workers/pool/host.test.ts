import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { blockBytesMax, segmentHeaderBytes } from '../journal/limits.ts';
import { tapRecordBytes, TapRecords } from '../journal/tap-record.ts';
import type { LedgerCommand } from '../ledger/commands.ts';
import { fillTap, noon, outcomeOf, plainTap, today } from '../ledger/taps.suite.ts';
import { ShardHost } from './host.ts';
import { ShardPool } from './pool.ts';

const segmentBytes = segmentHeaderBytes + blockBytesMax;
/** Small, so that a thread that hoards dies soon. */
const heapMegabytes = 48;
const fundedKop = 1_000_000;
const priceKop = 7;
const tapsPerBatch = 25;

const people: LedgerCommand[] = [
  { type: 'holder', change: 1, pupilId: 5, schoolId: 9, classId: 4, active: true, entitled: false },
  { type: 'card', change: 2, cardId: 501, pupilId: 5, status: 'active', expiresDay: 0 },
  { type: 'topup', key: 'bank-1', pupilId: 5, purse: 1, kop: fundedKop, at: noon, schoolDay: today },
];

/** Taps firstSeq and on, each a sale. */
function batchOf(firstSeq: number): TapRecords {
  const records = new TapRecords(new SharedArrayBuffer(tapsPerBatch * tapRecordBytes));
  for (let row = 0; row < tapsPerBatch; row++) {
    const seq = firstSeq + row;
    fillTap(records, row, { ...plainTap, seq, contentHash: seq, at: noon + seq * 60_000, amountKop: priceKop });
  }
  return records;
}

const request = (records: TapRecords) =>
  ({ type: 'batch', buffer: records.u8.buffer as SharedArrayBuffer, count: tapsPerBatch, nowMs: noon }) as const;

let directory: string;
beforeEach(() => {
  directory = fs.mkdtempSync(path.join(os.tmpdir(), 'tapline-pool-'));
});
afterEach(() => fs.rmSync(directory, { recursive: true }));

describe('a shard in its thread', () => {
  for (const how of ['throw', 'exit', 'memory'] as const) {
    it(`answers every batch once though its thread dies of "${how}" between and before them`, async () => {
      const crashes: unknown[] = [];
      const host = new ShardHost({
        shard: 2,
        directory: path.join(directory, 'shard-002'),
        segmentBytes,
        heapMegabytes,
        onCrash: (error) => crashes.push(error),
      });
      try {
        await host.open();
        await host.call({ type: 'commands', commands: people, nowMs: noon });
        const batches = Array.from({ length: 12 }, (_, index) => batchOf(1 + index * tapsPerBatch));
        const asked = batches.map((records, index) => {
          const dies = index % 4 === 1 ? [expect(host.call({ type: 'crash', how })).rejects.toThrow()] : [];
          // Sent again as it was, like a batch whose answer a dying thread could not give.
          return Promise.all([...dies, host.call(request(records)), host.call(request(batches[index >>> 1]))]);
        });
        await Promise.all(asked);

        expect(host.restarts).toBe(3);
        expect(crashes).toHaveLength(3);
        expect(host.state).toBe('ready');
        for (const records of batches) {
          for (let row = 0; row < tapsPerBatch; row++) expect(outcomeOf(records, row).code).toBe(10);
        }
        const taps = batches.length * tapsPerBatch;
        const identities = await host.call({ type: 'identities' });
        expect(identities).toEqual([{ readerId: 70_001, bootEpoch: 1, runs: [[1, taps]] }]);
        const totals = await host.call({ type: 'totals' });
        expect(totals).toMatchObject({ sumKop: 0, position: people.length + taps });
        const account = await host.call({ type: 'account', pupilId: 5, schoolDay: 20_717 });
        expect(account?.balancesKop.meal).toBe(fundedKop - taps * priceKop);
      } finally {
        await host.close();
      }
    });
  }

  it('tells through the thread that its journal is corrupt', async () => {
    const host = new ShardHost({ shard: 2, directory, segmentBytes });
    await host.open();
    for (const first of [1, 26]) await host.call(request(batchOf(first)));
    await host.close();
    damageFirstBlock(directory);
    const again = new ShardHost({ shard: 2, directory, segmentBytes });
    const corrupt = {
      name: 'OperatorError',
      code: 'JOURNAL_CORRUPT',
      remedy: expect.stringContaining('restore') as string,
    };
    await expect(again.open()).rejects.toThrow(expect.objectContaining(corrupt));
    await again.close();
  });

  it('closes though its journal is corrupt when its thread has died, and leaves the batch unanswered', async () => {
    const host = new ShardHost({ shard: 2, directory, segmentBytes });
    await host.open();
    for (const first of [1, 26]) await host.call(request(batchOf(first)));
    damageFirstBlock(directory);
    const crash = expect(host.call({ type: 'crash', how: 'throw' })).rejects.toThrow();
    const batch = expect(host.call(request(batchOf(51)))).rejects.toThrow('closed');
    const behind = expect(host.call(request(batchOf(76)))).rejects.toThrow('closed');
    await host.close();
    await Promise.all([crash, batch, behind]);
    await expect(host.call({ type: 'totals' })).rejects.toThrow('closed');
    expect(host.state).toBe('closed');
  });
});

describe('the pool', () => {
  it('keeps each shard to its folder, tells what is durable, and opens from snapshots', async () => {
    const options = { directory, shards: 2, segmentBytes };
    const pool = await ShardPool.open(options);
    const shard = pool.shardOf(5);
    const answers = await pool.execute(shard, people, noon);
    expect(answers).toMatchObject([{ ok: true }, { ok: true }, { ok: true, outcome: { balanceKop: fundedKop } }]);
    const records = batchOf(1);
    await pool.decide(shard, records.u8.buffer as SharedArrayBuffer, tapsPerBatch, noon);
    expect([...pool.durablePositions]).toEqual([0, people.length + tapsPerBatch]);
    await pool.saveSnapshot(shard);
    const totals = await pool.hosts[shard].call({ type: 'totals' });
    await pool.close();

    const again = await ShardPool.open(options);
    expect(again.hosts[shard].opened).toMatchObject({ blocks: 0, registryChange: 2, lastPosition: 28 });
    expect(await again.hosts[shard].call({ type: 'totals' })).toEqual(totals);
    await again.close();
    expect(fs.readdirSync(directory).sort()).toEqual(['shard-000', 'shard-001']);
  });
});

function damageFirstBlock(folder: string): void {
  const file = fs.openSync(path.join(folder, 'segment-0000000001.journal'), 'r+');
  fs.writeSync(file, Uint8Array.of(0xff), 0, 1, segmentHeaderBytes + 70);
  fs.closeSync(file);
}
