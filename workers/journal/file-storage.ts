import fs from 'node:fs';
import path from 'node:path';
import type { Storage, StorageFile } from './storage.ts';

/** A folder of the real file system; made when it is missing, unless it is only to be read. */
export class FileStorage implements Storage {
  readonly directory: string;
  readonly #openMode: 'r' | 'r+';

  constructor(directory: string, mode: 'read' | 'write' = 'write') {
    this.directory = directory;
    this.#openMode = mode === 'read' ? 'r' : 'r+';
    if (mode === 'write') makeDirectory(path.resolve(directory));
  }

  list(): string[] {
    return fs.readdirSync(this.directory);
  }

  open(name: string): StorageFile {
    return new FileOnDisk(fs.openSync(path.join(this.directory, name), this.#openMode));
  }

  create(name: string): StorageFile {
    return new FileOnDisk(fs.openSync(path.join(this.directory, name), 'w+'));
  }

  rename(from: string, to: string): void {
    fs.renameSync(path.join(this.directory, from), path.join(this.directory, to));
  }

  remove(name: string): void {
    fs.rmSync(path.join(this.directory, name), { force: true });
  }

  syncDirectory(): void {
    syncDirectory(this.directory);
  }
}

/** Makes a folder and those above it. Their names are synced too: what lies in them is no more durable than they are. */
function makeDirectory(directory: string): void {
  const highest = path.resolve(fs.mkdirSync(directory, { recursive: true }) ?? directory);
  for (let made = directory; ; made = path.dirname(made)) {
    syncDirectory(path.dirname(made));
    if (made === highest) return;
  }
}

function syncDirectory(directory: string): void {
  const descriptor = fs.openSync(directory, 'r');
  try {
    fs.fsyncSync(descriptor);
  } finally {
    fs.closeSync(descriptor);
  }
}

class FileOnDisk implements StorageFile {
  readonly #descriptor: number;

  constructor(descriptor: number) {
    this.#descriptor = descriptor;
  }

  size(): number {
    return fs.fstatSync(this.#descriptor).size;
  }

  write(bytes: Uint8Array, offset: number): void {
    const written = fs.writeSync(this.#descriptor, bytes, 0, bytes.length, offset);
    if (written !== bytes.length) {
      // A full disk answers the first write short and only the next with ENOSPC.
      throw Object.assign(new Error(`short write: ${written} of ${bytes.length} bytes`), { code: 'ESHORTWRITE' });
    }
  }

  read(target: Uint8Array, offset: number): number {
    let filled = 0;
    while (filled < target.length) {
      const count = fs.readSync(this.#descriptor, target, filled, target.length - filled, offset + filled);
      if (count === 0) break;
      filled += count;
    }
    return filled;
  }

  sync(): void {
    fs.fdatasyncSync(this.#descriptor);
  }

  close(): void {
    fs.closeSync(this.#descriptor);
  }
}
