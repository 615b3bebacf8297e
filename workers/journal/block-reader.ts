import { type BlockHeader, decodeHeader, decodePayload } from './block.ts';
import { blockBytesMax, blockHeaderBytes } from './limits.ts';
import type { StorageFile } from './storage.ts';
import type { JournalBlock } from './types.ts';

/** Bytes that are read at once: the largest block fits, small ones come by the thousand. */
const windowBytes = blockBytesMax;

/** Where the chain of blocks stands: what the next block has to say of itself. */
export interface ChainState {
  readonly shard: number;
  segmentNumber: number;
  blockNumber: number;
  firstPosition: number;
  previousChecksum: number;
}

/** Reads blocks of one segment through a window, and checks each against the chain. */
export class BlockReader {
  readonly #file: StorageFile;
  readonly #window = new Uint8Array(windowBytes);
  #windowStart = 0;
  #windowLength = 0;
  /** Offset of the next block in the file. */
  offset: number;

  constructor(file: StorageFile, offset: number) {
    this.#file = file;
    this.offset = offset;
  }

  /** The next block if it is whole and next in the chain, which then moves on; undefined otherwise. */
  next(chain: ChainState): JournalBlock | undefined {
    const header = this.#header(chain);
    if (header === undefined) return undefined;
    const size = blockHeaderBytes + header.payloadBytes;
    const bytes = this.#view(this.offset, size);
    if (bytes === undefined) return undefined;
    const block = decodePayload(header, bytes.subarray(blockHeaderBytes));
    if (block === undefined) return undefined;
    this.offset += size;
    chain.blockNumber += 1;
    chain.firstPosition += header.recordCount;
    chain.previousChecksum = header.headerChecksum;
    return block;
  }

  /** Forgets what was read ahead: the file may have grown since. */
  refresh(): void {
    this.#windowLength = 0;
  }

  #header(chain: ChainState): BlockHeader | undefined {
    const bytes = this.#view(this.offset, blockHeaderBytes);
    if (bytes === undefined) return undefined;
    const header = decodeHeader(bytes);
    if (header === undefined || header.payloadBytes > blockBytesMax - blockHeaderBytes) return undefined;
    return follows(header, chain) ? header : undefined;
  }

  #view(offset: number, length: number): Uint8Array | undefined {
    if (offset < this.#windowStart || offset + length > this.#windowStart + this.#windowLength) {
      this.#windowStart = offset;
      this.#windowLength = this.#file.read(this.#window, offset);
      if (length > this.#windowLength) return undefined;
    }
    const start = offset - this.#windowStart;
    return this.#window.subarray(start, start + length);
  }
}

/** True for the header of the block that comes next in the chain. */
export function follows(header: BlockHeader, chain: ChainState): boolean {
  return (
    header.shard === chain.shard &&
    header.segmentNumber === chain.segmentNumber &&
    header.blockNumber === chain.blockNumber &&
    header.firstPosition === chain.firstPosition &&
    header.previousChecksum === chain.previousChecksum
  );
}
