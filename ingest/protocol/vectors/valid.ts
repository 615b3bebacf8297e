import { array, array16, array32, bin16, bin32, bin8, f32, f64, fix, i16, i32, i64, i8 } from './hex.ts';
import { nil, no, str, str16, str32, str8, u16, u32, u64, u8, yes } from './hex.ts';

/** A frame and what it must decode to; `decoded` is what `tapline frame --json` prints, without `ok`. */
export interface ValidVector {
  readonly name: string;
  readonly direction: 'reader' | 'server';
  readonly hex: string;
  readonly decoded: { readonly type: number; readonly name: string; readonly [field: string]: unknown };
}

export const nonce = Array.from({ length: 32 }, (_, place) => fix(place)).join('');
/** Made with the key of RFC 8032's first test; the README shows all of it. */
export const signature =
  'dae2b916b1202e5a6115d1b326291c7622bc2571a1dfb44a76d7f7f4ff5046e8' +
  '38b61c6374ccd2abfa821dd9f3aa218f1c50f39d173023fd5b94084351ce250b';
export const uid4 = '04a1b2c3';
export const uid7 = '04a1b2c3d4e5f6';
export const uid10 = '0102030405060708090a';
const baseMs = 1_790_000_000_000;

interface TapValues {
  readonly uid?: string;
  readonly kind?: number;
  readonly deltaMs?: number;
  readonly amountKop?: number | null;
  readonly ref?: number | null;
  readonly flags?: number | null;
}

/** The decoded form of one tap at a place of a frame. */
function tapOf(seq: number, base: number, { uid = uid7, kind = 1, deltaMs = 0, ...rest }: TapValues) {
  const { amountKop = null, ref = null, flags = null } = rest;
  return { seq, atMs: base + deltaMs, uid: uid.toUpperCase(), kind, deltaMs, amountKop, ref, flags };
}

function taps(name: string, hex: string, values: readonly TapValues[], firstSeq = 1, base = baseMs): ValidVector {
  const decoded = values.map((value, place) => tapOf(firstSeq + place, base, value));
  return { name, direction: 'reader', hex, decoded: { type: 2, name: 'TAPS', firstSeq, baseMs: base, taps: decoded } };
}

/** A frame of one tap around some elements of it. */
const oneTap = (...elements: string[]) => array(fix(2), fix(1), u64(baseMs), array(array(...elements)));
const uid = bin8(uid7);

const frames: readonly ValidVector[] = [
  taps(
    'taps: two, as in the README',
    array(
      fix(2),
      u16(1001),
      u64(baseMs),
      array(array(bin8(uid7), fix(1), fix(0)), array(bin8('5e901f2a'), fix(3), u16(1500), u16(9500))),
    ),
    [{}, { uid: '5e901f2a', kind: 3, deltaMs: 1500, amountKop: 9500 }],
    1001,
  ),
  taps('taps: none', array(fix(2), fix(1), u64(baseMs), array()), []),
  taps('taps: one gate tap', oneTap(uid, fix(1), fix(0)), [{}]),
  taps('taps: UID of 4 bytes', oneTap(bin8(uid4), fix(1), fix(0)), [{ uid: uid4 }]),
  taps('taps: UID of 10 bytes', oneTap(bin8(uid10), fix(1), fix(0)), [{ uid: uid10 }]),
  taps('taps: UID as bin16', oneTap(bin16(uid7), fix(1), fix(0)), [{}]),
  taps('taps: UID as bin32', oneTap(bin32(uid7), fix(1), fix(0)), [{}]),
  ...[1, 2, 3, 4, 5, 6, 7].map((kind) => taps(`taps: kind ${kind}`, oneTap(uid, fix(kind), fix(0)), [{ kind }])),
  taps('taps: amount', oneTap(uid, fix(3), fix(0), u16(9500)), [{ kind: 3, amountKop: 9500 }]),
  taps('taps: amount 0', oneTap(uid, fix(3), fix(0), fix(0)), [{ kind: 3, amountKop: 0 }]),
  taps('taps: largest amount', oneTap(uid, fix(4), fix(0), u32(1e9)), [{ kind: 4, amountKop: 1e9 }]),
  taps('taps: amount and ref', oneTap(uid, fix(4), fix(0), u16(4500), u8(200)), [
    { kind: 4, amountKop: 4500, ref: 200 },
  ]),
  taps('taps: nil amount, ref', oneTap(uid, fix(5), fix(0), nil, u16(312)), [{ kind: 5, ref: 312 }]),
  taps('taps: largest ref', oneTap(uid, fix(5), fix(0), nil, u32(4294967295)), [{ kind: 5, ref: 4294967295 }]),
  taps('taps: all three nil', oneTap(uid, fix(1), fix(0), nil, nil, nil), [{}]),
  taps('taps: flag 1 (let through offline)', oneTap(uid, fix(2), fix(0), nil, nil, fix(1)), [{ kind: 2, flags: 1 }]),
  taps('taps: every flag bit, known or not', oneTap(uid, fix(1), fix(0), nil, nil, u8(255)), [{ flags: 255 }]),
  taps('taps: unknown trailing elements of a tap', oneTap(uid, fix(1), fix(0), nil, nil, nil, str('new'), array(yes)), [
    {},
  ]),
  taps(
    'taps: unknown trailing elements of the frame, nested 4 deep',
    array(fix(2), fix(1), u64(baseMs), array(), str8('later'), array(array(array(nil, no, f64(-7)))), bin8('ff')),
    [],
  ),
  taps(
    'taps: three taps, UIDs of each size',
    array(
      fix(2),
      u16(1000),
      u64(baseMs),
      array(
        array(bin8(uid4), fix(1), fix(0)),
        array(bin8(uid7), fix(2), u16(1500)),
        array(bin8(uid10), fix(7), u32(70_000), u16(3400), u8(135)),
      ),
    ),
    [
      { uid: uid4 },
      { uid: uid7, kind: 2, deltaMs: 1500 },
      { uid: uid10, kind: 7, deltaMs: 70_000, amountKop: 3400, ref: 135 },
    ],
    1000,
  ),
  taps(
    'taps: last seq',
    array(fix(2), u32(4294967295), u64(baseMs), array(array(uid, fix(1), fix(0)))),
    [{}],
    4294967295,
  ),
  taps(
    'taps: wide type and array headers',
    array32(u32(2), u64(1), u64(baseMs), array32(array16(uid, u16(1), u32(0)))),
    [{}],
  ),
  taps(
    'taps: sixteen in an array16',
    array(fix(2), fix(1), u64(baseMs), array16(...Array<string>(16).fill(array(uid, fix(1), fix(0))))),
    Array<TapValues>(16).fill({}),
  ),
];

