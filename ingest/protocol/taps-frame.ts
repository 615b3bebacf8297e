import { ErrorCode } from './codes.ts';
import { hashEnd, hashStart, hashWord } from './content-hash.ts';
import { arrayFields, integerFields } from './fields.ts';
import { FrameFault } from './frame-fault.ts';
import { frameBytesMax, tapsPerFrameMax, uidBytesMax } from './limits.ts';
import { MessageType } from './message-types.ts';
import { MsgpackReader } from './msgpack-reader.ts';
import { checkLastSeq, readTapCount, readUid } from './taps-grammar.ts';

/** Bits of the `present` column: what the reader sent and did not leave nil. */
export const TapPresent = { amount: 1, ref: 2 } as const;

/**
 * One TAPS frame, decoded in place into columns that are used again for the next one. Row `i` is the tap with seq
 * `firstSeq + i`; rows from `count` on hold what an earlier frame left there. After a refusal `count` is 0.
 */
export class TapsFrame {
  firstSeq = 0;
  count = 0;
  readonly kind = new Uint8Array(tapsPerFrameMax);
  /** As sent (`ReaderFlag`, unknown bits kept); 0 where nil. */
  readonly flags = new Uint8Array(tapsPerFrameMax);
  /** `TapPresent` bits. */
  readonly present = new Uint8Array(tapsPerFrameMax);
  readonly amountKop = new Float64Array(tapsPerFrameMax);
  readonly ref = new Uint32Array(tapsPerFrameMax);
  /** The reader's time, `baseMs + deltaMs`: any safe integer. */
  readonly atRawMs = new Float64Array(tapsPerFrameMax);
  readonly uidSize = new Uint8Array(tapsPerFrameMax);
  /** 10 bytes a tap in read order, zero-padded. */
  readonly uids = new Uint8Array(tapsPerFrameMax * uidBytesMax);
  /** Same content, same hash, however the reader split the time or chose its widths. */
  readonly contentHash = new Uint32Array(tapsPerFrameMax);

  /** Of the last refusal: the byte (0 … the frame's length) and what was expected and found there. */
  errorOffset = 0;
  errorMessage = '';

  private readonly reader = new MsgpackReader();

  /** Decodes one frame; 0 if it is good, otherwise an ERR code (1 malformed, 7 too many bytes or taps). */
  decode(bytes: Uint8Array): number {
    this.count = 0;
    if (bytes.length > frameBytesMax) {
      return this.refuse(
        ErrorCode.frameTooLarge,
        frameBytesMax,
        `expected at most ${frameBytesMax} bytes, found ${bytes.length}`,
      );
    }
    try {
      this.count = this.read(bytes);
      return 0;
    } catch (fault) {
      if (fault instanceof FrameFault) return this.refuse(fault.code, fault.offset, fault.message);
      throw fault;
    }
  }

  private refuse(code: number, offset: number, message: string): number {
    this.errorOffset = offset;
    this.errorMessage = message;
    return code;
  }

  private read(bytes: Uint8Array): number {
    const reader = this.reader;
    reader.reset(bytes);
    const elements = reader.array(arrayFields.message);
    const typeAt = reader.at;
    if (reader.integer(integerFields.type) !== MessageType.taps) throw reader.wrongAt(typeAt, 'type 2 (TAPS)');
    if (elements < arrayFields.taps.elementsMin) throw reader.wrongAt(0, arrayFields.taps.expected);
    const firstSeqAt = reader.at;
    this.firstSeq = reader.integer(integerFields.firstSeq);
    const baseMs = reader.integer(integerFields.baseMs);
    const count = readTapCount(reader);
    checkLastSeq(reader, this.firstSeq, firstSeqAt, count);
    for (let row = 0; row < count; row++) this.readTap(row, baseMs);
    reader.skip(elements - arrayFields.taps.elementsMin, 1);
    reader.finish();
    return count;
  }

  private readTap(row: number, baseMs: number): void {
    const reader = this.reader;
    const elements = reader.array(arrayFields.tap);
    this.takeUid(row);
    this.kind[row] = reader.integer(integerFields.kind);
    const deltaAt = reader.at;
    const atRawMs = baseMs + reader.integer(integerFields.deltaMs);
    if (!Number.isSafeInteger(atRawMs)) throw reader.wrongAt(deltaAt, 'deltaMs (baseMs + deltaMs a safe integer)');
    this.atRawMs[row] = atRawMs;
    this.amountKop[row] = 0;
    this.ref[row] = 0;
    this.flags[row] = 0;
    this.present[row] = 0;
    if (elements > 3) this.readOptional(row, elements);
    this.contentHash[row] = this.hash(row);
  }

  private readOptional(row: number, elements: number): void {
    const reader = this.reader;
    let present = 0;
    if (!reader.takeNil()) {
      this.amountKop[row] = reader.integer(integerFields.amount);
      present = TapPresent.amount;
    }
    if (elements > 4 && !reader.takeNil()) {
      this.ref[row] = reader.integer(integerFields.ref);
      present |= TapPresent.ref;
    }
    if (elements > 5 && !reader.takeNil()) this.flags[row] = reader.integer(integerFields.flags);
    this.present[row] = present;
    if (elements > 6) reader.skip(elements - 6, 3);
  }

  private takeUid(row: number): void {
    const reader = this.reader;
    const size = readUid(reader);
    this.uidSize[row] = size;
    const from = reader.contentAt;
    const to = row * uidBytesMax;
    for (let place = 0; place < size; place++) this.uids[to + place] = reader.bytes[from + place];
    for (let place = size; place < uidBytesMax; place++) this.uids[to + place] = 0;
  }

  /** The journal keeps this hash to know a repeat from a conflict: another formula is another journal format. */
  private hash(row: number): number {
    const uids = this.uids;
    const uid = row * uidBytesMax;
    const atRawMs = this.atRawMs[row];
    const small = this.kind[row] | (this.flags[row] << 8) | (this.present[row] << 16) | (this.uidSize[row] << 24);
    let hash = hashWord(hashStart, small);
    hash = hashWord(hash, uids[uid] | (uids[uid + 1] << 8) | (uids[uid + 2] << 16) | (uids[uid + 3] << 24));
    hash = hashWord(hash, uids[uid + 4] | (uids[uid + 5] << 8) | (uids[uid + 6] << 16) | (uids[uid + 7] << 24));
    hash = hashWord(hash, uids[uid + 8] | (uids[uid + 9] << 8));
    hash = hashWord(hash, atRawMs | 0);
    hash = hashWord(hash, Math.floor(atRawMs / 0x1_0000_0000));
    hash = hashWord(hash, this.amountKop[row] | 0);
    return hashEnd(hashWord(hash, this.ref[row] | 0));
  }
}
