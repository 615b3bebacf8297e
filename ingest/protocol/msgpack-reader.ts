import type { ArrayField, BytesField, IntegerField } from './fields.ts';
import { integerFields } from './fields.ts';
import { ErrorCode } from './codes.ts';
import { FrameFault, foundAt } from './frame-fault.ts';
import { nestingDepthMax } from './limits.ts';
import { firstInvalidUtf8 } from './utf8.ts';

const two32 = 2 ** 32;
const nil = 0xc0;

/**
 * A cursor over one frame that reads the contract's subset of MessagePack: integers of any width (float32 and float64
 * where they hold a safe integer), bin, str, bool, nil and arrays. Anything else throws a `FrameFault` (ERR 1) that
 * names the byte: the first byte of a wrong value, the bad byte of a str, the frame's length where it ends too early.
 *
 * It trusts no claimed length and allocates nothing, so that a frame costs what its bytes cost.
 */
export class MsgpackReader {
  bytes = new Uint8Array(0);
  /** The next byte to read. */
  at = 0;
  end = 0;
  /** The first content byte of the bin or str that was read last. */
  contentAt = 0;
  private readonly float = new DataView(new ArrayBuffer(8));

  reset(bytes: Uint8Array): void {
    this.bytes = bytes as Uint8Array<ArrayBuffer>;
    this.at = 0;
    this.end = bytes.length;
  }

  /** Reads an integer within the field's range. */
  integer(field: IntegerField): number {
    const start = this.at;
    const first = this.first(field.expected);
    let value = first;
    if (first < 0x80) this.at = start + 1;
    else value = this.wideInteger(first, field.expected);
    if (value < field.min || value > field.max) throw this.wrongAt(start, field.expected);
    return value;
  }

  /** Steps over nil; false, and nothing read, where something else stands. */
  takeNil(): boolean {
    if (this.at >= this.end || this.bytes[this.at] !== nil) return false;
    this.at++;
    return true;
  }

  /** Reads nil as null, or an integer within the field's range. */
  integerOrNil(field: IntegerField): number | null {
    return this.takeNil() ? null : this.integer(field);
  }

  bool(expected: string): boolean {
    const first = this.first(expected);
    if (first !== 0xc2 && first !== 0xc3) throw this.wrongAt(this.at, expected);
    this.at++;
    return first === 0xc3;
  }

  /** Reads an array's header; returns how many elements it claims, which nothing has proved yet. */
  array(field: ArrayField): number {
    const start = this.at;
    const first = this.first(field.expected);
    let elements: number;
    if (first >= 0x90 && first <= 0x9f) {
      this.at = start + 1;
      elements = first & 0x0f;
    } else if (first === 0xdc) elements = this.unsigned(2, field.expected);
    else if (first === 0xdd) elements = this.unsigned(4, field.expected);
    else throw this.wrongAt(start, field.expected);
    if (elements < field.elementsMin) throw this.wrongAt(start, field.expected);
    return elements;
  }

  /** Reads a bin whole; returns its size, with `contentAt` at its first byte. */
  bin(field: BytesField): number {
    const start = this.at;
    const first = this.first(field.expected);
    let size: number;
    if (first === 0xc4) size = this.unsigned(1, field.expected);
    else if (first === 0xc5) size = this.unsigned(2, field.expected);
    else if (first === 0xc6) size = this.unsigned(4, field.expected);
    else throw this.wrongAt(start, field.expected);
    return this.content(start, size, field);
  }

  /** Reads a str whole and checks its UTF-8; returns its size in bytes, with `contentAt` at its first byte. */
  str(field: BytesField): number {
    const start = this.at;
    const first = this.first(field.expected);
    let size: number;
    if (first >= 0xa0 && first <= 0xbf) {
      this.at = start + 1;
      size = first & 0x1f;
    } else if (first === 0xd9) size = this.unsigned(1, field.expected);
    else if (first === 0xda) size = this.unsigned(2, field.expected);
    else if (first === 0xdb) size = this.unsigned(4, field.expected);
    else throw this.wrongAt(start, field.expected);
    this.content(start, size, field);
    const invalid = firstInvalidUtf8(this.bytes, this.contentAt, this.at);
    if (invalid >= 0) throw this.faultAt(invalid, `expected UTF-8 in ${field.expected}`);
    return size;
  }

  /** Steps over elements that this version does not know, which stand in an array at `depth`; they must be well-formed. */
  skip(elements: number, depth: number): void {
    for (let skipped = 0; skipped < elements; skipped++) this.skipValue(depth);
  }

  /** The frame must be used up. */
  finish(): void {
    if (this.at < this.end) throw this.faultAt(this.at, 'expected the end of the frame');
  }

