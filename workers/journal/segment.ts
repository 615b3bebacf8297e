import { crc32 } from 'node:zlib';
import { OperatorError } from '../errors.ts';
import { journalFormatVersion, preallocationChunkBytes, segmentHeaderBytes } from './limits.ts';
import type { Storage, StorageFile } from './storage.ts';

/** "TPLS", little-endian: the first four bytes of every segment. */
const segmentMagic = 0x534c5054;
const checksumOffset = 44;

export interface SegmentHeader {
  readonly shard: number;
  /** From 1, growing by one. */
  readonly segmentNumber: number;
  /** What the first block in it is numbered, where it starts, and which checksum it must name as the one before. */
  readonly firstBlockNumber: number;
  readonly firstPosition: number;
  readonly previousChecksum: number;
}

export const spareName = 'spare.journal';

export function segmentName(segmentNumber: number): string {
  return `segment-${String(segmentNumber).padStart(10, '0')}.journal`;
}

/** Numbers of the segments in a folder, ascending. */
export function segmentNumbers(storage: Storage): number[] {
  return storage
    .list()
    .map((name) => /^segment-(\d{10})\.journal$/.exec(name))
    .filter((match) => match !== null)
    .map((match) => Number(match[1]))
    .sort((left, right) => left - right);
}

export function encodeSegmentHeader(header: SegmentHeader): Uint8Array {
  const bytes = new Uint8Array(segmentHeaderBytes);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, segmentMagic, true);
  view.setUint16(4, journalFormatVersion, true);
  view.setUint16(6, header.shard, true);
  view.setUint32(8, header.segmentNumber, true);
  view.setFloat64(16, header.firstBlockNumber, true);
  view.setFloat64(24, header.firstPosition, true);
  view.setUint32(32, header.previousChecksum, true);
  view.setUint32(checksumOffset, crc32(bytes.subarray(0, checksumOffset)), true);
  return bytes;
}

/**
 * Reads a segment's header page; undefined if it is torn. Throws JOURNAL_VERSION if it is whole but of another version.
 */
export function decodeSegmentHeader(bytes: Uint8Array): SegmentHeader | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  if (bytes.length < segmentHeaderBytes || view.getUint32(0, true) !== segmentMagic) return undefined;
  if (crc32(bytes.subarray(0, checksumOffset)) !== view.getUint32(checksumOffset, true)) return undefined;
  const version = view.getUint16(4, true);
  if (version !== journalFormatVersion) {
    throw new OperatorError(
      'JOURNAL_VERSION',
      `the journal is of format ${version}, this program reads ${journalFormatVersion}`,
      'Use the program that wrote it, or another data directory.',
    );
  }
  return {
    shard: view.getUint16(6, true),
    segmentNumber: view.getUint32(8, true),
    firstBlockNumber: view.getFloat64(16, true),
    firstPosition: view.getFloat64(24, true),
    previousChecksum: view.getUint32(32, true),
  };
}

export function readSegmentHeader(file: StorageFile): SegmentHeader | undefined {
  const bytes = new Uint8Array(segmentHeaderBytes);
  return file.read(bytes, 0) < segmentHeaderBytes ? undefined : decodeSegmentHeader(bytes);
}

/** Lays down the zeros of the next segment a chunk at a time, so that no batch waits for all of them. */
export class SparePreallocation {
  readonly #storage: Storage;
  readonly #segmentBytes: number;
  #file: StorageFile | undefined;
  #laidBytes = 0;

  constructor(storage: Storage, segmentBytes: number) {
    this.#storage = storage;
    this.#segmentBytes = segmentBytes;
  }

  get isWhole(): boolean {
    return this.#laidBytes >= this.#segmentBytes;
  }

  /** Writes and syncs one chunk more, if one is missing. After a failure the spare is begun anew. */
  step(): void {
    if (this.isWhole) return;
    const chunkBytes = Math.min(preallocationChunkBytes, this.#segmentBytes - this.#laidBytes);
    try {
      this.#file ??= this.#storage.create(spareName);
      this.#file.write(new Uint8Array(chunkBytes), this.#laidBytes);
      this.#file.sync();
    } catch (error) {
      this.close();
      this.#laidBytes = 0;
      throw error;
    }
    this.#laidBytes += chunkBytes;
  }

  /** The finished file under its segment name, header written, all synced; a new spare is begun. */
  take(header: SegmentHeader): StorageFile {
    while (!this.isWhole) this.step();
    const file = this.#file ?? this.#storage.open(spareName);
    file.write(encodeSegmentHeader(header), 0);
    file.sync();
    this.#storage.rename(spareName, segmentName(header.segmentNumber));
    this.#storage.syncDirectory();
    this.#file = undefined;
    this.#laidBytes = 0;
    return file;
  }

  close(): void {
    this.#file?.close();
    this.#file = undefined;
  }
}
