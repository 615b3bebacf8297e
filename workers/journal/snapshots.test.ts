import { describe, expect, it } from 'vitest';
import { errno } from './journal.suite.ts';
import { MemoryStorage } from './memory-storage.ts';
import { readNewestSnapshot, type Snapshot, snapshotName, snapshotPositions, writeSnapshot } from './snapshots.ts';

function snapshotAt(position: number): Snapshot {
  const chain = {
    shard: 3,
    segmentNumber: 1,
    blockNumber: position,
    firstPosition: position + 1,
    previousChecksum: 4_000_000_000,
  };
  const columns = new Map([
    ['one', Uint8Array.of(position, 2, 3)],
    ['none', new Uint8Array(0)],
    ['two', new Uint8Array(20).fill(position)],
  ]);
  return { place: { chain, offset: 4096 }, meta: { position }, columns };
}

function storageWith(...positions: number[]): MemoryStorage {
  const storage = new MemoryStorage();
  for (const position of positions) writeSnapshot(storage, snapshotAt(position));
  return storage;
}

describe('snapshots', () => {
  it('come back whole, the newest first, and only the last ones are kept', () => {
    const storage = storageWith(5, 6, 7);
    storage.powerCut();
    expect(readNewestSnapshot(storage)).toEqual(snapshotAt(7));
    expect(snapshotPositions(storage)).toContain(6);
    expect(snapshotPositions(new MemoryStorage())).toEqual([]);
    expect(readNewestSnapshot(new MemoryStorage())).toBeUndefined();
  });

  it('are passed over when any bit is flipped or any byte is missing', () => {
    const storage = storageWith(5, 6);
    const bytes = storage.bytesOf(snapshotName(6));
    const whole = bytes.slice();
    const reservedBits = [20 * 8, 32 * 8];
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      if (bit >= reservedBits[0] && bit < reservedBits[1]) continue;
      bytes[bit >>> 3] ^= 1 << (bit & 7);
      expect(readNewestSnapshot(storage)?.meta).toEqual({ position: 5 });
      bytes.set(whole);
    }
    for (let end = 0; end < whole.length; end++) {
      storage.create(snapshotName(6)).write(whole.subarray(0, end), 0);
      expect(readNewestSnapshot(storage)?.meta).toEqual({ position: 5 });
    }
  });

  it('leave the old one in place when writing fails at any call', () => {
    for (let calls = 0; ; calls++) {
      const storage = storageWith(5);
      let left = calls;
      const fail = () => {
        if (left-- === 0) throw errno('ENOSPC');
        return undefined;
      };
      storage.faults = { onWrite: fail, onSync: fail, onSyncDirectory: fail };
      let isWritten = true;
      try {
        writeSnapshot(storage, snapshotAt(6));
      } catch {
        isWritten = false;
      }
      storage.faults = {};
      storage.powerCut();
      expect(readNewestSnapshot(storage)).toEqual(snapshotAt(isWritten ? 6 : 5));
      if (isWritten) return expect(calls).toBeGreaterThan(5);
    }
  });
});
