import { ErrorCode } from './codes.ts';
import { arrayFields, bytesFields, integerFields } from './fields.ts';
import type { ArrayField, BytesField } from './fields.ts';
import { FrameFault } from './frame-fault.ts';
import { frameBytesMax, nonceBytes, protocolVersion } from './limits.ts';
import { MessageType } from './message-types.ts';
import type {
  Ack,
  Beat,
  Challenge,
  Credit,
  Err,
  Hello,
  Message,
  Outcome,
  Taps,
  Welcome,
  WireTap,
} from './message-types.ts';
import { MsgpackReader } from './msgpack-reader.ts';
import { checkLastSeq, readTapCount, readUid } from './taps-grammar.ts';

export { MessageType } from './message-types.ts';
export type * from './message-types.ts';

/** `code` is an ERR code (1, 2 or 7); `offset` the byte, 0 … the frame's length. */
export type Decoded =
  | { readonly ok: true; readonly message: Message }
  | { readonly ok: false; readonly code: number; readonly offset: number | null; readonly message: string };

/** Decodes one frame of either direction into an object of its own; never throws, whatever the bytes. */
export function decodeMessage(bytes: Uint8Array): Decoded {
  const reader = new MsgpackReader();
  reader.reset(bytes);
  try {
    if (bytes.length > frameBytesMax) throw tooLarge(bytes.length);
    const elements = reader.array(arrayFields.message);
    const message = readMessage(reader, elements);
    reader.finish();
    return { ok: true, message };
  } catch (fault) {
    if (fault instanceof FrameFault)
      return { ok: false, code: fault.code, offset: fault.offset, message: fault.message };
    throw fault;
  }
}

/** The message type without decoding the rest, which may still be malformed; -1 if there is none. */
export function peekType(bytes: Uint8Array): number {
  if (bytes.length < 2) return -1;
  const head = bytes[0];
  const at = head >= 0x91 && head <= 0x9f ? 1 : head === 0xdc ? 3 : head === 0xdd ? 5 : bytes.length;
  if (at >= bytes.length) return -1;
  if (bytes[at] < 0x80) return bytes[at];
  return bytes[at] === 0xcc && at + 1 < bytes.length ? bytes[at + 1] : peekWideType(bytes);
}

function peekWideType(bytes: Uint8Array): number {
  const reader = new MsgpackReader();
  reader.reset(bytes);
  try {
    reader.array(arrayFields.message);
    return reader.integer(integerFields.type);
  } catch {
    return -1;
  }
}

function tooLarge(bytes: number): FrameFault {
  const message = `expected at most ${frameBytesMax} bytes, found ${bytes}`;
  return new FrameFault(ErrorCode.frameTooLarge, frameBytesMax, message);
}

function readMessage(reader: MsgpackReader, elements: number): Message {
  const typeAt = reader.at;
  const type = reader.integer(integerFields.type);
  switch (type) {
    case MessageType.hello:
      return readHello(reader, elements);
    case MessageType.taps:
      return whole(reader, elements, arrayFields.taps, readTaps);
    case MessageType.outcome:
      return whole(reader, elements, arrayFields.outcome, readOutcome);
    case MessageType.beat:
      return whole(reader, elements, arrayFields.beat, readBeat);
    case MessageType.challenge:
      return whole(reader, elements, arrayFields.challenge, readChallenge);
    case MessageType.welcome:
      return readWelcome(reader, elements);
    case MessageType.ack:
      return whole(reader, elements, arrayFields.ack, readAck);
    case MessageType.err:
      return whole(reader, elements, arrayFields.err, readErr);
    case MessageType.credit:
      return whole(reader, elements, arrayFields.credit, readCredit);
    default:
      throw reader.wrongAt(typeAt, 'a known message type (1..4 or 128..132)');
  }
}

/** Reads the known elements of a message and steps over the rest. */
function whole<M>(reader: MsgpackReader, elements: number, shape: ArrayField, read: (reader: MsgpackReader) => M): M {
  if (elements < shape.elementsMin) throw reader.wrongAt(0, shape.expected);
  const message = read(reader);
  reader.skip(elements - shape.elementsMin, 1);
  return message;
}

function readBin(reader: MsgpackReader, field: BytesField): Uint8Array {
  const size = reader.bin(field);
  // A copy: a transport's buffer may die when its handler returns.
  return new Uint8Array(reader.bytes.subarray(reader.contentAt, reader.contentAt + size));
}

function readStr(reader: MsgpackReader, field: BytesField): string {
  const size = reader.str(field);
  return Buffer.from(reader.bytes.buffer, reader.bytes.byteOffset + reader.contentAt, size).toString('utf8');
}

/** The version comes first: another version's HELLO may have any other shape behind it. */
function readHello(reader: MsgpackReader, elements: number): Hello {
  if (elements < arrayFields.helloVersion.elementsMin) throw reader.wrongAt(0, arrayFields.helloVersion.expected);
  const versionAt = reader.at;
  const version = reader.integer(integerFields.version);
  if (version !== protocolVersion) {
    const message = `expected version ${protocolVersion}, found ${version}`;
    throw new FrameFault(ErrorCode.version, versionAt, message);
  }
  if (elements < arrayFields.hello.elementsMin) throw reader.wrongAt(0, arrayFields.hello.expected);
  const known = {
    readerId: reader.integer(integerFields.readerId),
    bootEpoch: reader.integer(integerFields.bootEpoch),
    nextSeq: reader.integer(integerFields.nextSeq),
    clockMs: reader.integer(integerFields.clockMs),
    firmware: readStr(reader, bytesFields.firmware),
    rulesVersion: reader.integer(integerFields.rulesVersion),
    signature: readBin(reader, bytesFields.signature),
  };
  const nonce = readTrailingNonce(reader, elements - arrayFields.hello.elementsMin);
  return { type: 'hello', version, ...known, nonce };
}

