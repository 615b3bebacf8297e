import { readFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { rememberedIdentitiesMin, tapsPerFrameMax } from '../protocol/limits.ts';
import { Code } from '../protocol/codes.ts';
import { encodeOutcome, encodeTaps } from '../protocol/encode.ts';
import { outcomesWaitingMax } from './limits.ts';
import { pupilsCount, RunningGateway, uidOf } from './running-gateway.suite.ts';
import { baseMs, mealKop, tapsFrom, TestReader } from './test-reader.suite.ts';

let running: RunningGateway;
beforeEach(async () => {
  running = await RunningGateway.start({ shards: 2 });
});
afterEach(() => running.end());

const readerId = 1;
/** More than any purse of the tests holds. */
const dearKop = 300_000_000;
const pupilId = 7;

const dearMeal = (firstSeq: number) =>
  encodeTaps({
    firstSeq,
    baseMs,
    taps: [{ uid: uidOf(pupilId), kind: 3, deltaMs: firstSeq * 20_000, amountKop: dearKop }],
  });
const outcome = (seq: number, deed: number) => encodeOutcome({ seq, deed });

async function balanceKop(pupil: number): Promise<number> {
  const host = running.pool.hosts[running.pool.shardOf(pupil)];
  const account = await host.call({ type: 'account', pupilId: pupil, schoolDay: 0 });
  return account!.balancesKop.meal;
}

/** All that was taken in is done. */
async function done(): Promise<void> {
  await expect.poll(() => running.gateway.outcomes.isIdle).toBe(true);
}

describe('OUTCOME', () => {
  test('a deed behind a refusal moves the price once, however often and over however many connections it is told', async () => {
    const before = await balanceKop(pupilId);
    const { reader } = await TestReader.welcome(running.streamUrl, readerId);
    reader.send(dearMeal(1));
    expect((await reader.expect('ack')).codes[0]).toBe(Code.fundsInsufficient);
    for (let time = 0; time < 3; time++) reader.send(outcome(1, 1));
    await expect.poll(() => running.gateway.counters.outcomes).toBe(3);
    await done();
    await reader.close();
    expect(await balanceKop(pupilId)).toBe(before - dearKop);
    await running.drain();
    await running.begin();
    const again = await TestReader.welcome(running.streamUrl, readerId);
    again.reader.send(outcome(1, 1));
    again.reader.send(outcome(1, 0));
    await expect.poll(() => running.gateway.counters.outcomes).toBe(2);
    await done();
    expect(running.gateway.counters).toMatchObject({ outcomesSettled: 0, outcomesRepeated: 1, outcomesRefused: 1 });
    expect(await balanceKop(pupilId)).toBe(before - dearKop);
    await again.reader.close();
  });

  test('no deed behind an acceptance takes back what moved', async () => {
    const pupil = 1 + (1 % pupilsCount);
    const before = await balanceKop(pupil);
    const { reader } = await TestReader.welcome(running.streamUrl, readerId);
    expect((await reader.taps(1, 2)).codes[0]).toBe(Code.accepted);
    expect(await balanceKop(pupil)).toBe(before - mealKop);
    reader.send(outcome(1, 0));
    await expect.poll(() => running.gateway.counters.outcomesSettled).toBe(1);
    expect(await balanceKop(pupil)).toBe(before);
    expect((await reader.taps(1, 2)).codes[0], 'the tap keeps its answer').toBe(Code.accepted);
    await reader.close();
  });

  test('right behind its tap waits until the tap is on disk; a drain waits for both', async () => {
    const before = await balanceKop(pupilId);
    const { reader } = await TestReader.welcome(running.streamUrl, readerId);
    running.hold();
    reader.send(dearMeal(1));
    reader.send(outcome(1, 1));
    await expect.poll(() => running.gateway.counters.outcomes).toBe(1);
    expect(running.gateway.outcomes.isIdle).toBe(false);
    const drained = running.drain();
    // Now is too late: it may come again on the next connection.
    reader.send(outcome(1, 1));
    await expect.poll(() => running.gateway.readers.find(readerId)!.inFlightFrames).toBe(3);
    running.release();
    await drained;
    expect((await reader.expect('ack')).codes[0]).toBe(Code.fundsInsufficient);
    expect(await reader.expect('err')).toMatchObject({ code: 8, message: 'not now: draining' });
    await running.begin();
    expect(await balanceKop(pupilId)).toBe(before - dearKop);
  });

  test('of a tap that never came in is put aside, and the reader goes on', async () => {
    const { reader } = await TestReader.welcome(running.streamUrl, readerId);
    await reader.taps(1, 3);
    for (const deed of [0, 1, 0, 1]) reader.send(outcome(4, deed));
    expect((await reader.taps(4, 1)).durableSeq).toBe(4);
    expect(running.gateway.counters).toMatchObject({ outcomesUnknown: 4, outcomesSettled: 0 });
    expect(running.gateway.outcomes.isIdle).toBe(true);
    const lines = () => readFileSync(path.join(running.folder, 'malformed-frames.ndjson'), 'utf8').trim().split('\n');
    await expect.poll(lines).toHaveLength(4);
    const hex = Buffer.from(outcome(4, 0)).toString('hex');
    expect(JSON.parse(lines()[0])).toMatchObject({ readerId, hex, reason: 'OUTCOME of seq 4, which never came in' });
    await reader.close();
  });

  test('of a tap that the shards have forgotten is found in the journal', async () => {
    const { reader } = await TestReader.welcome(running.streamUrl, readerId);
    reader.send(dearMeal(1));
    await reader.expect('ack');
    const frames = rememberedIdentitiesMin / tapsPerFrameMax;
    for (let frame = 0; frame < frames; frame++) await reader.taps(2 + frame * tapsPerFrameMax, tapsPerFrameMax);
    const before = await balanceKop(pupilId);
    reader.send(outcome(1, 1));
    await expect.poll(() => running.gateway.counters.outcomesSettled).toBe(1);
    expect(running.gateway.counters.outcomesLate).toBe(1);
    expect(await balanceKop(pupilId)).toBe(before - dearKop);
    await reader.close();
  });

  test('as many as a reader likes: those beyond its bound get ERR 8, and all can be sent again', async () => {
    const { reader } = await TestReader.welcome(running.streamUrl, readerId);
    await reader.taps(1, 500);
    await reader.taps(501, 500);
    await reader.taps(1001, 500);
    running.hold();
    reader.send(tapsFrom(1501, 1));
    for (let seq = 1; seq <= 1_500; seq++) reader.send(outcome(seq, 0));
    await expect.poll(() => running.gateway.counters.outcomes).toBe(1_500);
    expect(running.gateway.readers.find(readerId)!.outcomesWaiting).toBe(outcomesWaitingMax);
    running.release();
    await reader.expect('ack');
    for (let refused = outcomesWaitingMax; refused < 1_500; refused++) {
      expect(await reader.expect('err')).toMatchObject({ code: 8, fatal: false });
    }
    await done();
    for (let seq = outcomesWaitingMax - 99; seq <= 1_500; seq++) reader.send(outcome(seq, 0));
    await expect.poll(() => running.gateway.counters.outcomes).toBe(1_500 + 576);
    await done();
    expect(running.gateway.counters).toMatchObject({ outcomesSettled: 1_500, outcomesRepeated: 100 });
    await reader.close();
  });

  test('whose tap cannot be looked up, or whose shard takes no command, is done again', async () => {
    const before = await balanceKop(pupilId);
    const failures = { findMany: 0, execute: 0 };
    const failing = (what: keyof typeof failures) => () => {
      failures[what] += 1;
      return Promise.reject(new Error(what));
    };
    const { taps, pool } = running;
    const [findMany, execute] = [taps.findMany.bind(taps), pool.execute.bind(pool)];
    taps.findMany = failing('findMany');
    pool.execute = failing('execute');
    const { reader } = await TestReader.welcome(running.streamUrl, readerId);
    reader.send(dearMeal(1));
    reader.send(outcome(1, 1));
    await expect.poll(() => failures.findMany).toBeGreaterThan(0);
    taps.findMany = findMany;
    await expect.poll(() => failures.execute).toBeGreaterThan(0);
    pool.execute = execute;
    await expect.poll(() => running.gateway.counters.outcomesSettled).toBe(1);
    expect(running.gateway.outcomes.isIdle).toBe(true);
    expect(await balanceKop(pupilId)).toBe(before - dearKop);
    await reader.close();
  });
});
