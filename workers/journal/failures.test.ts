import { describe, expect, it } from 'vitest';
import { withRandom } from '../random.suite.ts';
import { errno, noon, openWriter, recoverAll, sectionsOf, testSegmentBytes } from './journal.suite.ts';
import { MemoryStorage } from './memory-storage.ts';
import type { JournalWriter } from './writer.ts';

const failNow = (code: string) => () => {
  throw errno(code);
};
const tags = (storage: MemoryStorage) => recoverAll(storage).values.map((block) => block.writtenAtMs - noon);

/** Appends blocks until one fails; answers which were acknowledged. */
function appendUntilFailure(writer: JournalWriter, first: number, count: number): number[] {
  const acknowledged: number[] = [];
  for (let tag = first; tag < first + count; tag++) {
    try {
      writer.append(sectionsOf(tag), 1, noon + tag);
    } catch {
      break;
    }
    acknowledged.push(tag);
  }
  return acknowledged;
}

describe('a journal on a disk that fails', () => {
  for (const [what, plant] of [
    ['a write finds no space', (storage: MemoryStorage) => (storage.faults.onWrite = failNow('ENOSPC'))],
    ['a write fails', (storage: MemoryStorage) => (storage.faults.onWrite = failNow('EIO'))],
    ['a write is short', (storage: MemoryStorage) => (storage.faults.onWrite = (_, bytes) => bytes - 1)],
    ['a write reaches nothing', (storage: MemoryStorage) => (storage.faults.onWrite = () => 0)],
    ['a sync fails', (storage: MemoryStorage) => (storage.faults.onSync = failNow('EIO'))],
  ] as const) {
    it(`acknowledges nothing more once ${what}, and keeps what it acknowledged`, () => {
      const storage = new MemoryStorage();
      const writer = openWriter(storage);
      writer.append(sectionsOf(1), 1, noon + 1);
      writer.append(sectionsOf(2), 1, noon + 2);
      plant(storage);
      expect(() => writer.append(sectionsOf(3), 1, noon + 3)).toThrow();
      storage.faults = {};
      expect(() => writer.append(sectionsOf(4), 1, noon + 4)).toThrow('has to be recovered');
      storage.powerCut();
      expect(tags(storage)).toEqual([1, 2]);
    });
  }

  it(
    'keeps every acknowledged block and invents none, whichever call fails and whether or not the power is cut',
    withRandom((random) => {
      for (let round = 0; round < 40; round++) {
        const storage = new MemoryStorage();
        const acknowledged: number[] = [];
        let tag = 1;
        for (let crash = 0; crash < 4; crash++) {
          const writer = openWriter(storage);
          let callsLeft = random(12);
          const failing = () => {
            if (callsLeft-- === 0) throw errno('EIO');
            return undefined;
          };
          storage.faults = random(2) === 0 ? { onSync: failing } : { onWrite: failing };
          acknowledged.push(...appendUntilFailure(writer, tag, 8));
          tag += 8;
          storage.faults = {};
          writer.close();
          if (random(2) === 0) storage.powerCut();
          // A block that was written and not acknowledged may be found or not; once found it is durable.
          const found = tags(storage);
          const surplus = found.filter((each) => !acknowledged.includes(each));
          expect(found.filter((each) => acknowledged.includes(each))).toEqual(acknowledged);
          expect(surplus.length).toBeLessThanOrEqual(1);
          acknowledged.push(...surplus);
          storage.powerCut();
          expect(tags(storage)).toEqual(found);
        }
      }
    }),
  );

  it('makes the last block durable before it is recovered, and fails if it cannot', () => {
    const storage = new MemoryStorage();
    const writer = openWriter(storage);
    writer.append(sectionsOf(1), 1, noon + 1);
    storage.faults.onSync = failNow('EIO');
    expect(() => writer.append(sectionsOf(2), 1, noon + 2)).toThrow('EIO');
    expect(() => recoverAll(storage)).toThrow('EIO');
    storage.faults = {};
    expect(tags(storage)).toEqual([1, 2]);
    storage.powerCut();
    expect(tags(storage)).toEqual([1, 2]);
  });

  it('makes the name of a segment durable before anything in it is acknowledged', () => {
    const storage = new MemoryStorage();
    const writer = openWriter(storage);
    writer.append(sectionsOf(1, testSegmentBytes / 2), 1, noon + 1);
    storage.faults.onSyncDirectory = failNow('EIO');
    expect(() => writer.append(sectionsOf(2, testSegmentBytes / 2), 1, noon + 2)).toThrow('EIO');
    expect(() => recoverAll(storage)).toThrow('EIO');
    storage.faults = {};
    openWriter(storage).append(sectionsOf(3), 1, noon + 3);
    storage.powerCut();
    expect(tags(storage)).toEqual([1, 3]);
  });

  it('begins the next segment anew when its zeros could not be laid down', () => {
    const storage = new MemoryStorage();
    const writer = openWriter(storage);
    writer.append(sectionsOf(1, testSegmentBytes / 2), 1, noon + 1);
    writer.prepareAhead();
    storage.faults.onWrite = failNow('ENOSPC');
    writer.prepareAhead();
    storage.faults = {};
    // This segment still has room, and nobody asks for the next at every batch.
    expect(writer.wantsPrepare).toBe(false);
    writer.append(sectionsOf(2, 1), 1, noon + 2);
    writer.append(sectionsOf(3, testSegmentBytes / 2), 1, noon + 3);
    storage.powerCut();
    expect(tags(storage)).toEqual([1, 2, 3]);
  });
});
