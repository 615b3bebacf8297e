import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Storage } from './storage.ts';

export interface StorageUnderTest {
  readonly storage: Storage;
  /** The next write reaches the disk only in part. */
  readonly shortenNextWrite: (byBytes: number) => void;
  readonly dispose: () => void;
}

const bytes = (...values: number[]) => Uint8Array.from(values);

/** What every storage promises the journal. */
export function storageSuite(name: string, make: () => StorageUnderTest): void {
  describe(`${name} as storage`, () => {
    let test: StorageUnderTest;
    beforeEach(() => {
      test = make();
    });
    afterEach(() => test.dispose());

    const contentOf = (file: string) => {
      const opened = test.storage.open(file);
      const target = new Uint8Array(opened.size());
      expect(opened.read(target, 0)).toBe(target.length);
      opened.close();
      return [...target];
    };
    const make3 = (file: string) => {
      const created = test.storage.create(file);
      created.write(bytes(1, 2, 3), 0);
      created.sync();
      created.close();
      test.storage.syncDirectory();
    };

    it('lists, opens, empties and removes files', () => {
      expect(test.storage.list()).toEqual([]);
      expect(() => test.storage.open('a')).toThrow(expect.objectContaining({ code: 'ENOENT' }));
      make3('a');
      make3('b');
      expect(test.storage.list().sort()).toEqual(['a', 'b']);
      expect(contentOf('a')).toEqual([1, 2, 3]);
      test.storage.create('a').close();
      expect(contentOf('a')).toEqual([]);
      test.storage.remove('a');
      test.storage.remove('never there');
      expect(test.storage.list()).toEqual(['b']);
    });

    it('writes at an offset, and a gap reads as zeros', () => {
      make3('a');
      const file = test.storage.open('a');
      file.write(bytes(9), 1);
      file.write(bytes(7), 5);
      file.write(bytes(), 2);
      file.close();
      expect(contentOf('a')).toEqual([1, 9, 3, 0, 0, 7]);
    });

    it('answers how many bytes there were to read', () => {
      make3('a');
      const file = test.storage.open('a');
      const target = bytes(8, 8, 8, 8);
      expect(file.read(target, 1)).toBe(2);
      expect([...target]).toEqual([2, 3, 8, 8]);
      expect(file.read(target, 3)).toBe(0);
      file.close();
    });

    it('renames over what is there, and an open file goes with its name', () => {
      make3('a');
      make3('b');
      const file = test.storage.open('a');
      test.storage.rename('a', 'b');
      test.storage.syncDirectory();
      file.write(bytes(5), 0);
      file.close();
      expect(test.storage.list()).toEqual(['b']);
      expect(contentOf('b')).toEqual([5, 2, 3]);
      expect(() => test.storage.rename('a', 'c')).toThrow(expect.objectContaining({ code: 'ENOENT' }));
    });

    it('throws at a short write', () => {
      make3('a');
      const file = test.storage.open('a');
      test.shortenNextWrite(1);
      expect(() => file.write(bytes(6, 6, 6), 0)).toThrow(expect.objectContaining({ code: 'ESHORTWRITE' }));
      file.close();
      expect(contentOf('a')).toEqual([6, 6, 3]);
    });
  });
}
