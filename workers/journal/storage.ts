/**
 * What the journal asks of a disk: a flat folder of files. Everything is synchronous, because a shard has nothing else to
 * do while its batch is being made durable. Implementations: `file-storage.ts` and, with faults, `memory-storage.ts`;
 * `storage.suite.ts` holds both to the same promises.
 */
export interface Storage {
  /** Names of the files, in no order. */
  list(): string[];
  /** Opens an existing file for reading and writing. Throws ENOENT. */
  open(name: string): StorageFile;
  /** Makes an empty file, or empties the one that is there. Its name is durable only after `syncDirectory`. */
  create(name: string): StorageFile;
  /** Gives a file another name, atomically; durable only after `syncDirectory`. */
  rename(from: string, to: string): void;
  remove(name: string): void;
  syncDirectory(): void;
}

export interface StorageFile {
  size(): number;
  /** Writes all bytes at an offset, or throws: a short write is a failed write. */
  write(bytes: Uint8Array, offset: number): void;
  /** Fills `target` from an offset on; answers how many bytes there were. */
  read(target: Uint8Array, offset: number): number;
  /** Returns when all that was written is on the medium. After a failure the file must be closed and read again. */
  sync(): void;
  close(): void;
}
