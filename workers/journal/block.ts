import { crc32 } from 'node:zlib';
import { blockBytesMax, blockHeaderBytes, journalFormatVersion, sectionHeaderBytes } from './limits.ts';
import type { JournalBlock, JournalSection, SectionTypeNumber } from './types.ts';

/** "TPLB", little-endian: the first four bytes of every block. */
export const blockMagic = 0x424c5054;

/** Offsets in a block's header; `README.md` of this folder says which damage each field guards against. */
const field = {
  magic: 0, // u32
  version: 4, // u16
  shard: 6, // u16
  blockNumber: 8, // u64
  firstPosition: 16, // u64
  recordCount: 24, // u32
  payloadBytes: 28, // u32
  writtenAtMs: 32, // f64
  previousChecksum: 40, // u32: header checksum of the block before
  payloadChecksum: 44, // u32
  segmentNumber: 48, // u32
  sectionCount: 52, // u32
  reserved: 56, // u32
  headerChecksum: 60, // u32 over bytes 0..59
} as const;

const two32 = 2 ** 32;

function setU64(view: DataView, offset: number, value: number): void {
  view.setUint32(offset, value % two32, true);
  view.setUint32(offset + 4, Math.floor(value / two32), true);
}

function getU64(view: DataView, offset: number): number {
  return view.getUint32(offset + 4, true) * two32 + view.getUint32(offset, true);
}

function roundUpTo8(bytes: number): number {
  return (bytes + 7) & ~7;
}

/** What a block's header says, apart from its payload. */
export interface BlockHeader {
  readonly shard: number;
  readonly blockNumber: number;
  readonly firstPosition: number;
  readonly recordCount: number;
  readonly payloadBytes: number;
  readonly writtenAtMs: number;
  readonly previousChecksum: number;
  readonly payloadChecksum: number;
  readonly segmentNumber: number;
  readonly sectionCount: number;
  readonly headerChecksum: number;
}

/** A section to be written: `count` records in `bytes`. */
export interface SectionToWrite {
  readonly type: SectionTypeNumber;
  readonly count: number;
  readonly bytes: Uint8Array;
}

export type BlockIdentity = Pick<
  BlockHeader,
  'shard' | 'blockNumber' | 'firstPosition' | 'recordCount' | 'writtenAtMs' | 'previousChecksum' | 'segmentNumber'
>;

/** Puts blocks together in one buffer that is used again for each. */
export class BlockEncoder {
  readonly #bytes = new Uint8Array(blockBytesMax);
  readonly #view = new DataView(this.#bytes.buffer);
  /** Checksum of the last encoded block's header, which the next block names. */
  headerChecksum = 0;

  /** Bytes that a block of these sections takes. */
  static size(sections: readonly SectionToWrite[]): number {
    let size = blockHeaderBytes;
    for (const section of sections) size += sectionHeaderBytes + roundUpTo8(section.bytes.length);
    return size;
  }

  /** The whole block; the view is good until the next call. Throws RangeError above `blockBytesMax`. */
  encode(identity: BlockIdentity, sections: readonly SectionToWrite[]): Uint8Array {
    const size = BlockEncoder.size(sections);
    if (size > blockBytesMax) throw new RangeError(`a block of ${size} bytes is larger than ${blockBytesMax}`);
    this.#writeSections(sections);
    const payload = this.#bytes.subarray(blockHeaderBytes, size);
    this.#writeHeader(identity, payload, sections.length);
    return this.#bytes.subarray(0, size);
  }

  #writeSections(sections: readonly SectionToWrite[]): void {
    let offset = blockHeaderBytes;
    for (const section of sections) {
      const padded = roundUpTo8(section.bytes.length);
      this.#view.setUint32(offset, section.type, true);
      this.#view.setUint32(offset + 4, section.count, true);
      this.#view.setUint32(offset + 8, section.bytes.length, true);
      this.#view.setUint32(offset + 12, 0, true);
      offset += sectionHeaderBytes;
      this.#bytes.set(section.bytes, offset);
      this.#bytes.fill(0, offset + section.bytes.length, offset + padded);
      offset += padded;
    }
  }

  #writeHeader(identity: BlockIdentity, payload: Uint8Array, sectionCount: number): void {
    const view = this.#view;
    view.setUint32(field.magic, blockMagic, true);
    view.setUint16(field.version, journalFormatVersion, true);
    view.setUint16(field.shard, identity.shard, true);
    setU64(view, field.blockNumber, identity.blockNumber);
    setU64(view, field.firstPosition, identity.firstPosition);
    view.setUint32(field.recordCount, identity.recordCount, true);
    view.setUint32(field.payloadBytes, payload.length, true);
    view.setFloat64(field.writtenAtMs, identity.writtenAtMs, true);
    view.setUint32(field.previousChecksum, identity.previousChecksum, true);
    view.setUint32(field.payloadChecksum, crc32(payload), true);
    view.setUint32(field.segmentNumber, identity.segmentNumber, true);
    view.setUint32(field.sectionCount, sectionCount, true);
    view.setUint32(field.reserved, 0, true);
    this.headerChecksum = crc32(this.#bytes.subarray(0, field.headerChecksum));
    view.setUint32(field.headerChecksum, this.headerChecksum, true);
  }
}

/** Reads a header; undefined if these 64 bytes are not one (zeros, torn, of another version). */
export function decodeHeader(bytes: Uint8Array): BlockHeader | undefined {
  if (bytes.length < blockHeaderBytes) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, blockHeaderBytes);
  if (view.getUint32(field.magic, true) !== blockMagic) return undefined;
  if (view.getUint16(field.version, true) !== journalFormatVersion) return undefined;
  const headerChecksum = view.getUint32(field.headerChecksum, true);
  if (crc32(bytes.subarray(0, field.headerChecksum)) !== headerChecksum) return undefined;
  return {
    shard: view.getUint16(field.shard, true),
    blockNumber: getU64(view, field.blockNumber),
    firstPosition: getU64(view, field.firstPosition),
    recordCount: view.getUint32(field.recordCount, true),
    payloadBytes: view.getUint32(field.payloadBytes, true),
    writtenAtMs: view.getFloat64(field.writtenAtMs, true),
    previousChecksum: view.getUint32(field.previousChecksum, true),
    payloadChecksum: view.getUint32(field.payloadChecksum, true),
    segmentNumber: view.getUint32(field.segmentNumber, true),
    sectionCount: view.getUint32(field.sectionCount, true),
    headerChecksum,
  };
}

/** Takes a payload apart; undefined if its checksum or its lengths are wrong. The sections are views. */
export function decodePayload(header: BlockHeader, payload: Uint8Array): JournalBlock | undefined {
  if (payload.length !== header.payloadBytes || crc32(payload) !== header.payloadChecksum) return undefined;
  const view = new DataView(payload.buffer, payload.byteOffset, payload.length);
  const sections: JournalSection[] = [];
  let offset = 0;
  for (let index = 0; index < header.sectionCount; index++) {
    const bytes = view.getUint32(offset + 8, true);
    const start = offset + sectionHeaderBytes;
    sections.push({
      type: view.getUint32(offset, true) as SectionTypeNumber,
      count: view.getUint32(offset + 4, true),
      bytes: payload.subarray(start, start + bytes),
    });
    offset = start + roundUpTo8(bytes);
  }
  return {
    shard: header.shard,
    blockNumber: header.blockNumber,
    firstPosition: header.firstPosition,
    lastPosition: header.firstPosition + header.recordCount - 1,
    writtenAtMs: header.writtenAtMs,
    sections,
  };
}