/** The tenth element is the signed nonce if it looks like one; anything else is an element that we do not know. */
function readTrailingNonce(reader: MsgpackReader, elements: number): Uint8Array | null {
  const start = reader.at;
  reader.skip(elements, 1);
  const after = reader.at;
  const isNonce = elements > 0 && reader.bytes[start] === 0xc4 && reader.bytes[start + 1] === nonceBytes;
  if (!isNonce) return null;
  reader.at = start;
  const nonce = readBin(reader, bytesFields.nonce);
  reader.at = after;
  return nonce;
}

function readTaps(reader: MsgpackReader): Taps {
  const firstSeqAt = reader.at;
  const firstSeq = reader.integer(integerFields.firstSeq);
  const baseMs = reader.integer(integerFields.baseMs);
  const count = readTapCount(reader);
  checkLastSeq(reader, firstSeq, firstSeqAt, count);
  const taps: WireTap[] = [];
  for (let place = 0; place < count; place++) taps.push(readTap(reader, baseMs));
  return { type: 'taps', firstSeq, baseMs, taps };
}

function readTap(reader: MsgpackReader, baseMs: number): WireTap {
  const elements = reader.array(arrayFields.tap);
  const size = readUid(reader);
  const uid = new Uint8Array(reader.bytes.subarray(reader.contentAt, reader.contentAt + size));
  const kind = reader.integer(integerFields.kind);
  const deltaAt = reader.at;
  const deltaMs = reader.integer(integerFields.deltaMs);
  if (!Number.isSafeInteger(baseMs + deltaMs)) {
    throw reader.wrongAt(deltaAt, 'deltaMs (baseMs + deltaMs a safe integer)');
  }
  const amountKop = elements > 3 ? reader.integerOrNil(integerFields.amount) : null;
  const ref = elements > 4 ? reader.integerOrNil(integerFields.ref) : null;
  const flags = elements > 5 ? reader.integerOrNil(integerFields.flags) : null;
  reader.skip(elements - 6, 3);
  return { uid, kind, deltaMs, amountKop, ref, flags };
}

function readOutcome(reader: MsgpackReader): Outcome {
  return { type: 'outcome', seq: reader.integer(integerFields.seq), deed: reader.integer(integerFields.deed) };
}

function readBeat(reader: MsgpackReader): Beat {
  return {
    type: 'beat',
    clockMs: reader.integer(integerFields.clockMs),
    queued: reader.integer(integerFields.queued),
    oldestMs: reader.integerOrNil(integerFields.oldestMs),
    rulesVersion: reader.integer(integerFields.rulesVersion),
  };
}

function readChallenge(reader: MsgpackReader): Challenge {
  return {
    type: 'challenge',
    nonce: readBin(reader, bytesFields.nonce),
    serverMs: reader.integer(integerFields.serverMs),
  };
}

/** The ninth element joined later: a server of before leaves it out. */
function readWelcome(reader: MsgpackReader, elements: number): Welcome {
  const { elementsMin, expected } = arrayFields.welcome;
  if (elements < elementsMin) throw reader.wrongAt(0, expected);
  const known = {
    serverMs: reader.integer(integerFields.serverMs),
    nextSeq: reader.integer(integerFields.nextSeq),
    credit: reader.integer(integerFields.credit),
    maxTaps: reader.integer(integerFields.maxTaps),
    maxBytes: reader.integer(integerFields.maxBytes),
    sessionToken: readStr(reader, bytesFields.sessionToken),
    clockOffsetMs: reader.integer(integerFields.clockOffsetMs),
  };
  const rulesVersion = elements > elementsMin ? reader.integerOrNil(integerFields.rulesInForce) : null;
  reader.skip(elements - elementsMin - 1, 1);
  return { type: 'welcome', ...known, rulesVersion };
}

function readAck(reader: MsgpackReader): Ack {
  return {
    type: 'ack',
    durableSeq: reader.integer(integerFields.durableSeq),
    credit: reader.integer(integerFields.credit),
    firstSeq: reader.integer(integerFields.firstSeq),
    codes: readBin(reader, bytesFields.codes),
    balances: readBalances(reader),
  };
}

function readBalances(reader: MsgpackReader): (number | null)[] | null {
  if (reader.takeNil()) return null;
  const count = reader.array(arrayFields.balances);
  const balances: (number | null)[] = [];
  for (let place = 0; place < count; place++) balances.push(reader.integerOrNil(integerFields.balance));
  return balances;
}

function readErr(reader: MsgpackReader): Err {
  return {
    type: 'err',
    code: reader.integer(integerFields.code),
    message: readStr(reader, bytesFields.message),
    fatal: reader.bool('fatal (a bool)'),
    retryMs: reader.integerOrNil(integerFields.retryMs),
    offset: reader.integerOrNil(integerFields.offset),
  };
}

function readCredit(reader: MsgpackReader): Credit {
  return { type: 'credit', credit: reader.integer(integerFields.credit) };
}