const max = Number.MAX_SAFE_INTEGER;
const deltas: readonly (readonly [string, number])[] = [
  ['fixint 127', 127],
  ['fixint -32', -32],
  ['uint8 255', 255],
  ['uint16 65535', 65535],
  ['uint32 4294967295', 4294967295],
  ['uint64 4294967296', 4294967296],
  ['int8 -128', -128],
  ['int16 -32768', -32768],
  ['int32 -2147483648', -2147483648],
  ['int64 -2147483649', -2147483649],
  ['int8 5', 5],
  ['int64 5', 5],
  ['float32 16777216', 16777216],
  ['float32 -1', -1],
  ['float64 1', 1],
  ['float64 -4294967296', -4294967296],
  ['float64 -0', 0],
];

function widthHex(width: string, value: number): string {
  if (width === 'float64 -0') return f64(-0);
  const writers: Record<string, (value: number) => string> = {
    fixint: fix,
    uint8: u8,
    uint16: u16,
    uint32: u32,
    uint64: u64,
    int8: i8,
    int16: i16,
    int32: i32,
    int64: i64,
    float32: f32,
    float64: f64,
  };
  return writers[width.split(' ')[0]](value);
}

const widths: readonly ValidVector[] = [
  ...deltas.map(([width, deltaMs]) =>
    taps(`taps: deltaMs as ${width}`, oneTap(uid, fix(1), widthHex(width, deltaMs)), [{ deltaMs }]),
  ),
  ...[
    { name: 'uint64', hex: u64(max), base: max },
    { name: 'int64', hex: i64(max), base: max },
    { name: 'negative int64', hex: i64(-max), base: -max },
    { name: 'float64', hex: f64(max), base: max },
    { name: 'negative float64', hex: f64(-max), base: -max },
    { name: 'fixint 0', hex: fix(0), base: 0 },
  ].map(({ name, hex, base }) =>
    taps(
      `taps: baseMs at its limit as ${name}`,
      array(fix(2), fix(1), hex, array(array(uid, fix(1), fix(0)))),
      [{}],
      1,
      base,
    ),
  ),
];

const helloFields = {
  version: 1,
  readerId: 70_001,
  bootEpoch: 3,
  nextSeq: 1001,
  clockMs: baseMs,
  firmware: 'gate-2.4',
  rulesVersion: 12,
  signature: signature.toUpperCase(),
};
const helloHead = [fix(1), fix(1), u32(70_001), fix(3), u16(1001), u64(baseMs), str('gate-2.4'), fix(12)];

function reader(name: string, hex: string, decoded: ValidVector['decoded']): ValidVector {
  return { name, direction: 'reader', hex, decoded };
}

const hello = (nonceSent: string | null, changed: object = {}) => ({
  type: 1,
  name: 'HELLO',
  ...helloFields,
  nonce: nonceSent,
  ...changed,
});
const beat = (oldestMs: number | null) => ({
  type: 4,
  name: 'BEAT',
  clockMs: baseMs,
  queued: 17,
  oldestMs,
  rulesVersion: 12,
});

