import { describe, expect, it } from 'vitest';
import { errno } from './journal.suite.ts';
import { MemoryStorage } from './memory-storage.ts';
import { storageSuite } from './storage.suite.ts';

storageSuite('MemoryStorage', () => {
  const storage = new MemoryStorage();
  const shortenNextWrite = (byBytes: number) => {
    storage.faults.onWrite = (_, bytes) => {
      storage.faults = {};
      return bytes - byBytes;
    };
  };
  return { storage, shortenNextWrite, dispose: () => undefined };
});

describe('MemoryStorage', () => {
  it('forgets bytes and names that were not synced when the power is cut', () => {
    const storage = new MemoryStorage();
    const kept = storage.create('kept');
    kept.write(Uint8Array.of(1, 2), 0);
    kept.sync();
    storage.syncDirectory();
    kept.write(Uint8Array.of(9), 0);
    storage.create('lost').sync();
    storage.rename('kept', 'renamed');
    storage.powerCut();
    expect(storage.list()).toEqual(['kept']);
    expect([...storage.bytesOf('kept')]).toEqual([1, 2]);
  });

  it('fails as told, and then has synced nothing', () => {
    const storage = new MemoryStorage();
    const file = storage.create('a');
    storage.syncDirectory();
    file.write(Uint8Array.of(1), 0);
    storage.faults.onSync = () => {
      throw errno('EIO');
    };
    expect(() => file.sync()).toThrow(expect.objectContaining({ code: 'EIO' }));
    storage.powerCut();
    expect([...storage.bytesOf('a')]).toEqual([]);
  });
});
