import { describe, expect, it } from 'vitest';
import { errno, noon, testSegmentBytes } from '../journal/journal.suite.ts';
import { MemoryStorage } from '../journal/memory-storage.ts';
import { StorageCursor } from '../journal/cursor.ts';
import { snapshotName, snapshotPositions, writeSnapshot } from '../journal/snapshots.ts';
import { TapOffset, tapRecordBytes, TapRecords } from '../journal/tap-record.ts';
import { SectionType } from '../journal/types.ts';
import type { LedgerCommand } from '../ledger/commands.ts';
import { fillTap, outcomeOf, plainTap, type TestTap, today } from '../ledger/taps.suite.ts';
import { readTransfers } from '../ledger/transfers.ts';
import { type Random, withRandom } from '../random.suite.ts';
import { batchCommandsMax, batchTapsMax } from './limits.ts';
import { Shard } from './shard.ts';

const shardNumber = 3;
const open = (storage: MemoryStorage) => Shard.open({ shard: shardNumber, storage, segmentBytes: testSegmentBytes });

const people: LedgerCommand[] = [
  { type: 'holder', change: 1, pupilId: 5, schoolId: 9, classId: 4, active: true, entitled: false },
  { type: 'card', change: 2, cardId: 501, pupilId: 5, status: 'active', expiresDay: 0 },
  { type: 'topup', key: 'bank-1', pupilId: 5, purse: 1, kop: 100_000, at: noon, schoolDay: today },
];
const sale = (seq: number, changes: Partial<TestTap> = {}): TestTap => ({
  ...plainTap,
  seq,
  contentHash: seq,
  at: noon + seq * 60_000,
  amountKop: 500,
  ...changes,
});

function bufferOf(taps: readonly TestTap[]): TapRecords {
  const records = new TapRecords(new ArrayBuffer(taps.length * tapRecordBytes));
  taps.forEach((tap, row) => fillTap(records, row, tap));
  return records;
}

function send(shard: Shard, taps: readonly TestTap[]) {
  const records = bufferOf(taps);
  const result = shard.decideBatch(records.u8.buffer, taps.length, noon);
  return { result, answers: taps.map((_, row) => outcomeOf(records, row)) };
}

const codesOf = (answers: { code: number }[]) => answers.map(({ code }) => code);
const answersOf = (sent: ReturnType<typeof send>) => sent.answers.map(({ code, shownKop }) => [code, shownKop]);

/** What the journal holds, section by section. */
function journalOf(storage: MemoryStorage) {
  const cursor = new StorageCursor(storage, shardNumber, 0);
  const blocks = [];
  for (let block = cursor.next(); block !== undefined; block = cursor.next()) {
    const sections = block.sections.map(({ type, count, bytes }) => {
      if (type === SectionType.commands) return { type, count };
      if (type === SectionType.transfers) {
        return { type, count, causes: [...readTransfers(bytes)].map(({ causePosition }) => causePosition) };
      }
      const records = new TapRecords(bytes.buffer, bytes.byteOffset, count);
      const rows = Array.from({ length: count }, (_, row) => row);
      return {
        type,
        count,
        positions: rows.map((row) => records.getI64(row, TapOffset.position)),
        codes: rows.map((row) => records.getU8(row, TapOffset.code)),
      };
    });
    blocks.push({ from: block.firstPosition, to: block.lastPosition, sections });
  }
  return blocks;
}

