import { describe, expect, test } from 'vitest';
import { accountId, Owner } from '../../workers/journal/transfer-record.ts';
import { Code } from '../protocol/codes.ts';
import { auditShard } from '../verify/journal-audit.ts';
import { IdentitySet } from '../verify/identities.ts';
import { readTold } from './ack-log.ts';
import { encodeTaps } from '../protocol/encode.ts';
import { baseMs, mealKop, tapOf, TestReader } from './test-reader.suite.ts';
import { isUndone, RandomReader } from './random-reader.suite.ts';
import { districtId, RunningGateway, schoolId, uidOf } from './running-gateway.suite.ts';
import { seededRandom } from '../registry/fixtures.suite.ts';
import path from 'node:path';

const readers = 30;
const tapsEach = 400;
/** The service ends this often while readers stream: in order, and at once. */
const ends = ['drain', 'halt', 'halt', 'drain', 'halt'] as const;

/**
 * Readers send, repeat, overlap, cut and reconnect as the seed says, while the service is drained and halted under them.
 * Each holds every answer to the first that it got; the journal is added up at the end.
 */
async function run(shards: number, seed: number): Promise<void> {
  const random = seededRandom(seed);
  const running = await RunningGateway.start({ shards });
  const fleet = Array.from(
    { length: readers },
    (_, index) => new RandomReader(index + 1, tapsEach, seededRandom(random(2 ** 31))),
  );
  let isOver = false;
  const service = { url: () => running.streamUrl };
  const streaming = Promise.all(fleet.map((reader) => reader.run(service))).finally(() => (isOver = true));
  for (const [index, end] of ends.entries()) {
    const goal = ((index + 1) * readers * tapsEach) / (ends.length + 1);
    const isDue = () => isOver || fleet.reduce((sum, reader) => sum + reader.durableSeq, 0) >= goal;
    while (!isDue()) await new Promise((resolve) => setTimeout(resolve, 5));
    await running[end]();
    await running.begin();
  }
  await streaming;
  await Promise.all(fleet.map((reader) => reader.tellAll(running.streamUrl)));
  expect(fleet.flatMap((reader) => reader.faults)).toEqual([]);
  await running.drain();
  audit(running.folder, shards);
  await running.begin();
  await running.end();
}

/** Every identity is in the journal once, everything that a reader was told is, and what was undone moved back once. */
function audit(folder: string, shards: number): void {
  const identities = new IdentitySet();
  let taps = 0;
  let takingsKop = 0;
  for (let shard = 0; shard < shards; shard++) {
    const found = auditShard(path.join(folder, 'journal'), shard, undefined, identities);
    expect(found.problems).toEqual([]);
    expect([...found.byKindAndCode.keys()]).toEqual([`3:${Code.accepted}`]);
    taps += found.taps;
    takingsKop += found.balances.get(accountId(Owner.canteen, schoolId)) ?? 0;
  }
  expect(taps).toBe(readers * tapsEach);
  const soldEach = Array.from({ length: tapsEach }, (_, index) => index + 1).filter((seq) => !isUndone(seq)).length;
  expect(takingsKop).toBe(readers * soldEach * mealKop);
  const told = readTold(folder);
  for (let readerId = 1; readerId <= readers; readerId++) {
    expect(identities.missing(readerId, 1, tapsEach).count).toBe(0);
    expect(told.get(`${readerId} 1`)?.toldSeq).toBe(tapsEach);
  }
}

describe('one decision for each identity, and the first answer for each repeat', () => {
  const seed = Number(process.env.TAPLINE_TEST_SEED ?? Date.now() % 1_000_000);
  test.each([1, 3])('%i shards', { timeout: 150_000 }, async (shards) => {
    try {
      await run(shards, seed);
    } catch (error) {
      throw new Error(`with TAPLINE_TEST_SEED=${seed}: ${error instanceof Error ? error.message : String(error)}`, {
        cause: error,
      });
    }
  });
});

test('a repeat goes to the shard that answered first, whatever its card means by now', async () => {
  const running = await RunningGateway.start({ shards: 3 });
  const tap = (pupilId: number) => encodeTaps({ firstSeq: 1, baseMs, taps: [{ ...tapOf(1), uid: uidOf(pupilId) }] });
  const answerTo = async (bytes: Uint8Array) => {
    const { reader } = await TestReader.welcome(running.streamUrl, 1);
    reader.send(bytes);
    const { codes, balances } = await reader.expect('ack');
    await reader.close();
    return { code: codes[0], balance: balances?.[0] ?? null };
  };
  const first = await answerTo(tap(1));
  expect(first.code).toBe(Code.accepted);
  for (const restart of [false, true]) {
    if (restart) await running.drain();
    if (restart) await running.begin();
    // Pupil 2 is another shard's, and so is pupil 3, who has pupil 1's card from now on.
    expect((await answerTo(tap(2))).code).toBe(Code.idConflict);
    const uid = Buffer.from(uidOf(1)).toString('hex').toUpperCase();
    const card = { type: 'cardUid', change: 0, districtId, uid, status: 'active' } as const;
    running.directory.put({ ...card, cardId: 1, pupilId: 1, status: 'replaced' });
    running.directory.put({ ...card, cardId: 3, pupilId: 3 });
    expect(await answerTo(tap(1))).toEqual(first);
  }
  await running.end();
});
