import { describe, expect, it } from 'vitest';
import { OperatorError } from '../errors.ts';
import { withRandom } from '../random.suite.ts';
import { type BlockValue, diskOf, noon, openWriter, recoverAll, sectionsOf } from './journal.suite.ts';
import { segmentHeaderBytes } from './limits.ts';
import { MemoryStorage } from './memory-storage.ts';

const name = 'segment-0000000001.journal';
const smallBlockBytes = 64 + 16 + 24;
const tailBytes = 512;

/** A short file instead of the whole segment: recovery looks only as far as the file goes, and is asked a thousand times. */
function journalOf(...blocks: { bytes: number }[]) {
  const storage = new MemoryStorage();
  const writer = openWriter(storage);
  const ends = blocks.map(({ bytes }, index) => {
    writer.append(sectionsOf(index + 1, bytes), 1, noon + index);
    return writer.place.offset;
  });
  const whole = storage.bytesOf(name).slice(0, ends.at(-1)! + tailBytes);
  return { whole, ends, values: recoverAll(storage, true).values };
}

const small = { bytes: 21 };
const three = journalOf(small, small, small);
const [firstEnd, secondEnd, thirdEnd] = three.ends;

/** Recovers the damaged bytes: the blocks, or the code of the refusal. Any other error is a failure of the test. */
function recover(bytes: Uint8Array): BlockValue[] | string {
  try {
    const storage = diskOf([[name, bytes]]);
    const { values } = recoverAll(storage);
    // What was cleared stays so: a second look finds the same, and nothing to clear.
    const again = recoverAll(storage);
    expect(again.values).toEqual(values);
    expect(again.clearedBytes).toBe(0);
    return values;
  } catch (error) {
    if (error instanceof OperatorError) return error.code;
    throw error;
  }
}

function damaged(change: (bytes: Uint8Array) => void): Uint8Array {
  const bytes = three.whole.slice();
  change(bytes);
  return bytes;
}

function flipped(bit: number): Uint8Array {
  return damaged((bytes) => (bytes[bit >>> 3] ^= 1 << (bit & 7)));
}

describe('a journal whose last block is torn', () => {
  const before = three.values.slice(0, 2);

  it('has small blocks of the size that the format says', () => {
    expect(firstEnd - segmentHeaderBytes).toBe(smallBlockBytes);
    expect(recover(three.whole)).toEqual(three.values);
  });

  it('loses that block alone when the file ends at any of its bytes', () => {
    for (let end = secondEnd; end < thirdEnd; end++) expect(recover(three.whole.slice(0, end))).toEqual(before);
  });

  it('loses that block alone when it is zero from any byte on, or up to any byte', () => {
    for (let at = secondEnd; at < thirdEnd - 3; at++) {
      expect(recover(damaged((bytes) => bytes.fill(0, at, thirdEnd)))).toEqual(before);
      expect(recover(damaged((bytes) => bytes.fill(0, secondEnd, at + 1)))).toEqual(before);
    }
  });

  it('loses that block alone when any of its bits is flipped', () => {
    for (let bit = secondEnd * 8; bit < thirdEnd * 8; bit++) expect(recover(flipped(bit))).toEqual(before);
  });

  it(
    'loses that block alone whichever of its sectors were written, repeated or exchanged',
    withRandom((random) => {
      const { whole, ends, values } = journalOf(small, { bytes: 20_000 });
      const sectorBytes = 512;
      const sectors = Math.ceil((ends[1] - ends[0]) / sectorBytes);
      const sectorAt = (index: number) => ends[0] + index * sectorBytes;
      for (let round = 0; round < 300; round++) {
        const bytes = whole.slice();
        const [from, to] = [random(sectors), random(sectors)];
        const sector = bytes.slice(sectorAt(from), sectorAt(from) + sectorBytes);
        if (round % 3 === 0) bytes.fill(0, sectorAt(from), Math.min(sectorAt(from) + sectorBytes, ends[1]));
        else bytes.set(sector.subarray(0, bytes.length - sectorAt(to)), sectorAt(to));
        if (round % 3 === 1) bytes.fill(0, sectorAt(random(sectors)), ends[1]);
        const isSame = Buffer.compare(bytes.subarray(0, ends[1]), whole.subarray(0, ends[1])) === 0;
        expect(recover(bytes)).toEqual(isSame ? values : values.slice(0, 1));
      }
    }),
  );

  it('goes on behind the last whole block', () => {
    const storage = diskOf([[name, three.whole.slice(0, thirdEnd - 1)]]);
    openWriter(storage).append(sectionsOf(9), 1, noon + 9);
    expect(recoverAll(storage).values.map((block) => block.writtenAtMs)).toEqual([noon, noon + 1, noon + 9]);
  });
});

describe('a journal that was damaged before its last block', () => {
  const corrupt = 'JOURNAL_CORRUPT';

  it('is refused whichever bit of a middle block is flipped', () => {
    for (let bit = firstEnd * 8; bit < secondEnd * 8; bit++) expect(recover(flipped(bit))).toBe(corrupt);
  });

  it('is refused whichever bit of the segment header is flipped', () => {
    for (let bit = 0; bit < 48 * 8; bit++) expect(recover(flipped(bit))).toBe(corrupt);
  });

  it('is refused when a block is zero, and is left as it is', () => {
    const storage = diskOf([[name, damaged((bytes) => bytes.fill(0, firstEnd, secondEnd))]]);
    const before = storage.bytesOf(name).slice();
    expect(() => recoverAll(storage)).toThrow(expect.objectContaining({ code: corrupt }));
    expect(storage.bytesOf(name)).toEqual(before);
  });

  it('is refused when blocks are exchanged', () => {
    const [first, second, third] = [segmentHeaderBytes, firstEnd, secondEnd];
    for (const [left, right] of [
      [first, second],
      [second, third],
      [first, third],
    ]) {
      const exchange = (bytes: Uint8Array) => {
        bytes.copyWithin(left, right, right + smallBlockBytes);
        bytes.set(three.whole.subarray(left, left + smallBlockBytes), right);
      };
      expect(recover(damaged(exchange))).toBe(corrupt);
    }
  });

  it('is refused when a block is repeated, in place of another or behind the last', () => {
    for (const from of [segmentHeaderBytes, firstEnd, secondEnd]) {
      for (const to of [segmentHeaderBytes, firstEnd, secondEnd, thirdEnd]) {
        if (from === to) continue;
        expect(recover(damaged((bytes) => bytes.copyWithin(to, from, from + smallBlockBytes)))).toBe(corrupt);
      }
    }
  });

  it("is refused when a block comes from another shard's journal or another history", () => {
    const other = journalOf({ bytes: 22 }, small, small);
    const foreign = damaged((bytes) => bytes.set(other.whole.subarray(secondEnd, thirdEnd), secondEnd));
    expect(recover(foreign)).toBe(corrupt);
  });
});
