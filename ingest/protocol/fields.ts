import { kindNames } from '../../workers/ledger/kinds.ts';
import { amountKopMax, firmwareBytesMax, frameBytesMax, nonceBytes, protocolVersion } from './limits.ts';
import { seqMax, signatureBytes, u32Max } from './limits.ts';

/** The range of an integer on the wire and how a message names it. One shape for all, so that the reader stays monomorphic. */
export interface IntegerField {
  readonly expected: string;
  readonly min: number;
  readonly max: number;
}

/** The bytes that a bin or str may have, and how a message names it. */
export interface BytesField {
  readonly expected: string;
  readonly bytesMin: number;
  readonly bytesMax: number;
}

/** The least elements of an array, and how a message names it. */
export interface ArrayField {
  readonly expected: string;
  readonly elementsMin: number;
}

function integer(name: string, min: number, max: number, orNil = ''): IntegerField {
  return { expected: `${name} (${orNil}an integer ${min}..${max})`, min, max };
}

function time(name: string, orNil = ''): IntegerField {
  const max = Number.MAX_SAFE_INTEGER;
  return { expected: `${name} (${orNil}milliseconds, a safe integer)`, min: -max, max };
}

function array(name: string, elements: string): ArrayField {
  const elementsMin = elements.split(',').length;
  return { expected: `${name} (an array of at least ${elementsMin}: ${elements})`, elementsMin };
}

const orNil = 'nil or ';

/** A seq that may be the one after the last. */
const afterLastSeq = seqMax + 1;

export const integerFields = {
  type: integer('the message type', 0, u32Max),
  version: integer('version', 0, u32Max),
  readerId: integer('readerId', 1, u32Max),
  bootEpoch: integer('bootEpoch', 0, u32Max),
  nextSeq: integer('nextSeq', 0, afterLastSeq),
  clockMs: time('clockMs'),
  rulesVersion: integer('rulesVersion', 0, u32Max),
  rulesInForce: integer('rulesVersion', 0, u32Max, orNil),
  firstSeq: integer('firstSeq', 1, seqMax),
  baseMs: time('baseMs'),
  kind: integer('kind', 1, kindNames.length),
  deltaMs: time('deltaMs'),
  amount: integer('amount', 0, amountKopMax, orNil),
  ref: integer('ref', 0, u32Max, orNil),
  flags: integer('flags', 0, 0xffff_ffff, orNil),
  seq: integer('seq', 1, seqMax),
  deed: integer('deed', 0, 1),
  queued: integer('queued', 0, u32Max),
  oldestMs: time('oldestMs', orNil),
  serverMs: time('serverMs'),
  credit: integer('credit', 0, u32Max),
  maxTaps: integer('maxTaps', 0, u32Max),
  maxBytes: integer('maxBytes', 0, u32Max),
  clockOffsetMs: time('clockOffsetMs'),
  durableSeq: integer('durableSeq', 0, seqMax),
  balance: {
    expected: 'a balance (nil or kopecks, a safe integer)',
    min: Number.MIN_SAFE_INTEGER,
    max: Number.MAX_SAFE_INTEGER,
  },
  code: integer('code', 0, u32Max),
  retryMs: integer('retryMs', 0, u32Max, orNil),
  offset: integer('offset', 0, u32Max, orNil),
  unknown: { expected: 'a safe integer', min: Number.MIN_SAFE_INTEGER, max: Number.MAX_SAFE_INTEGER },
} as const satisfies Record<string, IntegerField>;

export const bytesFields = {
  uid: { expected: 'uid (a bin of 4, 7 or 10 bytes)', bytesMin: 4, bytesMax: 10 },
  nonce: { expected: `nonce (a bin of ${nonceBytes} bytes)`, bytesMin: nonceBytes, bytesMax: nonceBytes },
  signature: {
    expected: `signature (a bin of ${signatureBytes} bytes)`,
    bytesMin: signatureBytes,
    bytesMax: signatureBytes,
  },
  firmware: {
    expected: `firmware (a str of at most ${firmwareBytesMax} bytes)`,
    bytesMin: 0,
    bytesMax: firmwareBytesMax,
  },
  sessionToken: { expected: 'sessionToken (a str)', bytesMin: 0, bytesMax: frameBytesMax },
  codes: { expected: 'codes (a bin of one byte a tap)', bytesMin: 0, bytesMax: frameBytesMax },
  message: { expected: 'message (a str)', bytesMin: 0, bytesMax: frameBytesMax },
} as const satisfies Record<string, BytesField>;

export const arrayFields = {
  message: array('a message', 'type'),
  hello: array(
    'HELLO',
    `1, version = ${protocolVersion}, readerId, bootEpoch, nextSeq, clockMs, firmware, rulesVersion, signature`,
  ),
  helloVersion: array('HELLO', '1, version'),
  taps: array('TAPS', '2, firstSeq, baseMs, taps'),
  outcome: array('OUTCOME', '3, seq, deed'),
  beat: array('BEAT', '4, clockMs, queued, oldestMs, rulesVersion'),
  challenge: array('CHALLENGE', '128, nonce, serverMs'),
  welcome: array('WELCOME', '129, serverMs, nextSeq, credit, maxTaps, maxBytes, sessionToken, clockOffsetMs'),
  ack: array('ACK', '130, durableSeq, credit, firstSeq, codes, balances'),
  err: array('ERR', '131, code, message, fatal, retryMs, offset'),
  credit: array('CREDIT', '132, credit'),
  tap: array('a tap', 'uid, kind, deltaMs'),
  tapList: { expected: 'taps (an array of taps)', elementsMin: 0 },
  balances: { expected: 'balances (nil or an array)', elementsMin: 0 },
} as const satisfies Record<string, ArrayField>;
