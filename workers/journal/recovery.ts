import { OperatorError } from '../errors.ts';
import { BlockReader, type ChainState, follows } from './block-reader.ts';
import { blockMagic, decodeHeader } from './block.ts';
import { blockHeaderBytes, preallocationChunkBytes, segmentHeaderBytes } from './limits.ts';
import { readSegmentHeader, segmentName, segmentNumbers } from './segment.ts';
import type { Storage, StorageFile } from './storage.ts';
import type { JournalBlock } from './types.ts';

/** A place in the journal: which block comes next, and where. A snapshot names one. */
export interface JournalPlace {
  readonly chain: ChainState;
  readonly offset: number;
}

export interface RecoveryProgress {
  readonly blocks: number;
  readonly lastPosition: number;
}

export interface Recovered {
  /** Where the next block goes; undefined for a journal without any segment. */
  readonly place: JournalPlace | undefined;
  readonly blocks: number;
  /** Bytes of a torn tail that were cleared. */
  readonly clearedBytes: number;
}

export interface RecoveryOptions {
  readonly storage: Storage;
  readonly shard: number;
  /** Where to begin (from a snapshot), or undefined for the journal's start. */
  readonly from: JournalPlace | undefined;
  readonly apply: (block: JournalBlock) => void;
  readonly onProgress?: (progress: RecoveryProgress) => void;
  /** Only looks: a torn tail is counted, not cleared. */
  readonly readOnly?: boolean;
}

const blocksPerProgressReport = 10_000;

/**
 * Reads the journal from a place to its last whole block and clears a torn tail.
 *
 * A write is begun only after the one before it was synced, so a block that is not whole and has nothing whole behind it
 * was never acknowledged: it is cleared. A block that is not whole but has a later one behind it was acknowledged and has
 * been damaged since: that is refused with JOURNAL_CORRUPT, because cutting there would forget acknowledged taps. So is a
 * whole block that does not belong there, such as a repeated one.
 */
export function recoverJournal(options: RecoveryOptions): Recovered {
  const { storage } = options;
  const numbers = segmentNumbers(storage);
  const start = options.from ?? firstPlace(options, numbers);
  if (start === undefined) return { place: undefined, blocks: 0, clearedBytes: 0 };
  const chain = { ...start.chain };
  let offset = start.offset;
  let blocks = 0;
  for (;;) {
    const file = openSegment(storage, chain);
    try {
      const reader = new BlockReader(file, offset);
      const last = readSegment(reader, chain, options, blocks);
      blocks += last.count;
      offset = reader.offset;
      if (chain.segmentNumber >= numbers[numbers.length - 1]) {
        if (options.readOnly !== true) {
          // The segment may have got its name just before the crash: blocks in it are no more durable than its name.
          storage.syncDirectory();
          if (last.count > 0) rewrite(file, last.offset, offset);
        }
        const clearedBytes = clearTornTail(file, chain, offset, options.readOnly ?? false);
        return { place: { chain, offset }, blocks, clearedBytes };
      }
    } finally {
      file.close();
    }
    chain.segmentNumber += 1;
    offset = segmentHeaderBytes;
  }
}

interface SegmentRead {
  readonly count: number;
  /** Where the last block begins. */
  readonly offset: number;
}

function readSegment(reader: BlockReader, chain: ChainState, options: RecoveryOptions, before: number): SegmentRead {
  let count = 0;
  let offset = reader.offset;
  let next = reader.offset;
  for (let block = reader.next(chain); block !== undefined; block = reader.next(chain)) {
    options.apply(block);
    count += 1;
    offset = next;
    next = reader.offset;
    if ((before + count) % blocksPerProgressReport === 0) {
      options.onProgress?.({ blocks: before + count, lastPosition: block.lastPosition });
    }
  }
  return { count, offset };
}

