/**
 * Why a frame is refused: an ERR code, the byte and a sentence for the integrator. Thrown inside the decoders only, and
 * turned into a result at their edge; a good frame never meets it.
 */
export class FrameFault extends Error {
  readonly code: number;
  /** 0 … length of the frame. */
  readonly offset: number;

  constructor(code: number, offset: number, message: string) {
    super(message);
    this.name = 'FrameFault';
    this.code = code;
    this.offset = offset;
  }
}

function quoteNumber(kind: string, value: number | bigint): string {
  return `${kind} ${String(value)}`;
}

function hexByte(value: number): string {
  return `0x${value.toString(16).padStart(2, '0')}`;
}

/** Bytes after the first that a value of this first byte needs before its own length is known. */
function headBytes(first: number): number {
  const sizes: Record<number, number> = { 0xc4: 1, 0xc5: 2, 0xc6: 4, 0xd9: 1, 0xda: 2, 0xdb: 4, 0xdc: 2, 0xdd: 4 };
  if (first >= 0xca && first <= 0xd3) return [4, 8, 1, 2, 4, 8, 1, 2, 4, 8][first - 0xca];
  return sizes[first] ?? 0;
}

function wideValue(view: DataView, first: number): string {
  switch (first) {
    case 0xca:
      return quoteNumber('the float32', view.getFloat32(1));
    case 0xcb:
      return quoteNumber('the float64', view.getFloat64(1));
    case 0xcc:
      return quoteNumber('the integer', view.getUint8(1));
    case 0xcd:
      return quoteNumber('the integer', view.getUint16(1));
    case 0xce:
      return quoteNumber('the integer', view.getUint32(1));
    case 0xcf:
      return quoteNumber('the integer', view.getBigUint64(1));
    case 0xd0:
      return quoteNumber('the integer', view.getInt8(1));
    case 0xd1:
      return quoteNumber('the integer', view.getInt16(1));
    case 0xd2:
      return quoteNumber('the integer', view.getInt32(1));
    default:
      return quoteNumber('the integer', view.getBigInt64(1));
  }
}

function sizedValue(view: DataView, first: number): string {
  const width = headBytes(first);
  const size = width === 1 ? view.getUint8(1) : width === 2 ? view.getUint16(1) : view.getUint32(1);
  if (first <= 0xc6) return `a bin of ${size} bytes`;
  return first <= 0xdb ? `a str of ${size} bytes` : `an array of ${size}`;
}

function namedValue(view: DataView, first: number): string {
  if (first < 0x80) return quoteNumber('the integer', first);
  if (first >= 0xe0) return quoteNumber('the integer', first - 0x100);
  if (first < 0x90) return 'a map';
  if (first < 0xa0) return `an array of ${first & 0x0f}`;
  if (first < 0xc0) return `a str of ${first & 0x1f} bytes`;
  if (first === 0xc0) return 'nil';
  if (first === 0xc1) return 'the reserved byte';
  if (first <= 0xc3) return first === 0xc2 ? 'false' : 'true';
  if (first === 0xde || first === 0xdf) return 'a map';
  if (first >= 0xca && first <= 0xd3) return wideValue(view, first);
  return headBytes(first) > 0 ? sizedValue(view, first) : 'an ext';
}

/** What stands at a byte, in words, for messages: `a map (0x81)`. */
export function foundAt(bytes: Uint8Array, at: number): string {
  if (at >= bytes.length) return 'the end of the frame';
  const first = bytes[at];
  if (at + headBytes(first) >= bytes.length) return `a value cut off (${hexByte(first)})`;
  const view = new DataView(bytes.buffer, bytes.byteOffset + at, bytes.length - at);
  return `${namedValue(view, first)} (${hexByte(first)})`;
}
