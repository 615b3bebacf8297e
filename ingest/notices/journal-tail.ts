import { shardDirectory, openJournalCursor } from '../../workers/journal/cursor.ts';
import { FileStorage } from '../../workers/journal/file-storage.ts';
import { readSegmentHeader, segmentName, segmentNumbers } from '../../workers/journal/segment.ts';
import type { JournalBlock, JournalCursor } from '../../workers/journal/types.ts';

/**
 * Follows one shard's journal, one block a call, so that whoever shares the thread is not kept waiting; also through the
 * blocks before the position that was asked for, which a cursor of that position would pass over in one call.
 */
export class JournalTail {
  readonly #journalDirectory: string;
  readonly #shard: number;
  /** Passed on up to here; whoever takes a block moves it on. */
  position: number;
  #cursor: JournalCursor | undefined;
  #durable = 0;

  constructor(journalDirectory: string, shard: number, position: number) {
    this.#journalDirectory = journalDirectory;
    this.#shard = shard;
    this.position = position;
  }

  /** The next block up to a durable position, or one that was passed on before; undefined if there is none. */
  next(durable: number): JournalBlock | undefined {
    if (this.position >= durable) return undefined;
    this.#cursor ??= openJournalCursor(this.#journalDirectory, this.#shard, this.#segmentStart() - 1);
    // What was read ahead of the durable position may have been lost in a crash, and written otherwise since.
    if (durable !== this.#durable) this.#cursor.refresh();
    this.#durable = durable;
    return this.#cursor.next();
  }

  close(): void {
    this.#cursor?.close();
    this.#cursor = undefined;
  }

  /** First position of the newest segment that begins at or before the next position. */
  #segmentStart(): number {
    const storage = new FileStorage(shardDirectory(this.#journalDirectory, this.#shard), 'read');
    for (const number of segmentNumbers(storage).reverse()) {
      const file = storage.open(segmentName(number));
      try {
        const header = readSegmentHeader(file);
        if (header !== undefined && header.firstPosition <= this.position + 1) return header.firstPosition;
      } finally {
        file.close();
      }
    }
    return 1;
  }
}
