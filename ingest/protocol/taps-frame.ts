import { ErrorCode } from './codes.ts';
import { hashStart, hashTap, hashWord } from './content-hash.ts';
import { arrayFields, integerFields } from './fields.ts';
import { FrameFault } from './frame-fault.ts';
import { frameBytesMax, tapsPerFrameMax, uidBytesMax } from './limits.ts';
import { MessageType } from './message-types.ts';
import { MsgpackReader } from './msgpack-reader.ts';
import { checkLastSeq, readTapCount, readUid } from './taps-grammar.ts';

/** Bits of the `present` column: what the reader sent and did not leave nil. An amount of 0 is none. */
export const TapPresent = { amount: 1, ref: 2 } as const;

/**
 * One TAPS frame, decoded in place into columns that are used again for the next one. Row `i` is the tap with seq
 * `firstSeq + i`; rows from `count` on hold what an earlier frame left there. After a refusal `count` is 0.
 */
export class TapsFrame {
  firstSeq = 0;
  count = 0;
  readonly kind = new Uint8Array(tapsPerFrameMax);
  /** The low 8 bits as sent (`ReaderFlag`, unknown ones kept); 0 where nil. */
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
    this.hashTaps(count);
    reader.skip(elements - arrayFields.taps.elementsMin, 1);
    reader.finish();
    return count;
  }

  private readTap(row: number, baseMs: number): void {
    const reader = this.reader;
    const elements = reader.array(arrayFields.tap);
    this.contentHash[row] = this.takeUid(row);
    const kind = reader.integer(integerFields.kind);
    const deltaAt = reader.at;
    const atRawMs = baseMs + reader.integer(integerFields.deltaMs);
    if (!Number.isSafeInteger(atRawMs)) throw reader.wrongAt(deltaAt, 'deltaMs (baseMs + deltaMs a safe integer)');
    this.atRawMs[row] = atRawMs;
    let amountKop = 0;
    let ref = 0;
    let flags = 0;
    let present = 0;
    if (elements > 3 && !reader.takeNil()) {
      amountKop = reader.integer(integerFields.amount);
      if (amountKop > 0) present = TapPresent.amount;
    }
    if (elements > 4 && !reader.takeNil()) {
      ref = reader.integer(integerFields.ref);
      present |= TapPresent.ref;
    }
    if (elements > 5) {
      if (!reader.takeNil()) flags = reader.integer(integerFields.flags);
      if (elements > 6) reader.skip(elements - 6, 3);
    }
    this.kind[row] = kind;
    this.amountKop[row] = amountKop;
    this.ref[row] = ref;
    this.flags[row] = flags;
    this.present[row] = present;
  }

  /** Takes the rest of each tap into its UID's hash; a pass of its own, because one loop with the above is compiled worse. */
  private hashTaps(count: number): void {
    const { kind, flags, present, atRawMs, amountKop, ref, contentHash } = this;
    for (let row = 0; row < count; row++) {
      // An amount of 0 and none mean the same; a ref of 0 is a number like any other.
      const small = kind[row] | (flags[row] << 8) | ((present[row] & TapPresent.ref) << 16);
      contentHash[row] = hashTap(contentHash[row], small, atRawMs[row], amountKop[row], ref[row]);
    }
  }

  /** Copies a UID into its column, zero-padded; returns the hash over its size and bytes. */
  private takeUid(row: number): number {
    const size = readUid(this.reader);
    const { bytes, contentAt } = this.reader;
    const { uids } = this;
    const to = row * uidBytesMax;
    let hash = hashWord(hashStart, size);
    let lastFour = 0;
    for (let place = 0; place < size; place++) {
      const byte = bytes[contentAt + place];
      uids[to + place] = byte;
      lastFour = (lastFour << 8) | byte;
      if ((place & 3) === 3) hash = hashWord(hash, lastFour);
    }
    for (let place = size; place < uidBytesMax; place++) uids[to + place] = 0;
    this.uidSize[row] = size;
    return hashWord(hash, lastFour);
  }
}
