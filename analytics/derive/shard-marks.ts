import { SectionType, type JournalBlock, type JournalCursor } from '../../workers/journal/types.ts';
import type { Batch } from '../sink/batch.ts';
import { nothingTouched, touchTaps, touchTransfers } from './touched.ts';
import type { Touched } from './types.ts';

export interface ShardMarksParts {
  readonly shard: number;
  /** Everything up to here was marked and derived in an earlier life. */
  readonly derivedPosition: number;
  readonly openCursor: (afterPosition: number) => JournalCursor;
  /** Marks what rows from a position on touch; false when there is no room, and nothing was marked. */
  readonly mark: (shard: number, position: number, touched: Touched) => boolean;
}

/**
 * What a shard's stored rows touch, marked each once and in their order: from the batch that was just stored while it
 * follows on what is marked, else (after a start, or when there was no room) from the journal again.
 */
export class ShardMarks {
  readonly #parts: ShardMarksParts;
  #markedUpTo: number;
  #storedPosition = 0;
  #journal: JournalCursor | undefined;
  #journalEndsAt = 0;

  constructor(parts: ShardMarksParts) {
    this.#parts = parts;
    this.#markedUpTo = parts.derivedPosition;
  }

  get markedUpTo(): number {
    return this.#markedUpTo;
  }

  get isBehind(): boolean {
    return this.#markedUpTo < this.#storedPosition;
  }

  /** A batch is stored; its bytes are good until this comes back. */
  follow(batch: Batch): void {
    const isNext = this.#markedUpTo === batch.from - 1;
    this.#storedPosition = Math.max(this.#storedPosition, batch.to);
    if (!isNext) return;
    const touched = nothingTouched();
    for (const part of batch.parts) (part.table === 'tap' ? touchTaps : touchTransfers)(touched, part.bytes);
    if (this.#parts.mark(this.#parts.shard, batch.from, touched)) this.#markedUpTo = batch.to;
  }

  /** Everything up to here is stored, as the sink found it at its start. */
  stored(position: number): void {
    this.#storedPosition = Math.max(this.#storedPosition, position);
  }

  /** Marks what about `bytesMax` of the journal touch; false when there is no room or nothing to read. */
  scan(bytesMax: number): boolean {
    let bytes = 0;
    while (this.isBehind && bytes < bytesMax) {
      const block = this.#nextBlock();
      if (block === undefined) return false;
      const touched = touchedBy(block);
      if (!this.#parts.mark(this.#parts.shard, block.firstPosition, touched)) {
        this.close();
        return false;
      }
      this.#markedUpTo = block.lastPosition;
      for (const section of block.sections) bytes += section.bytes.byteLength;
    }
    if (!this.isBehind) this.close();
    return bytes > 0;
  }

  close(): void {
    this.#journal?.close();
    this.#journal = undefined;
  }

  /** Only stored blocks: what lies behind may not be synced. A cursor reads ahead, so each is good for what was stored then. */
  #nextBlock(): JournalBlock | undefined {
    if (this.#markedUpTo >= this.#journalEndsAt) this.close();
    if (this.#journal === undefined) {
      this.#journal = this.#parts.openCursor(this.#markedUpTo);
      this.#journalEndsAt = this.#storedPosition;
    }
    const block = this.#journal.next();
    if (block !== undefined && block.lastPosition <= this.#journalEndsAt) return block;
    this.close();
    return undefined;
  }
}

function touchedBy(block: JournalBlock): Touched {
  const touched = nothingTouched();
  for (const { type, bytes } of block.sections) {
    if (type === SectionType.taps) touchTaps(touched, bytes);
    if (type === SectionType.transfers) touchTransfers(touched, bytes);
  }
  return touched;
}
