import { execFileSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, readdirSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { shardDirectory } from '../../workers/journal/cursor.ts';
import { blockBytesMax, segmentHeaderBytes } from '../../workers/journal/limits.ts';
import { snapshotName } from '../../workers/journal/snapshots.ts';
import { tapRecordBytes, TapRecords } from '../../workers/journal/tap-record.ts';
import { accountId, Owner } from '../../workers/journal/transfer-record.ts';
import { Code } from '../../workers/ledger/codes.ts';
import { rememberedIdentitiesMax } from '../../workers/ledger/limits.ts';
import { fillTap, noon, plainTap, type TestTap, today } from '../../workers/ledger/taps.suite.ts';
import { ShardPool } from '../../workers/pool/pool.ts';
import { TapLookup } from './tap-lookup.ts';

const folder = mkdtempSync(path.join(tmpdir(), 'tapline-lookup-'));
const batchTaps = 8_000;
/** So many that the first segment is full, and far more than a shard remembers. */
const batches = 5;
/** Far more than it takes, and less than a test may. */
const foundWithinMs = 4_000;
const lastSeq = batches * batchTaps;
let pool: ShardPool;

async function decide(shard: number, taps: readonly Partial<TestTap>[]): Promise<void> {
  const buffer = new SharedArrayBuffer(taps.length * tapRecordBytes);
  taps.forEach((tap, row) => fillTap(new TapRecords(buffer), row, { ...plainTap, ...tap }));
  await pool.decide(shard, buffer, taps.length, noon);
}

/** A sale of seq kopecks. */
const sale = (seq: number) => ({ seq, contentHash: seq, at: noon + seq * 60_000, amountKop: seq });
const identity = (seq: number, readerId = plainTap.readerId, bootEpoch = 1) => ({ readerId, bootEpoch, seq });

beforeAll(async () => {
  const segmentBytes = segmentHeaderBytes + blockBytesMax;
  pool = await ShardPool.open({ directory: folder, shards: 2, segmentBytes });
  await pool.execute(
    1,
    [
      { type: 'holder', change: 1, pupilId: 5, schoolId: 9, classId: 4, active: true, entitled: false },
      { type: 'card', change: 2, cardId: 501, pupilId: 5, status: 'active', expiresDay: 0 },
      { type: 'limit', pupilId: 5, purse: 1, limitKop: null },
      { type: 'topup', key: 'bank-1', pupilId: 5, purse: 1, kop: 1_000_000_000, at: noon, schoolDay: today },
    ],
    noon,
  );
  for (let batch = 0; batch < batches; batch++) {
    await decide(
      1,
      Array.from({ length: batchTaps }, (_, index) => sale(1 + batch * batchTaps + index)),
    );
  }
  // Of another reader: one refused, one that its reader may not take, one whose identity is used again.
  const other = { readerId: 70_002, cardId: 999 };
  await decide(0, [
    { ...other, seq: 1 },
    { ...other, seq: 2, isReaderForbidden: true },
    { ...other, seq: 1, contentHash: 78, amountKop: 5 },
  ]);
});
afterAll(async () => {
  await pool.close();
  rmSync(folder, { recursive: true });
});

async function withLookup(work: (lookup: TapLookup) => Promise<void>, url = '', positions = pool.durablePositions) {
  const durable = { hosts: pool.hosts, durablePositions: positions };
  const lookup = new TapLookup({ pool: durable, journalDirectory: folder, clickhouseUrl: () => url });
  try {
    await work(lookup);
  } finally {
    await lookup.close();
  }
}

describe('a tap is found', () => {
  test.each([
    ['remembered by its shard', lastSeq - rememberedIdentitiesMax + 1, lastSeq],
    ['forgotten, in the newest segment', lastSeq - rememberedIdentitiesMax - 5, lastSeq - rememberedIdentitiesMax],
    ['forgotten, in the first segment', 1, 5],
  ])('%s', async (_, firstSeq, last) => {
    const segments = readdirSync(shardDirectory(folder, 1)).filter((name) => name.startsWith('segment'));
    expect(segments.length).toBeGreaterThanOrEqual(2);
    await withLookup(async (lookup) => {
      const seqs = [firstSeq, last, Math.floor((firstSeq + last) / 2), firstSeq];
      const found = await lookup.findMany(seqs.map((seq) => identity(seq)));
      expect(found).toEqual(
        seqs.map((seq) => ({
          shard: 1,
          facts: expect.objectContaining({
            ...{ ...identity(seq), position: 4 + seq, code: Code.accepted, amountKop: seq, pupilId: 5, purse: 1 },
            transfer: expect.objectContaining({
              debitAccount: accountId(Owner.pupil, 5, 1),
              creditAccount: accountId(Owner.canteen, 9),
              kop: seq,
            }) as unknown,
          }) as unknown,
        })),
      );
    });
  });

  test('whatever became of it; of an identity that was used twice the one that was answered first', async () => {
    await withLookup(async (lookup) => {
      const [refused, forbidden] = await lookup.findMany([identity(1, 70_002), identity(2, 70_002)]);
      expect(refused).toMatchObject({ shard: 0, facts: { code: Code.cardUnknown, amountKop: 0, transfer: null } });
      expect(forbidden).toMatchObject({ shard: 0, facts: { code: Code.readerForbidden, transfer: null } });
    });
  });
});

test('a tap is found while another is explained, which may take minutes', async () => {
  // Nobody but an explanation reads snapshots: of this one it cannot read a byte.
  const stuck = path.join(shardDirectory(folder, 1), snapshotName(1));
  execFileSync('mkfifo', [stuck]);
  await withLookup(async (lookup) => {
    const explained = lookup.explain(identity(lastSeq)).catch(() => undefined);
    let isExplained = false;
    void explained.then(() => (isExplained = true));
    try {
      const tooLate = sleep(foundWithinMs, undefined, { ref: false });
      for (let time = 0; time < 20; time++) {
        const found = lookup.find(identity(lastSeq - 1));
        expect(await Promise.race([found, tooLate])).toMatchObject({ shard: 1 });
      }
      expect(isExplained).toBe(false);
    } finally {
      const writer = openSync(stuck, 'r+');
      await explained;
      closeSync(writer);
      rmSync(stuck);
    }
  });
});

describe('a tap is not found', () => {
  test('that nobody made', async () => {
    const strangers = [identity(lastSeq + 1), identity(1, 3), identity(5, plainTap.readerId, 2), identity(3, 70_002)];
    await withLookup(async (lookup) => {
      expect(await lookup.findMany([...strangers, identity(7)])).toMatchObject([
        ...strangers.map(() => undefined),
        { shard: 1 },
      ]);
    });
  });

  test('beyond what is durable', async () => {
    const positions = new Float64Array(new SharedArrayBuffer(2 * 8));
    positions[1] = 4 + batchTaps;
    await withLookup(
      async (lookup) => {
        expect(await lookup.find(identity(batchTaps))).toMatchObject({ shard: 1 });
        expect(await lookup.find(identity(batchTaps + 1))).toBeUndefined();
      },
      '',
      positions,
    );
  });
});

describe('ClickHouse', () => {
  const forgotten = identity(3);

  async function withClickHouse(answer: (query: string) => string, work: (lookup: TapLookup) => Promise<void>) {
    const server = createServer((request, response) => {
      let query = '';
      request.on('data', (chunk: Buffer) => (query += chunk.toString()));
      request.on('end', () => response.end(answer(query)));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    try {
      await withLookup(work, `http://127.0.0.1:${(server.address() as AddressInfo).port}`);
    } finally {
      server.close();
    }
  }

  test('is believed where it says the truth, and only there', async () => {
    for (const position of [7, 8, 10 ** 9]) {
      const queries: string[] = [];
      const row = { ...forgotten, shard: 1, position };
      const answer = (query: string) => {
        queries.push(query);
        return `${JSON.stringify(row)}\n`;
      };
      await withClickHouse(answer, async (lookup) => {
        expect(await lookup.find(forgotten)).toMatchObject({ shard: 1, facts: { position: 7, seq: 3 } });
      });
      expect(queries).toEqual([expect.stringContaining('(70001,1,3)')]);
    }
  });

  test('may be away', async () => {
    await withLookup(async (lookup) => {
      expect(await lookup.find(forgotten)).toMatchObject({ facts: { position: 7 } });
    }, 'http://127.0.0.1:1');
  });
});
