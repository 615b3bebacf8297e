import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { FileStorage } from './file-storage.ts';
import { storageSuite } from './storage.suite.ts';

const temporary = () => fs.mkdtempSync(path.join(os.tmpdir(), 'tapline-storage-'));

afterEach(() => vi.restoreAllMocks());

storageSuite('FileStorage', () => {
  const directory = temporary();
  return {
    storage: new FileStorage(path.join(directory, 'files')),
    shortenNextWrite: (byBytes) => {
      const write = fs.writeSync.bind(fs) as (...args: unknown[]) => number;
      const shortened = (...args: unknown[]) =>
        write(args[0], args[1], args[2], (args[3] as number) - byBytes, args[4]);
      vi.spyOn(fs, 'writeSync').mockImplementationOnce(shortened);
    },
    dispose: () => fs.rmSync(directory, { recursive: true }),
  };
});

describe('FileStorage', () => {
  it('syncs every folder that it gives a new name in', () => {
    const directory = temporary();
    const opened = vi.spyOn(fs, 'openSync');
    const synced = vi.spyOn(fs, 'fsyncSync');
    new FileStorage(path.join(directory, 'journal', 'shard-000'));
    const folders = opened.mock.calls.map(([folder]) => folder);
    expect(folders).toEqual([path.join(directory, 'journal'), directory]);
    expect(synced).toHaveBeenCalledTimes(2);
    fs.rmSync(directory, { recursive: true });
  });

  it('makes no folder that is only to be read', () => {
    const directory = path.join(os.tmpdir(), 'tapline-storage-missing');
    expect(() => new FileStorage(directory, 'read').list()).toThrow(expect.objectContaining({ code: 'ENOENT' }));
    expect(fs.existsSync(directory)).toBe(false);
  });
});
