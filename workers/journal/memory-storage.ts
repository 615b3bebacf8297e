import type { Storage, StorageFile } from './storage.ts';

/** What can go wrong: `write` and `sync` are asked before each call and may throw; a write may be cut short on "disk". */
export interface StorageFaults {
  /** Called before a write; may throw an errno error. A number answers how many bytes reach the disk before it throws. */
  onWrite?(name: string, bytes: number): number | undefined;
  onSync?(name: string): void;
  onSyncDirectory?(): void;
}

interface Contents {
  /** What a read sees (the page cache). */
  cached: Uint8Array;
  /** What a power cut leaves. */
  synced: Uint8Array;
}

/** A disk in memory for tests: it forgets what was not synced on `powerCut()`, and fails when `faults` says so. */
export class MemoryStorage implements Storage {
  faults: StorageFaults = {};
  #files = new Map<string, Contents>();
  #syncedNames = new Map<string, Contents>();

  list(): string[] {
    return [...this.#files.keys()];
  }

  open(name: string): StorageFile {
    const contents = this.#files.get(name);
    if (contents === undefined) throw Object.assign(new Error(`no file ${name}`), { code: 'ENOENT' });
    return new FileInMemory(this, name, contents);
  }

  create(name: string): StorageFile {
    const contents = { cached: new Uint8Array(0), synced: new Uint8Array(0) };
    this.#files.set(name, contents);
    return new FileInMemory(this, name, contents);
  }

  rename(from: string, to: string): void {
    const contents = this.#files.get(from);
    if (contents === undefined) throw Object.assign(new Error(`no file ${from}`), { code: 'ENOENT' });
    this.#files.delete(from);
    this.#files.set(to, contents);
  }

  remove(name: string): void {
    this.#files.delete(name);
  }

  syncDirectory(): void {
    this.faults.onSyncDirectory?.();
    this.#syncedNames = new Map(this.#files);
  }

  /** The machine loses power: names and bytes fall back to what was synced. */
  powerCut(): void {
    this.#files = new Map(this.#syncedNames);
    for (const contents of this.#files.values()) contents.cached = contents.synced.slice();
  }

  /** The bytes that a reader would see, for tests that damage them in place. */
  bytesOf(name: string): Uint8Array {
    const contents = this.#files.get(name);
    if (contents === undefined) throw new Error(`no file ${name}`);
    return contents.cached;
  }
}

class FileInMemory implements StorageFile {
  readonly #storage: MemoryStorage;
  readonly #name: string;
  readonly #contents: Contents;

  constructor(storage: MemoryStorage, name: string, contents: Contents) {
    this.#storage = storage;
    this.#name = name;
    this.#contents = contents;
  }

  size(): number {
    return this.#contents.cached.length;
  }

  write(bytes: Uint8Array, offset: number): void {
    const reached = this.#storage.faults.onWrite?.(this.#name, bytes.length);
    const part = reached === undefined ? bytes : bytes.subarray(0, reached);
    const end = offset + part.length;
    if (end > this.#contents.cached.length) {
      const grown = new Uint8Array(end);
      grown.set(this.#contents.cached);
      this.#contents.cached = grown;
    }
    this.#contents.cached.set(part, offset);
    if (reached !== undefined) throw Object.assign(new Error('short write'), { code: 'ESHORTWRITE' });
  }

  read(target: Uint8Array, offset: number): number {
    const part = this.#contents.cached.subarray(offset, offset + target.length);
    target.set(part);
    return part.length;
  }

  sync(): void {
    this.#storage.faults.onSync?.(this.#name);
    this.#contents.synced = this.#contents.cached.slice();
  }

  close(): void {
    // Nothing is held.
  }
}
