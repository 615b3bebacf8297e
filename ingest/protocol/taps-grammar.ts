import { ErrorCode } from './codes.ts';
import { arrayFields, bytesFields } from './fields.ts';
import { FrameFault } from './frame-fault.ts';
import { seqMax, tapsPerFrameMax } from './limits.ts';
import type { MsgpackReader } from './msgpack-reader.ts';

/** Array header, the shortest UID, kind and deltaMs. */
const tapBytesMin = 1 + 6 + 1 + 1;

/**
 * Reads the header of the list of taps. More than a frame may hold is ERR 7; a header that claims more than the bytes
 * behind it could hold is malformed.
 */
export function readTapCount(reader: MsgpackReader): number {
  const start = reader.at;
  const count = reader.array(arrayFields.tapList);
  if (count <= tapsPerFrameMax) return count;
  if (count * tapBytesMin > reader.end - reader.at) throw reader.endsEarly(`${count} taps`);
  throw new FrameFault(ErrorCode.frameTooLarge, start, `expected at most ${tapsPerFrameMax} taps, found ${count}`);
}

/** The last tap's seq must be one, too. */
export function checkLastSeq(reader: MsgpackReader, firstSeq: number, firstSeqAt: number, count: number): void {
  if (firstSeq + count - 1 > seqMax) {
    throw reader.wrongAt(firstSeqAt, `firstSeq of ${count} taps (the last seq at most ${seqMax})`);
  }
}

/** Reads a UID; returns its size, with `contentAt` at its first byte. */
export function readUid(reader: MsgpackReader): number {
  const start = reader.at;
  const size = reader.bin(bytesFields.uid);
  if (size !== 4 && size !== 7 && size !== 10) throw reader.wrongAt(start, bytesFields.uid.expected);
  return size;
}