describe('a shard', () => {
  const mixed = [
    sale(1),
    sale(1),
    sale(2, { isReaderForbidden: true }),
    sale(3, { cardId: 999 }),
    sale(1, { contentHash: 99 }),
    sale(3, { cardId: 999 }),
    sale(4),
    sale(2),
  ];

  it('answers a batch of new, repeated, conflicting and forbidden taps, and journals each where it belongs', () => {
    const storage = new MemoryStorage();
    const shard = open(storage);
    shard.execute(people, noon);
    const { result, answers } = send(shard, mixed);
    expect(codesOf(answers)).toEqual([10, 10, 93, 40, 91, 40, 10, 93]);
    expect(answers.map(({ shownKop }) => shownKop)).toEqual([99_500, 99_500, null, null, null, null, 99_000, null]);
    expect(result).toEqual({ lastPosition: 8, decided: 3, repeated: 3, quarantined: 2 });
    expect(journalOf(storage)).toEqual([
      {
        from: 1,
        to: 3,
        sections: [
          { type: 3, count: 3 },
          { type: 2, count: 1, causes: [3] },
        ],
      },
      {
        from: 4,
        to: 8,
        sections: [
          { type: 1, count: 3, positions: [4, 6, 8], codes: [10, 40, 10] },
          { type: 4, count: 2, positions: [5, 7], codes: [93, 91] },
          { type: 2, count: 2, causes: [4, 8] },
        ],
      },
    ]);
    expect(shard.answeredIdentities()).toEqual([{ readerId: 70_001, bootEpoch: 1, runs: [[1, 4]] }]);
  });

  it('journals nothing for a batch of repeats', () => {
    const storage = new MemoryStorage();
    const shard = open(storage);
    shard.execute(people, noon);
    send(shard, [sale(1), sale(2)]);
    const { result } = send(shard, [sale(2), sale(1)]);
    expect(result).toEqual({ lastPosition: 5, decided: 0, repeated: 2, quarantined: 0 });
    expect(shard.execute(people, noon)).toMatchObject([{ isRepeat: true }, { isRepeat: true }, { isRepeat: true }]);
    expect(journalOf(storage)).toHaveLength(2);
  });

  it('gives the same answers after a power cut, and moves nothing twice', () => {
    const storage = new MemoryStorage();
    const first = open(storage);
    first.execute(people, noon);
    const sent = send(first, mixed);
    storage.powerCut();
    const second = open(storage);
    expect(second.ledger.save()).toEqual(first.ledger.save());
    expect(second.lastPosition).toBe(first.lastPosition);
    const again = send(second, mixed);
    expect(answersOf(again)).toEqual(answersOf(sent));
    expect(again.result).toMatchObject({ decided: 0, repeated: 7, quarantined: 1 });
    expect(second.ledger.pupils.balanceKop(0, 1)).toBe(99_000);
    expect(second.ledger.accounts.sumKop()).toBe(0);
  });

  it('keeps a new boot epoch clear of what the old one was refused in the same batch', () => {
    const storage = new MemoryStorage();
    const first = open(storage);
    first.execute(people, noon);
    const forbidden = sale(9_000, { isReaderForbidden: true });
    send(first, [forbidden, sale(1, { bootEpoch: 2 })]);
    storage.powerCut();
    const second = open(storage);
    expect(second.ledger.save()).toEqual(first.ledger.save());
    const { answers } = send(second, [sale(2, { bootEpoch: 2 }), sale(9_000, { bootEpoch: 2 }), forbidden]);
    expect(codesOf(answers)).toEqual([10, 10, 70]);
  });

  it('refuses batches above the bounds before it touches anything', () => {
    const shard = open(new MemoryStorage());
    const many = Array.from({ length: batchTapsMax + 1 }, (_, index) => sale(index + 1));
    expect(() => send(shard, many)).toThrow(RangeError);
    const commands = Array.from(
      { length: batchCommandsMax + 1 },
      (_, index) => ({ type: 'feed', change: index }) as const,
    );
    expect(() => shard.execute(commands, noon)).toThrow(RangeError);
    expect(send(shard, many.slice(1)).result.decided).toBe(batchTapsMax);
  });

  it('does not answer a batch whose sync failed, nor its repeats, nor anything after it', () => {
    const storage = new MemoryStorage();
    const shard = open(storage);
    shard.execute(people, noon);
    storage.faults.onSync = () => {
      throw errno('EIO');
    };
    expect(() => send(shard, [sale(1)])).toThrow('EIO');
    storage.faults = {};
    expect(() => send(shard, [sale(1)])).toThrow('opened anew');
    expect(() => shard.execute(people, noon)).toThrow('opened anew');
    expect(() => shard.snapshot()).toThrow('opened anew');
    expect(() => shard.prepareAhead()).toThrow('opened anew');
    storage.powerCut();
    const { result } = send(open(storage), [sale(1)]);
    expect(result).toMatchObject({ decided: 1, repeated: 0, lastPosition: 4 });
  });
});

