import { afterEach, describe, expect, it, vi } from 'vitest';
import { randomFrom, testSeed, type Random } from '../../workers/random.suite.ts';
import { sinkLimits } from '../limits.ts';
import { BatchBuilder, type Batch } from '../sink/batch.ts';
import { MemoryJournal } from '../sink/memory-journal.suite.ts';
import { DirtyBacklog } from './backlog.ts';
import { Deriver, type DeriverOptions } from './deriver.ts';
import type { DeriveRun, DeriveStore, DirtyMark } from './types.ts';
import { packKey, touchTransfers, nothingTouched } from './touched.ts';
import { accountId, Owner, TransferCause } from '../../workers/journal/transfer-record.ts';
import { writeTransfer } from '../../workers/ledger/transfers.ts';

const today = 20_590;
const limits = {
  todayDelayMs: 0,
  pastDelayMs: 0,
  pollIntervalMs: 1,
  retryDelayMinMs: 1,
  retryDelayMaxMs: 2,
  saveIntervalMs: 0,
};
const waitMs = 20_000;
const keyOf = (schoolId: number, schoolDay: number) => packKey({ schoolId, schoolDay });

/** Stands in for ClickHouse: notes what was derived, and fails where it is told to. */
class NotedStore implements DeriveStore {
  readonly runs: DeriveRun[] = [];
  stale: DirtyMark[] = [];
  daysAsked: number[] = [];
  before: (run: DeriveRun) => Promise<void> = () => Promise.resolve();

  async derive(run: DeriveRun): Promise<void> {
    await this.before(run);
    this.runs.push(run);
  }

  daysOfTransfers(ids: readonly number[]): Promise<{ schoolId: number; schoolDay: number }[]> {
    this.daysAsked.push(...ids);
    return Promise.resolve([{ schoolId: 7, schoolDay: today - 1 }]);
  }