  /** The fault of a value that stands at `offset` and should be `expected`. */
  wrongAt(offset: number, expected: string): FrameFault {
    return this.faultAt(offset, `expected ${expected}`);
  }

  /** The fault of a frame that ends before `expected` is complete. */
  endsEarly(expected: string): FrameFault {
    return new FrameFault(ErrorCode.malformed, this.end, `expected ${expected}, found the end of the frame`);
  }

  private faultAt(offset: number, expectation: string): FrameFault {
    return new FrameFault(ErrorCode.malformed, offset, `${expectation}, found ${foundAt(this.bytes, offset)}`);
  }

  private first(expected: string): number {
    if (this.at >= this.end) throw this.endsEarly(expected);
    return this.bytes[this.at];
  }

  private content(start: number, size: number, field: BytesField): number {
    if (size < field.bytesMin || size > field.bytesMax) throw this.wrongAt(start, field.expected);
    if (size > this.end - this.at) throw this.endsEarly(field.expected);
    this.contentAt = this.at;
    this.at += size;
    return size;
  }

  /** Reads the big-endian number of 1, 2 or 4 bytes behind the byte at the cursor. */
  private unsigned(width: 1 | 2 | 4, expected: string): number {
    const from = this.at + 1;
    if (from + width > this.end) throw this.endsEarly(expected);
    this.at = from + width;
    const bytes = this.bytes;
    if (width === 1) return bytes[from];
    if (width === 2) return (bytes[from] << 8) | bytes[from + 1];
    return this.word(from);
  }

  private word(from: number): number {
    const bytes = this.bytes;
    return ((bytes[from] << 24) | (bytes[from + 1] << 16) | (bytes[from + 2] << 8) | bytes[from + 3]) >>> 0;
  }

  private wideInteger(first: number, expected: string): number {
    if (first >= 0xe0) {
      this.at++;
      return first - 0x100;
    }
    switch (first) {
      case 0xcc:
        return this.unsigned(1, expected);
      case 0xcd:
        return this.unsigned(2, expected);
      case 0xce:
        return this.unsigned(4, expected);
      case 0xd0:
        return (this.unsigned(1, expected) << 24) >> 24;
      case 0xd1:
        return (this.unsigned(2, expected) << 16) >> 16;
      case 0xd2:
        return this.unsigned(4, expected) | 0;
      case 0xca:
        return this.safe(this.at, this.float32(expected), expected);
      case 0xcb:
      case 0xcf:
      case 0xd3:
        return this.safe(this.at, this.eightBytes(first, expected), expected);
      default:
        throw this.wrongAt(this.at, expected);
    }
  }

  private float32(expected: string): number {
    this.float.setUint32(0, this.unsigned(4, expected));
    return this.float.getFloat32(0);
  }

  private eightBytes(first: number, expected: string): number {
    const from = this.at + 1;
    if (from + 8 > this.end) throw this.endsEarly(expected);
    this.at = from + 8;
    const high = this.word(from);
    const low = this.word(from + 4);
    if (first !== 0xcb) return (first === 0xcf ? high : high | 0) * two32 + low;
    this.float.setUint32(0, high);
    this.float.setUint32(4, low);
    return this.float.getFloat64(0);
  }

  private safe(start: number, value: number, expected: string): number {
    if (!Number.isSafeInteger(value)) throw this.wrongAt(start, expected);
    // A float may be -0, which compares equal to 0 and has other bits.
    return value + 0;
  }

  private skipValue(depth: number): void {
    const expected = anything.expected;
    const first = this.first(expected);
    if (first === nil || first === 0xc2 || first === 0xc3) this.at++;
    else if ((first >= 0x90 && first <= 0x9f) || first === 0xdc || first === 0xdd) this.skipArray(depth + 1);
    else if ((first >= 0xa0 && first <= 0xbf) || (first >= 0xd9 && first <= 0xdb)) this.str(anything);
    else if (first >= 0xc4 && first <= 0xc6) this.bin(anything);
    else if (first < 0x80 || first >= 0xe0 || (first >= 0xca && first <= 0xd3)) this.integer(integerFields.unknown);
    else throw this.wrongAt(this.at, expected);
  }

  private skipArray(depth: number): void {
    if (depth > nestingDepthMax) throw this.wrongAt(this.at, `arrays nested at most ${nestingDepthMax} deep`);
    this.skip(this.array(anything), depth);
  }
}

const anything: BytesField & ArrayField = {
  expected: 'an integer, bin, str, bool, nil or array',
  bytesMin: 0,
  bytesMax: 0xffff_ffff,
  elementsMin: 0,
};