const fromReader: readonly ValidVector[] = [
  reader('hello', array(...helloHead, bin8(signature)), hello(null)),
  reader('hello: trailing nonce', array(...helloHead, bin8(signature), bin8(nonce)), hello(nonce.toUpperCase())),
  reader('hello: trailing nil', array(...helloHead, bin8(signature), nil), hello(null)),
  reader('hello: unknown tenth element', array(...helloHead, bin8(signature), str('x')), hello(null)),
  reader(
    'hello: nonce and an unknown element',
    array(...helloHead, bin8(signature), bin8(nonce), fix(7)),
    hello(nonce.toUpperCase()),
  ),
  reader(
    'hello: firmware of 32 bytes, not ASCII',
    array(...helloHead.slice(0, 6), str8('турникет-вход-1.0'.padEnd(20)), fix(12), bin16(signature)),
    hello(null, { firmware: 'турникет-вход-1.0'.padEnd(20) }),
  ),
  reader(
    'hello: smallest values',
    array(fix(1), fix(1), fix(1), fix(0), fix(1), fix(0), str(''), fix(0), bin8(signature)),
    hello(null, { readerId: 1, bootEpoch: 0, nextSeq: 1, clockMs: 0, firmware: '', rulesVersion: 0 }),
  ),
  reader('outcome: let through', array(fix(3), u16(1000), fix(1)), { type: 3, name: 'OUTCOME', seq: 1000, deed: 1 }),
  reader('outcome: refused', array(fix(3), fix(1), fix(0)), { type: 3, name: 'OUTCOME', seq: 1, deed: 0 }),
  reader('beat', array(fix(4), u64(baseMs), fix(17), u64(baseMs - 9000), fix(12)), beat(baseMs - 9000)),
  reader('beat: nothing queued is nil', array(fix(4), f64(baseMs), fix(17), nil, fix(12)), beat(null)),
];

function server(name: string, hex: string, decoded: ValidVector['decoded']): ValidVector {
  return { name, direction: 'server', hex, decoded };
}

const welcomeFields = { serverMs: baseMs, nextSeq: 1001, credit: 4096, maxTaps: 512, maxBytes: 32768 };
const welcomeHead = [u8(129), u64(baseMs), u16(1001), u16(4096), u16(512), u16(32768)];
const welcome = (sessionToken: string, clockOffsetMs: number, rulesVersion: number | null = null) => ({
  type: 129,
  name: 'WELCOME',
  ...welcomeFields,
  sessionToken,
  clockOffsetMs,
  rulesVersion,
});
const ackHead = [u8(130), u16(1002), u16(4094), u16(1001)];
const ack = (codes: string, balances: (number | null)[] | null) => ({
  type: 130,
  name: 'ACK',
  durableSeq: 1002,
  credit: 4094,
  firstSeq: 1001,
  codes,
  balances,
});
const err = (code: number, message: string, fatal: boolean, retryMs: number | null, offset: number | null) => ({
  type: 131,
  name: 'ERR',
  code,
  message,
  fatal,
  retryMs,
  offset,
});

const fromServer: readonly ValidVector[] = [
  server('challenge', array(u8(128), bin8(nonce), u64(baseMs)), {
    type: 128,
    name: 'CHALLENGE',
    nonce: nonce.toUpperCase(),
    serverMs: baseMs,
  }),
  server('welcome', array(...welcomeHead, str('token-1'), fix(-2), fix(12)), welcome('token-1', -2, 12)),
  server('welcome: no rulesVersion', array(...welcomeHead, str('token-1'), fix(-2)), welcome('token-1', -2)),
  server(
    'welcome: a tenth element is not known',
    array(...welcomeHead, str('token-1'), fix(-2), u16(300), array(nil)),
    welcome('token-1', -2, 300),
  ),
  server(
    'welcome: token as str16',
    array(...welcomeHead, str16('t'.repeat(40)), i16(-2500)),
    welcome('t'.repeat(40), -2500),
  ),
  server('welcome: token as str32', array(...welcomeHead, str32('t'), i32(-70_000), nil), welcome('t', -70_000)),
  server('ack: no balances', array(...ackHead, bin8('0a2e'), nil), ack('0A2E', null)),
  server('ack: balances', array(...ackHead, bin8('0a2e'), array(u16(41_250), nil)), ack('0A2E', [41_250, null])),
  server('ack: debt', array(...ackHead, bin8('0d0b'), array(i16(-4500), nil), fix(0)), ack('0D0B', [-4500, null])),
  server('ack: of no taps', array(...ackHead, bin8(''), nil), ack('', null)),
  server('err: malformed', array(u8(131), fix(1), str('kind'), no, nil, fix(20)), err(1, 'kind', false, null, 20)),
  server('err: not now', array(u8(131), fix(8), str('busy'), no, u16(500), nil), err(8, 'busy', false, 500, null)),
  server('err: superseded', array(u8(131), fix(9), str(''), yes, nil, nil), err(9, '', true, null, null)),
  server('credit', array(u8(132), u16(4096)), { type: 132, name: 'CREDIT', credit: 4096 }),
];

export const validVectors: readonly ValidVector[] = [...fromReader, ...frames, ...widths, ...fromServer];
