import { BlockEncoder, type SectionToWrite } from './block.ts';
import type { ChainState } from './block-reader.ts';
import { blockBytesMax, preallocationChunkBytes, segmentBytesDefault, segmentHeaderBytes } from './limits.ts';
import type { JournalPlace } from './recovery.ts';
import { segmentName, SparePreallocation } from './segment.ts';
import type { Storage, StorageFile } from './storage.ts';

/** What an append made durable. */
export interface Appended {
  readonly firstPosition: number;
  readonly lastPosition: number;
  readonly bytes: number;
}

/**
 * The only writer of a journal. `append` returns when the block is on the medium; after any failure it refuses to go on,
 * because the state of the file is then known only to the disk: the shard has to be recovered.
 */
export class JournalWriter {
  readonly #segmentBytes: number;
  readonly #spare: SparePreallocation;
  readonly #encoder = new BlockEncoder();
  readonly #chain: ChainState;
  #file: StorageFile;
  #fileBytes: number;
  #offset: number;
  /** After a failed preparation: where in this segment the next is worth a try. */
  #prepareFrom = 0;
  #failed = false;

  private constructor(storage: Storage, segmentBytes: number, place: JournalPlace, spare: SparePreallocation) {
    this.#segmentBytes = segmentBytes;
    this.#chain = { ...place.chain };
    this.#offset = place.offset;
    this.#spare = spare;
    this.#file = storage.open(segmentName(place.chain.segmentNumber));
    this.#fileBytes = this.#file.size();
  }

  /** Goes on at the place where recovery ended, or begins a journal if there is none. */
  static open(storage: Storage, shard: number, place: JournalPlace | undefined, segmentBytes = segmentBytesDefault) {
    if (segmentBytes < segmentHeaderBytes + blockBytesMax)
      throw new RangeError('a segment must hold the largest block');
    const spare = new SparePreallocation(storage, segmentBytes);
    if (place !== undefined) return new JournalWriter(storage, segmentBytes, place, spare);
    const chain = { shard, segmentNumber: 1, blockNumber: 1, firstPosition: 1, previousChecksum: 0 };
    spare.take(headerOf(chain)).close();
    return new JournalWriter(storage, segmentBytes, { chain, offset: segmentHeaderBytes }, spare);
  }

  /** Where the next block goes; a snapshot taken now names it. */
  get place(): JournalPlace {
    return { chain: { ...this.#chain }, offset: this.#offset };
  }

  get lastPosition(): number {
    return this.#chain.firstPosition - 1;
  }

  /** Position that the next record will have. */
  get nextPosition(): number {
    return this.#chain.firstPosition;
  }

  /** Writes one block and syncs it. Throws the system's error; nothing of the block may then be acknowledged. */
  append(sections: readonly SectionToWrite[], recordCount: number, nowMs: number): Appended {
    if (this.#failed) throw new Error('the journal failed before and has to be recovered');
    this.#failed = true;
    const size = BlockEncoder.size(sections);
    if (this.#offset + size > this.#fileBytes) this.#roll();
    const identity = { ...this.#chain, recordCount, writtenAtMs: nowMs };
    const bytes = this.#encoder.encode(identity, sections);
    this.#file.write(bytes, this.#offset);
    this.#file.sync();
    const firstPosition = this.#chain.firstPosition;
    this.#offset += size;
    this.#chain.blockNumber += 1;
    this.#chain.firstPosition += recordCount;
    this.#chain.previousChecksum = this.#encoder.headerChecksum;
    this.#failed = false;
    return { firstPosition, lastPosition: firstPosition + recordCount - 1, bytes: size };
  }

  /** True once a quarter of this segment is used and the next is not all there. */
  get wantsPrepare(): boolean {
    return this.#offset > this.#fileBytes / 4 && this.#offset >= this.#prepareFrom && !this.#spare.isWhole;
  }

  /**
   * Prepares a piece of the next segment. A failure, on a full disk say, harms nothing: this segment still has room, no
   * block is in the spare, and it is tried again when more of this one is used.
   */
  prepareAhead(): void {
    if (!this.wantsPrepare) return;
    try {
      this.#spare.step();
    } catch {
      this.#prepareFrom = this.#offset + preallocationChunkBytes;
    }
  }

  close(): void {
    this.#failed = true;
    this.#file.close();
    this.#spare.close();
  }

  #roll(): void {
    this.#chain.segmentNumber += 1;
    const next = this.#spare.take(headerOf(this.#chain));
    this.#file.close();
    this.#file = next;
    this.#fileBytes = this.#segmentBytes;
    this.#offset = segmentHeaderBytes;
    this.#prepareFrom = 0;
  }
}

function headerOf(chain: ChainState) {
  return {
    shard: chain.shard,
    segmentNumber: chain.segmentNumber,
    firstBlockNumber: chain.blockNumber,
    firstPosition: chain.firstPosition,
    previousChecksum: chain.previousChecksum,
  };
}
