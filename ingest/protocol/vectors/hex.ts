// An encoder of its own for the vectors, in hex text and with every width by name, so that the codec is not its own judge.

/** `value` as `bytes` bytes of hex, big-endian, two's complement. */
function big(value: number | bigint, bytes: number): string {
  return BigInt.asUintN(8 * bytes, BigInt(value))
    .toString(16)
    .padStart(2 * bytes, '0');
}

function float(value: number, bytes: 4 | 8): string {
  const view = new DataView(new ArrayBuffer(bytes));
  if (bytes === 4) view.setFloat32(0, value);
  else view.setFloat64(0, value);
  return Buffer.from(view.buffer).toString('hex');
}

export const nil = 'c0';
export const no = 'c2';
export const yes = 'c3';
export const fix = (value: number) => big(value, 1);
export const u8 = (value: number) => `cc${big(value, 1)}`;
export const u16 = (value: number) => `cd${big(value, 2)}`;
export const u32 = (value: number) => `ce${big(value, 4)}`;
export const u64 = (value: number | bigint) => `cf${big(value, 8)}`;
export const i8 = (value: number) => `d0${big(value, 1)}`;
export const i16 = (value: number) => `d1${big(value, 2)}`;
export const i32 = (value: number) => `d2${big(value, 4)}`;
export const i64 = (value: number | bigint) => `d3${big(value, 8)}`;
export const f32 = (value: number) => `ca${float(value, 4)}`;
export const f64 = (value: number) => `cb${float(value, 8)}`;
export const bin8 = (hex: string) => `c4${big(hex.length / 2, 1)}${hex}`;
export const bin16 = (hex: string) => `c5${big(hex.length / 2, 2)}${hex}`;
export const bin32 = (hex: string) => `c6${big(hex.length / 2, 4)}${hex}`;
const textHex = (text: string) => Buffer.from(text, 'utf8').toString('hex');
export const str = (text: string) => big(0xa0 + Buffer.byteLength(text), 1) + textHex(text);
export const str8 = (text: string) => `d9${big(Buffer.byteLength(text), 1)}${textHex(text)}`;
export const str16 = (text: string) => `da${big(Buffer.byteLength(text), 2)}${textHex(text)}`;
export const str32 = (text: string) => `db${big(Buffer.byteLength(text), 4)}${textHex(text)}`;
export const array = (...elements: string[]) => big(0x90 + elements.length, 1) + elements.join('');
export const array16 = (...elements: string[]) => `dc${big(elements.length, 2)}${elements.join('')}`;
export const array32 = (...elements: string[]) => `dd${big(elements.length, 4)}${elements.join('')}`;
