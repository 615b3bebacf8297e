import { hasErrno } from '../../workers/errors.ts';
import { openJournalCursor, shardDirectory } from '../../workers/journal/cursor.ts';
import { FileStorage } from '../../workers/journal/file-storage.ts';
import { readSegmentHeader, segmentName, segmentNumbers } from '../../workers/journal/segment.ts';
import { TapOffset, TapRecords } from '../../workers/journal/tap-record.ts';
import { type JournalBlock, SectionType } from '../../workers/journal/types.ts';
import { Code } from '../../workers/ledger/codes.ts';
import type { TapFacts } from '../../workers/ledger/command-types.ts';
import type { TapIdentity } from '../../workers/pool/messages.ts';
import { BlockFacts } from './tap-facts.ts';

/** A stretch of one shard's journal, both ends included. */
export interface Stretch {
  readonly shard: number;
  readonly firstPosition: number;
  readonly lastPosition: number;
}

/** One stretch for each segment that holds a position up to `durablePosition`, in order. */
export function segmentsOf(directory: string, shard: number, durablePosition: number): Stretch[] {
  const starts = segmentStarts(directory, shard).filter((start) => start <= durablePosition);
  return starts.map((firstPosition, index) => {
    const lastPosition = (starts[index + 1] ?? durablePosition + 1) - 1;
    return { shard, firstPosition, lastPosition };
  });
}

function segmentStarts(directory: string, shard: number): number[] {
  try {
    const storage = new FileStorage(shardDirectory(directory, shard), 'read');
    return segmentNumbers(storage).flatMap((number) => {
      const file = storage.open(segmentName(number));
      try {
        return readSegmentHeader(file)?.firstPosition ?? [];
      } finally {
        file.close();
      }
    });
  } catch (error) {
    if (hasErrno(error, 'ENOENT')) return [];
    throw error;
  }
}

/** Reads the taps at these positions, each segment once. Undefined where no tap is, or none that has its identity for itself. */
export function readTaps(directory: string, shard: number, positions: readonly number[]): (TapFacts | undefined)[] {
  const wanted = [...new Set(positions)].sort((left, right) => left - right);
  const found = new Map<number, TapFacts>();
  for (const { firstPosition, lastPosition } of segmentsOf(directory, shard, wanted.at(-1) ?? 0)) {
    const ofSegment = wanted.filter((position) => position >= firstPosition && position <= lastPosition);
    if (ofSegment.length === 0) continue;
    const stretch = { shard, firstPosition: ofSegment[0], lastPosition: ofSegment.at(-1)! };
    const isWanted = new Set(ofSegment);
    for (const block of blocksOf(directory, stretch)) {
      const facts = new BlockFacts(block);
      for (const { records, row } of ownTaps(block)) {
        const position = records.getI64(row, TapOffset.position);
        if (isWanted.has(position)) found.set(position, facts.of(records, row));
      }
    }
  }
  return positions.map((position) => found.get(position));
}

/** Looks through a stretch for taps of these identities. Undefined where none is. */
export function searchTaps(
  directory: string,
  stretch: Stretch,
  identities: readonly TapIdentity[],
): (TapFacts | undefined)[] {
  const found = new Map<string, TapFacts>();
  const index = new IdentityIndex(identities);
  for (const block of blocksOf(directory, stretch)) {
    const facts = new BlockFacts(block);
    for (const { records, row } of ownTaps(block)) {
      const key = index.keyOf(records, row);
      if (key !== undefined) found.set(key, facts.of(records, row));
    }
  }
  return identities.map((identity) => found.get(identityKey(identity)));
}

/** The blocks that hold a stretch. */
export function* blocksOf(directory: string, { shard, firstPosition, lastPosition }: Stretch): Generator<JournalBlock> {
  const cursor = openJournalCursor(directory, shard, firstPosition - 1);
  try {
    for (let block = cursor.next(); block !== undefined; block = cursor.next()) {
      if (block.firstPosition > lastPosition) return;
      yield block;
      if (block.lastPosition >= lastPosition) return;
    }
  } finally {
    cursor.close();
  }
}

interface RecordAt {
  readonly records: TapRecords;
  readonly row: number;
}

/** A block's taps, decided or refused with 93. What was answered 91 came with the identity of another tap. */
function* ownTaps(block: JournalBlock): Generator<RecordAt> {
  for (const { type, bytes, count } of block.sections) {
    if (type !== SectionType.taps && type !== SectionType.quarantine) continue;
    const records = new TapRecords(bytes.buffer, bytes.byteOffset, count);
    for (let row = 0; row < count; row++) {
      if (type === SectionType.taps || records.getU8(row, TapOffset.code) !== Code.idConflict) yield { records, row };
    }
  }
}

export function identityKey({ readerId, bootEpoch, seq }: TapIdentity): string {
  return `${readerId}:${bootEpoch}:${seq}`;
}

/** Tells at little cost that a record is none of many identities. */
export class IdentityIndex {
  readonly #readers: ReadonlySet<number>;
  readonly #keys: ReadonlySet<string>;

  constructor(identities: readonly TapIdentity[]) {
    this.#readers = new Set(identities.map(({ readerId }) => readerId));
    this.#keys = new Set(identities.map(identityKey));
  }

  /** The record's identity if it is one of them. */
  keyOf(records: TapRecords, row: number): string | undefined {
    const readerId = records.getU32(row, TapOffset.readerId);
    if (!this.#readers.has(readerId)) return undefined;
    const bootEpoch = records.getU32(row, TapOffset.bootEpoch);
    const key = identityKey({ readerId, bootEpoch, seq: records.getU32(row, TapOffset.seq) });
    return this.#keys.has(key) ? key : undefined;
  }
}
