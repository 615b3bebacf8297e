const two32 = 2 ** 32;

/** Writes MessagePack at minimal width into one buffer whose size the caller bounds beforehand. */
export class MsgpackWriter {
  private readonly buffer: Buffer;
  private at = 0;

  constructor(bytesMax: number) {
    this.buffer = Buffer.allocUnsafe(bytesMax);
  }

  /** What was written: a view of the buffer. */
  finish(): Uint8Array {
    return this.buffer.subarray(0, this.at);
  }

  array(elements: number): this {
    if (elements <= 0x0f) this.at = this.buffer.writeUInt8(0x90 | elements, this.at);
    else if (elements <= 0xffff) this.tagged(0xdc).at = this.buffer.writeUInt16BE(elements, this.at);
    else this.tagged(0xdd).at = this.buffer.writeUInt32BE(elements, this.at);
    return this;
  }

  nil(): this {
    return this.tagged(0xc0);
  }

  bool(value: boolean): this {
    return this.tagged(value ? 0xc3 : 0xc2);
  }

  /** Throws a `RangeError` for a number that is no safe integer. */
  integer(value: number): this {
    if (!Number.isSafeInteger(value)) throw new RangeError(`${value} is no safe integer`);
    return value >= 0 ? this.positive(value) : this.negative(value);
  }

  integerOrNil(value: number | null | undefined): this {
    return value === null || value === undefined ? this.nil() : this.integer(value);
  }

  bin(bytes: Uint8Array): this {
    this.sized(bytes.length, 0xc4);
    this.buffer.set(bytes, this.at);
    this.at += bytes.length;
    return this;
  }

  str(text: string): this {
    const bytes = Buffer.byteLength(text);
    if (bytes < 32) this.tagged(0xa0 | bytes);
    else this.sized(bytes, 0xd9);
    this.at += this.buffer.write(text, this.at);
    return this;
  }

  private tagged(tag: number): this {
    this.at = this.buffer.writeUInt8(tag, this.at);
    return this;
  }

  /** `tag8` is the tag of the 8-bit length; those of 16 and 32 bits follow it. */
  private sized(bytes: number, tag8: number): void {
    if (bytes <= 0xff) this.tagged(tag8).at = this.buffer.writeUInt8(bytes, this.at);
    else if (bytes <= 0xffff) this.tagged(tag8 + 1).at = this.buffer.writeUInt16BE(bytes, this.at);
    else this.tagged(tag8 + 2).at = this.buffer.writeUInt32BE(bytes, this.at);
  }

  private positive(value: number): this {
    if (value < 0x80) return this.tagged(value);
    if (value <= 0xff) this.tagged(0xcc).at = this.buffer.writeUInt8(value, this.at);
    else if (value <= 0xffff) this.tagged(0xcd).at = this.buffer.writeUInt16BE(value, this.at);
    else if (value < two32) this.tagged(0xce).at = this.buffer.writeUInt32BE(value, this.at);
    else this.tagged(0xcf).eightBytes(value);
    return this;
  }

  private negative(value: number): this {
    if (value >= -0x20) return this.tagged(0x100 + value);
    if (value >= -0x80) this.tagged(0xd0).at = this.buffer.writeInt8(value, this.at);
    else if (value >= -0x8000) this.tagged(0xd1).at = this.buffer.writeInt16BE(value, this.at);
    else if (value >= -two32 / 2) this.tagged(0xd2).at = this.buffer.writeInt32BE(value, this.at);
    else this.tagged(0xd3).eightBytes(value);
    return this;
  }

  private eightBytes(value: number): void {
    const high = Math.floor(value / two32);
    this.at = this.buffer.writeUInt32BE(high >>> 0, this.at);
    this.at = this.buffer.writeUInt32BE(value - high * two32, this.at);
  }
}