/**
 * Writes the last whole block again and syncs it. It may have been written and never synced, or its sync may have failed,
 * after which Linux can show it in the page cache as if it were on the medium. Its taps are answered from now on, so it
 * has to be there. Every block before it was synced before this one was begun.
 */
function rewrite(file: StorageFile, from: number, to: number): void {
  const bytes = new Uint8Array(to - from);
  file.read(bytes, from);
  file.write(bytes, from);
  file.sync();
}

function firstPlace(options: RecoveryOptions, numbers: readonly number[]): JournalPlace | undefined {
  if (numbers.length === 0) return undefined;
  if (numbers[0] !== 1) {
    throw corrupt(options.shard, numbers[0], 0, 'no whole snapshot reaches back to where the journal begins');
  }
  const chain = { shard: options.shard, segmentNumber: 1, blockNumber: 1, firstPosition: 1, previousChecksum: 0 };
  return { chain, offset: segmentHeaderBytes };
}

function openSegment(storage: Storage, chain: ChainState): StorageFile {
  const name = segmentName(chain.segmentNumber);
  if (!storage.list().includes(name)) throw corrupt(chain.shard, chain.segmentNumber, 0, 'the segment is missing');
  const file = storage.open(name);
  const header = readSegmentHeader(file);
  const isSame = header?.shard === chain.shard && header.segmentNumber === chain.segmentNumber;
  if (header === undefined || !isSame) {
    file.close();
    throw corrupt(chain.shard, chain.segmentNumber, 0, 'the segment header is damaged');
  }
  // A snapshot's place may lie inside the segment; a later segment has to begin where the one before ended.
  if (header.firstBlockNumber > chain.blockNumber) {
    file.close();
    throw corrupt(chain.shard, chain.segmentNumber, 0, `blocks from ${chain.blockNumber} on are missing`);
  }
  return file;
}

function clearTornTail(file: StorageFile, chain: ChainState, from: number, readOnly: boolean): number {
  const size = file.size();
  const chunk = new Uint8Array(preallocationChunkBytes + blockHeaderBytes);
  let firstDirty = -1;
  let lastDirty = -1;
  for (let offset = from; offset < size; offset += preallocationChunkBytes) {
    const bytes = chunk.subarray(0, file.read(chunk, offset));
    refuseOtherBlock(bytes, chain, offset);
    for (let index = 0; index < bytes.length; index++) {
      if (bytes[index] === 0) continue;
      if (firstDirty < 0) firstDirty = offset + index;
      lastDirty = offset + index;
    }
  }
  if (firstDirty < 0) return 0;
  if (!readOnly) {
    file.write(new Uint8Array(lastDirty + 1 - from), from);
    file.sync();
  }
  return lastDirty + 1 - from;
}

/**
 * Throws if the whole header of a block other than the next lies in these bytes, which begin on a multiple of 8. A torn
 * write leaves no header that is whole but its own; a later one was acknowledged, any other was put there by something
 * else, and neither may be cleared.
 */
function refuseOtherBlock(bytes: Uint8Array, chain: ChainState, offset: number): void {
  const words = new Int32Array(bytes.buffer, bytes.byteOffset, bytes.length >>> 2);
  for (let word = 0; word < words.length; word += 2) {
    if (words[word] !== blockMagic) continue;
    const header = decodeHeader(bytes.subarray(word * 4));
    if (header === undefined || follows(header, chain)) continue;
    const what = `block ${chain.blockNumber} is not whole, yet the header of block ${header.blockNumber} at ${offset + word * 4} is`;
    throw corrupt(chain.shard, chain.segmentNumber, offset, what);
  }
}

function corrupt(shard: number, segmentNumber: number, offset: number, what: string): OperatorError {
  return new OperatorError(
    'JOURNAL_CORRUPT',
    `shard ${shard}, segment ${segmentNumber}, byte ${offset}: ${what}`,
    'Keep the data directory as it is and restore it from a copy; "journal verify" shows the last good position.',
  );
}
