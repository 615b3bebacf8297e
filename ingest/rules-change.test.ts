import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { baseMs, tapOf, TestReader } from './gateway/test-reader.suite.ts';
import { encodeTaps } from './protocol/encode.ts';
import { removeFolder, RunningService, tapline, temporaryFolder, writeRegion } from './running-service.suite.ts';
import { openJournalCursor } from '../workers/journal/cursor.ts';
import { TapOffset, TapRecords } from '../workers/journal/tap-record.ts';
import { SectionType } from '../workers/journal/types.ts';

const folder = temporaryFolder();
const data = path.join(folder, 'data');
const shards = 2;
const changes = 5;
const tapsPerFrame = 20;
const readersStreaming = 8;
/** What readers ask for item 7; every other version of the rules lists it at another price. */
const askedKop = 5;
const item = 7;
/** A long list, so that the rules are as large as a region's. */
const otherPrices = Object.fromEntries(Array.from({ length: 5_000 }, (_, index) => [100 + index, 8_500]));
let service: RunningService;

beforeAll(async () => {
  writeRegion(folder);
  await tapline(['import', folder, '--data', data]);
  service = await RunningService.start(data, ['--shards', String(shards)]);
});

afterAll(async () => {
  await service.end();
  removeFolder(folder);
});

/** Which part of the test it is: imports that change nothing, imports that do, the end. */
type Phase = 'same' | 'changing' | 'over';

/** Streams frames, one in flight, until it is over; answers the longest wait for an ACK of each phase, ms. */
async function stream(readerId: number, phase: () => Phase) {
  const { reader } = await TestReader.welcome(service.stream, readerId);
  const longestMs = { same: 0, changing: 0, over: 0 };
  let firstSeq = 1;
  while (phase() !== 'over') {
    const taps = Array.from({ length: tapsPerFrame }, (_, place) => {
      return { ...tapOf(firstSeq + place), amountKop: askedKop, ref: item };
    });
    const sentMs = performance.now();
    reader.send(encodeTaps({ firstSeq, baseMs, taps }));
    await reader.expect('ack');
    longestMs[phase()] = Math.max(longestMs[phase()], performance.now() - sentMs);
    firstSeq += tapsPerFrame;
  }
  await reader.close();
  return { longestMs, acked: firstSeq - 1 };
}

interface Decided {
  readonly identity: string;
  readonly version: number;
  readonly code: number;
}

/** The taps of a shard in the order of its journal. */
function decidedIn(shard: number): Decided[] {
  const taps: Decided[] = [];
  const cursor = openJournalCursor(path.join(data, 'journal'), shard, 0);
  for (let block = cursor.next(); block !== undefined; block = cursor.next()) {
    for (const section of block.sections) {
      if (section.type !== SectionType.taps) continue;
      const records = new TapRecords(section.bytes.buffer, section.bytes.byteOffset, section.count);
      for (let row = 0; row < section.count; row++) {
        const [reader, epoch, seq] = [TapOffset.readerId, TapOffset.bootEpoch, TapOffset.seq].map((offset) =>
          records.getU32(row, offset),
        );
        const version = records.getU32(row, TapOffset.rulesVersion);
        taps.push({ identity: `${reader}:${epoch}:${seq}`, version, code: records.getU8(row, TapOffset.code) });
      }
    }
  }
  cursor.close();
  return taps;
}

test('rules that change while taps stream hold from one position of each shard on', { timeout: 60_000 }, async () => {
  const importRules = async (kop: number) => {
    const rules = {
      region: {
        prices: { ...otherPrices, [item]: kop },
        meal: { daily_limit_kop: null, overdraft_kop: 1_000_000_000 },
      },
    };
    writeFileSync(path.join(folder, 'rules.json'), JSON.stringify(rules));
    const result = await tapline(['import', folder, '--data', data, '--json']);
    expect(result.status, result.error).toBe(0);
  };
  const changeApplied = async () => {
    const { out } = await tapline(['status', '--data', data, '--json']);
    return (JSON.parse(out) as { registry: { change: number } }).registry.change;
  };
  await importRules(askedKop);
  const before = await changeApplied();
  let phase: Phase = 'same';
  const readers = Array.from({ length: readersStreaming }, (_, index) => stream(index + 1, () => phase));
  for (let again = 1; again <= changes; again++) await importRules(askedKop);
  phase = 'changing';
  for (let change = 1; change <= changes; change++) await importRules(askedKop + (change % 2));
  await expect.poll(async () => (await changeApplied()) - before, { timeout: 10_000 }).toBe(changes);
  // What was in flight then was decided before; a frame more of each reader is decided after.
  await setTimeout(200);
  phase = 'over';
  const streams = await Promise.all(readers);
  const acked = streams.reduce((sum, one) => sum + one.acked, 0);
  const [changing, same] = (['changing', 'same'] as const).map((during) =>
    Math.max(...streams.map(({ longestMs }) => longestMs[during])).toFixed(0),
  );
  process.stdout.write(
    `${acked} taps; longest wait for an ACK: ${changing} ms while rules changed, ${same} ms while not\n`,
  );

  const identities = new Set<string>();
  for (let shard = 0; shard < shards; shard++) {
    const taps = decidedIn(shard);
    const versions = taps.map(({ version }) => version);
    expect(versions, 'one position each').toEqual(versions.toSorted((left, right) => left - right));
    expect(versions.at(-1)).toBe(changes + 2);
    for (const { identity, version, code } of taps) {
      identities.add(identity);
      // Version 2 is the first import, at the price that readers ask; so is every other one.
      const isListed = version === 1 || version % 2 === 0;
      if (code !== 71) expect(`${identity} ${code}`).toBe(`${identity} ${isListed ? 13 : 54}`);
    }
  }
  expect(identities.size).toBe(acked);

  const [old, young] = [(version: number) => version === 2, (version: number) => version === 3].map((isWanted) =>
    decidedIn(0).find(({ version, code }) => isWanted(version) && code !== 71)!,
  );
  for (const { identity, version, code } of [old, young]) {
    const result = await tapline(['explain', identity, '--data', data, '--json']);
    const { decision } = JSON.parse(result.out) as {
      decision: { code: number; rules_version: number; agrees: boolean };
    };
    expect(decision).toMatchObject({ code, rules_version: version });
  }
});