  outOfDate(): Promise<DirtyMark[]> {
    return Promise.resolve(this.stale.splice(0));
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  get keys(): string[] {
    return this.runs.flatMap(({ schoolDay, schools }) => schools.map(({ schoolId }) => `${schoolId}:${schoolDay}`));
  }
}

class MemoryCursors {
  readonly positions = new Map<number, number>();
  load(shard: number): number {
    return this.positions.get(shard) ?? 0;
  }
  save(shard: number, position: number): Promise<void> {
    this.positions.set(shard, position);
    return Promise.resolve();
  }
}

const running: Deriver[] = [];
function started(store: DeriveStore, options: Partial<DeriverOptions> = {}): Deriver {
  const deriver = new Deriver({
    shardCount: 1,
    store,
    cursors: new MemoryCursors(),
    openCursor: () => new MemoryJournal(0).openCursor(0),
    now: () => today * 86_400_000,
    limits,
    ...options,
  });
  deriver.start();
  running.push(deriver);
  return deriver;
}

afterEach(async () => {
  await Promise.all(running.splice(0).map((deriver) => deriver.stop()));
});

const idle = (deriver: Deriver) =>
  expect
    .poll(() => deriver.status(), { timeout: waitMs, interval: 2 })
    .toMatchObject({ backlogKeys: 0, isScanning: false });

describe('the deriver', () => {
  it('derives a day once for many marks, and again for a mark that came meanwhile', async () => {
    const store = new NotedStore();
    let isUnderWay = false;
    let go: () => void = () => undefined;
    store.before = () => {
      isUnderWay = true;
      return new Promise((resolve) => (go = resolve));
    };
    const deriver = started(store);
    const mark = { schoolId: 1, schoolDay: today, cause: 'taps' } as const;
    deriver.markDirty(Array.from({ length: 100 }, () => mark));
    await expect.poll(() => isUnderWay, { timeout: waitMs }).toBe(true);
    deriver.markDirty([mark, { ...mark, cause: 'roster' }]);
    expect(deriver.status().backlogKeys).toBe(2);
    store.before = () => Promise.resolve();
    go();
    await idle(deriver);
    expect(store.runs.map(({ schools }) => schools)).toEqual([
      [{ schoolId: 1, cause: 'taps' }],
      [{ schoolId: 1, cause: 'roster+taps' }],
    ]);
  });

  it('finds no work in days whose taps are not kept, whatever makes them out of date', async () => {
    const store = new NotedStore();
    store.stale = [today - 500, today - 1].map((schoolDay) => ({ schoolId: 1, schoolDay, cause: 'form' as const }));
    const waits = { ...limits, pastDelayMs: 1_000_000 };
    const deriver = started(store, { firstTapDay: () => today - 400, limits: waits });
    await expect.poll(() => deriver.status().backlogKeys, { timeout: waitMs }).toBeGreaterThan(0);
    expect(deriver.status().backlogKeys).toBe(1);
  });

  it('derives schools of one day together, a running day long before an older one', async () => {
    const store = new NotedStore();
    const deriver = started(store, { limits: { ...limits, todayDelayMs: 30, pastDelayMs: 1_000_000 } });
    const days = [today, today - 1, today - 9];
    deriver.markDirty(
      [1, 2, 3].flatMap((schoolId) => days.map((schoolDay) => ({ schoolId, schoolDay, cause: 'taps' as const }))),
    );
    // Yesterday may still be today west of Greenwich.
    await expect.poll(() => store.keys.length, { timeout: waitMs }).toBe(6);
    expect(store.runs).toHaveLength(2);
    expect(deriver.status()).toMatchObject({ backlogKeys: 3, derivedKeys: 6 });
    await deriver.deriveNow(2, today - 9);
    expect(store.keys.at(-1)).toBe(`2:${today - 9}`);
  });

  it('holds up nobody else for a day that cannot be derived', async () => {
    const store = new NotedStore();
    const cursors = new MemoryCursors();
    store.before = ({ schools }) =>
      schools.some(({ schoolId }) => schoolId === 2) ? Promise.reject(new Error('too large')) : Promise.resolve();
    const deriver = started(store, { cursors });
    deriver.markDirty([1, 2, 3].map((schoolId) => ({ schoolId, schoolDay: today, cause: 'taps' })));
    await expect.poll(() => store.keys.sort(), { timeout: waitMs }).toEqual([`1:${today}`, `3:${today}`]);
    await expect(deriver.deriveNow(2, today)).rejects.toThrow('too large');
    await expect.poll(() => deriver.status()).toMatchObject({ backlogKeys: 1, lastError: 'too large' });
    store.before = () => Promise.resolve();
    await idle(deriver);
    expect(deriver.status().lastError).toBeUndefined();
  });

  it('looks for days that are out of date by themselves', async () => {
    const store = new NotedStore();
    store.stale = [{ schoolId: 4, schoolDay: today - 3, cause: 'roster' }];
    const deriver = started(store);
    await expect.poll(() => store.keys, { timeout: waitMs }).toEqual([`4:${today - 3}`]);
    await idle(deriver);
  });

  it('takes no marks beyond its bound', () => {
    const deriver = started(new NotedStore(), { limits: { ...limits, todayDelayMs: 1_000_000, keysMax: 3 } });
    const marks = (count: number) =>
      Array.from({ length: count }, (_, index) => ({ schoolId: index, schoolDay: today, cause: 'roster' as const }));
    expect(deriver.markDirty(marks(2))).toBe(true);
    expect(deriver.markDirty(marks(2))).toBe(false);
    expect(deriver.status().backlogKeys).toBe(2);
  });

  it('derives the day of a free meal that is taken back later', async () => {
    const store = new NotedStore();
    const cursors = new MemoryCursors();
    const deriver = started(store, { cursors });
    const held: number[] = [];
    store.before = ({ schoolDay }) => {
      if (schoolDay === today - 1) held.push(cursors.load(0));
      return Promise.resolve();
    };
    deriver.follow(reversalBatch(7, today, 41));
    deriver.stored(0, 10);
    await expect.poll(() => store.runs.length, { timeout: waitMs }).toBe(2);
    await idle(deriver);
    expect(store.daysAsked).toEqual([41]);
    expect(store.runs[1]).toMatchObject({ schoolDay: today - 1, schools: [{ schoolId: 7, cause: 'reversal' }] });
    // Until then a restart would have found it again.
    expect(held).toEqual([0]);
    await expect.poll(() => cursors.load(0), { timeout: waitMs }).toBe(10);
  });

  it.each([1, 2, 3])('loses no day, whatever fails, fills up and dies (%i)', async (round) => {
    await expect(survive(randomFrom(testSeed + round)), `with TAPLINE_SEED=${testSeed}`).resolves.toEqual([]);
  });

  it('would be found out if its cursors did not wait for the days', async () => {
    const spy = vi.spyOn(DirtyBacklog.prototype, 'derivedUpTo').mockImplementation((_shard, markedUpTo) => markedUpTo);
    const lost = [];
    for (let round = 0; round < 5; round++) lost.push(...(await survive(randomFrom(round))));
    expect(lost.length).toBeGreaterThan(0);
    spy.mockRestore();
  });
});

/** A batch of positions 1 to 10 in which one transfer of the entitlement fund is taken back. */
function reversalBatch(schoolId: number, schoolDay: number, reverses: number): Batch {
  const bytes = new Uint8Array(72);
  const creditAccount = accountId(Owner.entitlementFund, 1);
  const nothing = { transferId: 90, causePosition: 5, debitAccount: 0, kop: 1, at: 0, pupilId: 1, shard: 0, purse: 0 };
  const cause = TransferCause.reversal;
  writeTransfer(new DataView(bytes.buffer), 0, { ...nothing, creditAccount, cause, reverses, schoolId, schoolDay });
  const touched = nothingTouched();
  touchTransfers(touched, bytes);
  expect([...touched.byTransfers]).toEqual([keyOf(schoolId, schoolDay)]);
  const part = {
    table: 'transfer',
    shard: 0,
    month: 0,
    rows: 1,
    bytes,
    firstId: 90,
    lastId: 90,
    firstDay: 0,
    lastDay: 0,
    token: '',
  } as const;
  return { shard: 0, from: 1, to: 10, hash: '', taps: 0, transfers: 1, writtenAtMs: 0, parts: [part] };
}

/**
 * A journal grows, a sink stores it, derivers fail, have no room, and die without a word. Gives the days whose last
 * derivation began before their last row was stored.
 */
async function survive(random: Random): Promise<number[]> {
  const journal = new MemoryJournal(0);
  const cursors = new MemoryCursors();
  const storedAt = new Map<number, number>();
  const derivedAt = new Map<number, number>();
  let now = 0;
  let storedPosition = 0;
  for (let life = 0; life < 12; life++) {
    const isLast = life === 11;
    const store = new NotedStore();
    let isDead = false;
    store.before = async ({ schoolDay, schools }) => {
      const began = now;
      await new Promise((resolve) => setTimeout(resolve, random(3)));
      if (isDead || (!isLast && random(3) === 0)) throw new Error('away');
      for (const { schoolId } of schools) derivedAt.set(keyOf(schoolId, schoolDay), began);
    };
    const deriver = started(store, {
      cursors: {
        load: (shard) => cursors.load(shard),
        save: (shard, position) => (isDead ? Promise.reject(new Error('dead')) : cursors.save(shard, position)),
      },
      openCursor: (_shard, afterPosition) => journal.openCursor(afterPosition),
      limits: { ...limits, keysMax: 20, schoolsPerRunMax: 5, scanBytesMax: 2_000 },
    });
    deriver.stored(0, storedPosition);
    for (let batch = 0; batch < random(6); batch++) {
      const builder = new BatchBuilder(0, sinkLimits);
      for (let block = 0; block <= random(3); block++) {
        const from = journal.lastPosition + 1;
        const day = today - random(3);
        journal.append({
          taps: 1 + random(8),
          transfers: 0,
          commands: random(2),
          quarantined: random(2),
          dayOf: () => day,
        });
        builder.add(journal.blocks.at(-1)!);
        now += 1;
        for (const key of keysOf(from, from + journal.blocks.at(-1)!.sections[0].count - 1, day))
          storedAt.set(key, now);
      }
      const { lastPosition } = journal;
      // Now and then the sink stores without the deriver's being there: it died in between.
      if (random(6) > 0) deriver.follow(builder.finish());
      deriver.stored(0, lastPosition);
      storedPosition = lastPosition;
      await new Promise((resolve) => setTimeout(resolve, random(4)));
    }
    if (isLast) await idle(deriver);
    isDead = true;
    await deriver.stop();
  }
  return [...storedAt.keys()].filter((key) => (derivedAt.get(key) ?? -1) < storedAt.get(key)!);
}

/** School days of the journal's taps at these positions, as `MemoryJournal` makes them: gates and meals. */
function keysOf(from: number, to: number, day: number): number[] {
  const positions = Array.from({ length: to - from + 1 }, (_, index) => from + index);
  return positions.filter((at) => 1 + (at % 7) <= 3).map((at) => keyOf(1 + (at % 46), day));
}
