import path from 'node:path';
import { hasErrno } from '../errors.ts';
import { BlockReader, type ChainState } from './block-reader.ts';
import { FileStorage } from './file-storage.ts';
import { segmentHeaderBytes } from './limits.ts';
import { readSegmentHeader, segmentName, segmentNumbers, type SegmentHeader } from './segment.ts';
import type { Storage, StorageFile } from './storage.ts';
import type { JournalBlock, JournalCursor } from './types.ts';

/** Folder of one shard below the folder of all journals. */
export function shardDirectory(journalDirectory: string, shard: number): string {
  return path.join(journalDirectory, `shard-${String(shard).padStart(3, '0')}`);
}

/**
 * Opens a shard's journal for reading, at the first block that holds a position above `afterPosition`; also while the
 * shard is writing. What it gives may not be synced yet: who passes it on compares with the shard's durable position.
 */
export function openJournalCursor(journalDirectory: string, shard: number, afterPosition: number): JournalCursor {
  return new StorageCursor(new FileStorage(shardDirectory(journalDirectory, shard), 'read'), shard, afterPosition);
}

/** A cursor over any storage. */
export class StorageCursor implements JournalCursor {
  readonly #storage: Storage;
  readonly #shard: number;
  readonly #afterPosition: number;
  #file: StorageFile | undefined;
  #reader: BlockReader | undefined;
  #chain: ChainState | undefined;

  constructor(storage: Storage, shard: number, afterPosition: number) {
    this.#storage = storage;
    this.#shard = shard;
    this.#afterPosition = afterPosition;
  }

  next(): JournalBlock | undefined {
    for (;;) {
      const block = this.#nextAny();
      if (block === undefined || block.lastPosition > this.#afterPosition) return block;
    }
  }

  refresh(): void {
    this.#reader?.refresh();
  }

  close(): void {
    this.#file?.close();
    this.#file = undefined;
    this.#reader = undefined;
  }

  #nextAny(): JournalBlock | undefined {
    if (this.#reader === undefined && !this.#openFirst()) return undefined;
    for (;;) {
      const reader = this.#reader!;
      const chain = this.#chain!;
      let block = reader.next(chain);
      if (block === undefined) {
        // What was read ahead may have been written since.
        reader.refresh();
        block = reader.next(chain);
      }
      if (block !== undefined) return block;
      if (!this.#openNext(chain)) return undefined;
    }
  }

  #openFirst(): boolean {
    let found: SegmentHeader | undefined;
    for (const number of this.#segments()) {
      const header = this.#headerOf(number);
      if (header === undefined) break;
      if (found !== undefined && header.firstPosition > this.#afterPosition + 1) break;
      found = header;
    }
    if (found === undefined) return false;
    this.#use(found);
    return true;
  }

  #openNext(chain: ChainState): boolean {
    const header = this.#headerOf(chain.segmentNumber + 1);
    // The next segment exists before its first block; it is ours only if this one has been read to its end.
    if (header?.firstBlockNumber !== chain.blockNumber || header.previousChecksum !== chain.previousChecksum)
      return false;
    this.#use(header);
    return true;
  }

  #segments(): number[] {
    try {
      return segmentNumbers(this.#storage);
    } catch (error) {
      if (hasErrno(error, 'ENOENT')) return [];
      throw error;
    }
  }

  #headerOf(segmentNumber: number): SegmentHeader | undefined {
    let file: StorageFile;
    try {
      file = this.#storage.open(segmentName(segmentNumber));
    } catch (error) {
      if (hasErrno(error, 'ENOENT')) return undefined;
      throw error;
    }
    try {
      return readSegmentHeader(file);
    } finally {
      file.close();
    }
  }

  #use(header: SegmentHeader): void {
    this.#file?.close();
    this.#file = this.#storage.open(segmentName(header.segmentNumber));
    this.#reader = new BlockReader(this.#file, segmentHeaderBytes);
    this.#chain = {
      shard: this.#shard,
      segmentNumber: header.segmentNumber,
      blockNumber: header.firstBlockNumber,
      firstPosition: header.firstPosition,
      previousChecksum: header.previousChecksum,
    };
  }
}