/** Batches of a reader that sends some taps again, over a disk that fails and a machine that loses power. */
class RandomLife {
  readonly storage = new MemoryStorage();
  readonly answers = new Map<number, string>();
  shard: Shard;
  paid = 0;
  readonly #random: Random;
  #next = 1;

  constructor(random: Random) {
    this.#random = random;
    this.shard = open(this.storage);
    this.shard.execute(people, noon);
  }

  step(): void {
    const taps: TestTap[] = [];
    for (let count = 1 + this.#random(6); count > 0; count--) {
      taps.push(sale(this.#random(4) === 0 ? 1 + this.#random(this.#next) : this.#next++, { amountKop: 1 }));
    }
    this.#next = Math.max(this.#next, ...taps.map(({ seq }) => seq + 1));
    for (;;) {
      try {
        if (this.#random(4) === 0) this.#plantFailure();
        const { answers } = send(this.shard, taps);
        this.storage.faults = {};
        return this.#check(taps, answers);
      } catch (error) {
        if (!(error instanceof Error && error.message.includes('planted'))) throw error;
        this.storage.faults = {};
        if (this.#random(2) === 0) this.storage.powerCut();
        this.shard = open(this.storage);
      }
    }
  }

  #plantFailure(): void {
    const fail = () => {
      throw errno('EIO');
    };
    if (this.#random(2) === 0) this.storage.faults.onSync = fail;
    else this.storage.faults.onWrite = fail;
  }

  #check(taps: TestTap[], answers: { code: number; shownKop: number | null }[]): void {
    for (const [row, { code, shownKop }] of answers.entries()) {
      const answer = `${code} ${shownKop}`;
      const first = this.answers.get(taps[row].seq);
      // Shown balances fall by one kopeck a sale: the same answer twice is the same decision.
      if (first !== undefined) expect(answer).toBe(first);
      else this.paid += 1;
      this.answers.set(taps[row].seq, answer);
    }
    expect(this.shard.ledger.pupils.balanceKop(0, 1)).toBe(100_000 - this.paid);
  }
}

describe('a shard with snapshots', () => {
  it(
    'has the same state from a snapshot and the journal as from the journal alone, whatever failed before',
    withRandom((random) => {
      for (let round = 0; round < 4; round++) {
        const life = new RandomLife(random);
        for (let step = 0; step < 40; step++) {
          life.step();
          if (random(8) === 0) writeSnapshot(life.storage, life.shard.snapshot());
        }
        writeSnapshot(life.storage, life.shard.snapshot());
        life.step();
        life.storage.powerCut();
        const fromNewest = open(life.storage);
        expect(fromNewest.recovered.blocks).toBeLessThanOrEqual(1);
        expect(fromNewest.ledger.save()).toEqual(life.shard.ledger.save());
        const [newest] = snapshotPositions(life.storage);
        life.storage.bytesOf(snapshotName(newest))[100] ^= 1;
        expect(open(life.storage).ledger.save()).toEqual(life.shard.ledger.save());
        for (const position of snapshotPositions(life.storage)) life.storage.remove(snapshotName(position));
        const fromStart = open(life.storage);
        expect(fromStart.recovered.blocks).toBeGreaterThan(1);
        expect(fromStart.ledger.save()).toEqual(life.shard.ledger.save());
      }
    }),
  );
});
