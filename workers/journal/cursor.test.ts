import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { openJournalCursor, shardDirectory, StorageCursor } from './cursor.ts';
import { FileStorage } from './file-storage.ts';
import { errno, noon, openWriter, sectionsOf, testSegmentBytes, testShard, valueOf } from './journal.suite.ts';
import { MemoryStorage } from './memory-storage.ts';
import type { JournalCursor } from './types.ts';

/** More than half a segment: two of them never lie in one. */
const halfBytes = testSegmentBytes / 2;

function tags(cursor: JournalCursor): number[] {
  const found: number[] = [];
  for (let block = cursor.next(); block !== undefined; block = cursor.next()) {
    const { sections, writtenAtMs } = valueOf(block);
    expect(sections[0].text[0]).toBe(String.fromCharCode(writtenAtMs - noon));
    found.push(writtenAtMs - noon);
  }
  return found;
}

describe('a cursor', () => {
  it('follows a journal that grows, over the borders of segments', () => {
    const storage = new MemoryStorage();
    const cursor = new StorageCursor(storage, testShard, 0);
    expect(cursor.next()).toBeUndefined();
    const writer = openWriter(storage);
    expect(cursor.next()).toBeUndefined();
    let tag = 0;
    for (const bytes of [21, 21, halfBytes, 21, halfBytes, halfBytes, 21]) {
      tag += 1;
      writer.append(sectionsOf(tag, bytes), 1, noon + tag);
      expect(tags(cursor)).toEqual([tag]);
    }
    expect(storage.list().length).toBeGreaterThan(2);
    expect(tags(new StorageCursor(storage, testShard, 0))).toEqual([1, 2, 3, 4, 5, 6, 7]);
    cursor.close();
  });

  it('forgets what it read ahead: a block that was lost before its sync may have made way for another', () => {
    const storage = new MemoryStorage();
    const writer = openWriter(storage);
    writer.append(sectionsOf(1), 1, noon + 1);
    const cursor = new StorageCursor(storage, testShard, 0);
    storage.faults.onSync = () => {
      throw errno('EIO');
    };
    expect(() => writer.append(sectionsOf(2), 1, noon + 2)).toThrow('EIO');
    expect(cursor.next()?.lastPosition).toBe(1);
    storage.faults = {};
    storage.powerCut();
    openWriter(storage).append(sectionsOf(3), 1, noon + 3);
    cursor.refresh();
    expect(tags(cursor)).toEqual([3]);
  });

  it('starts at the block that holds the first position after the one it is given', () => {
    const storage = new MemoryStorage();
    const writer = openWriter(storage);
    const lastPositions: number[] = [];
    for (const [index, bytes] of [21, halfBytes, 21, halfBytes, 21].entries()) {
      const { lastPosition } = writer.append(sectionsOf(index + 1, bytes), 3, noon + index + 1);
      lastPositions.push(lastPosition);
    }
    for (let after = 0; after <= 15; after++) {
      const expected = [1, 2, 3, 4, 5].filter((tag) => lastPositions[tag - 1] > after);
      expect(tags(new StorageCursor(storage, testShard, after))).toEqual(expected);
    }
  });

  it('stops at a block that is torn, wherever it is, and goes on once it is whole', () => {
    const storage = new MemoryStorage();
    const name = 'segment-0000000001.journal';
    const writer = openWriter(storage);
    writer.append(sectionsOf(1), 1, noon + 1);
    const from = writer.place.offset;
    writer.append(sectionsOf(2), 1, noon + 2);
    const whole = storage.bytesOf(name).slice(from, writer.place.offset);
    const file = storage.open(name);
    for (let bytes = 0; bytes < whole.length - 3; bytes++) {
      file.write(new Uint8Array(whole.length), from);
      file.write(whole.subarray(0, bytes), from);
      const cursor = new StorageCursor(storage, testShard, 0);
      expect(tags(cursor)).toEqual([1]);
      file.write(whole, from);
      expect(tags(cursor)).toEqual([2]);
    }
  });

  it('reads files while a shard writes them, and waits for a folder that is not there yet', () => {
    const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'tapline-cursor-'));
    try {
      const cursor = openJournalCursor(directory, testShard, 0);
      expect(cursor.next()).toBeUndefined();
      const writer = openWriter(new FileStorage(shardDirectory(directory, testShard)));
      writer.append(sectionsOf(1), 1, noon + 1);
      expect(tags(cursor)).toEqual([1]);
      writer.append(sectionsOf(2), 1, noon + 2);
      expect(tags(cursor)).toEqual([2]);
      cursor.close();
      writer.close();
    } finally {
      fs.rmSync(directory, { recursive: true });
    }
  });
});
