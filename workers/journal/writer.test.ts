import { describe, expect, it } from 'vitest';
import { blockBytesMax, blockHeaderBytes, sectionHeaderBytes } from './limits.ts';
import { noon, openWriter, recoverAll, sectionsOf, testSegmentBytes, testShard } from './journal.suite.ts';
import { MemoryStorage } from './memory-storage.ts';
import { segmentNumbers } from './segment.ts';
import { SectionType } from './types.ts';
import { JournalWriter } from './writer.ts';

describe('the journal', () => {
  it('gives back the same blocks when it is opened again', () => {
    const storage = new MemoryStorage();
    const writer = openWriter(storage);
    const sections = [
      { type: SectionType.taps, count: 2, bytes: new Uint8Array(256).fill(7) },
      { type: SectionType.transfers, count: 1, bytes: new Uint8Array(71).fill(8) },
    ];
    expect(writer.append(sections, 2, noon)).toEqual({ firstPosition: 1, lastPosition: 2, bytes: 64 + 272 + 88 });
    expect(writer.append(sectionsOf(1), 1, noon + 1)).toMatchObject({ firstPosition: 3, lastPosition: 3 });
    writer.close();

    const { values, clearedBytes } = recoverAll(storage);
    expect(values).toMatchObject([
      { shard: testShard, blockNumber: 1, firstPosition: 1, lastPosition: 2, writtenAtMs: noon },
      { shard: testShard, blockNumber: 2, firstPosition: 3, lastPosition: 3, writtenAtMs: noon + 1 },
    ]);
    expect(values[0].sections.map(({ type, count, text }) => [type, count, text])).toEqual([
      [SectionType.taps, 2, '\x07'.repeat(256)],
      [SectionType.transfers, 1, '\x08'.repeat(71)],
    ]);
    expect(clearedBytes).toBe(0);

    const again = openWriter(storage);
    expect(again.nextPosition).toBe(4);
    again.append(sectionsOf(3), 1, noon);
    expect(recoverAll(storage).values.map((block) => block.blockNumber)).toEqual([1, 2, 3]);
  });

  it('rolls a block that does not fit over to the next segment', () => {
    const storage = new MemoryStorage();
    const writer = openWriter(storage);
    const large = blockBytesMax - blockHeaderBytes - sectionHeaderBytes;
    writer.append(sectionsOf(1), 1, noon);
    while (writer.wantsPrepare) writer.prepareAhead();
    writer.append(sectionsOf(2, large), 1, noon);
    expect(segmentNumbers(storage)).toEqual([1, 2]);
    expect(writer.wantsPrepare).toBe(true);
    writer.prepareAhead();
    writer.append(sectionsOf(3), 1, noon);
    writer.close();
    expect(segmentNumbers(storage)).toEqual([1, 2, 3]);
    expect(recoverAll(storage).values.map((block) => block.lastPosition)).toEqual([1, 2, 3]);

    storage.remove('segment-0000000002.journal');
    expect(() => recoverAll(storage)).toThrow(expect.objectContaining({ code: 'JOURNAL_CORRUPT' }));
  });

  it('refuses a block above the bound, and a segment that could not hold the largest', () => {
    const storage = new MemoryStorage();
    expect(() => openWriter(storage).append(sectionsOf(1, blockBytesMax), 1, noon)).toThrow(RangeError);
    const tooSmall = () => JournalWriter.open(storage, testShard, undefined, testSegmentBytes - 1);
    expect(tooSmall).toThrow(RangeError);
  });
});
