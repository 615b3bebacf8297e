import { nonceBytes, protocolVersion, tapBytesMax } from './limits.ts';
import { MessageType } from './message-types.ts';
import type { Ack, Beat, Challenge, Err, Hello, Outcome, Welcome, WireTap } from './message-types.ts';
import { MsgpackWriter } from './msgpack-writer.ts';

/** A message's fields as its encoder takes them. */
type Fields<M> = Omit<M, 'type'>;

/** Room for the array header and every integer, nil and bool of any message; what has a size of its own is added. */
const plainBytesMax = 128;

/** HELLO's input: the version may be left out, the trailing nonce too. */
export type HelloFields = Omit<Fields<Hello>, 'version' | 'nonce'> & {
  readonly version?: number;
  readonly nonce?: Uint8Array | null;
};

/** WELCOME's input: the trailing version may be left out. */
export type WelcomeFields = Omit<Fields<Welcome>, 'rulesVersion'> & { readonly rulesVersion?: number | null };

/** A tap's input: what is nil may be left out. */
export type TapFields = Pick<WireTap, 'uid' | 'kind' | 'deltaMs'> & {
  readonly amountKop?: number | null;
  readonly ref?: number | null;
  readonly flags?: number | null;
};

/** TAPS' input. */
export interface TapsFields {
  readonly firstSeq: number;
  readonly baseMs: number;
  readonly taps: readonly TapFields[];
}

const signingPrefix = Buffer.from('tapline.v1.hello', 'ascii');

/** What a reader signs: the prefix, the nonce, `readerId` and `bootEpoch` as u32 big-endian; 56 bytes. */
export function helloSigningBytes(nonce: Uint8Array, readerId: number, bootEpoch: number): Uint8Array {
  if (nonce.length !== nonceBytes) throw new RangeError(`a nonce has ${nonceBytes} bytes, not ${nonce.length}`);
  const bytes = Buffer.alloc(signingPrefix.length + nonceBytes + 8);
  bytes.set(signingPrefix);
  bytes.set(nonce, signingPrefix.length);
  bytes.writeUInt32BE(readerId, bytes.length - 8);
  bytes.writeUInt32BE(bootEpoch, bytes.length - 4);
  return bytes;
}

export function encodeChallenge({ nonce, serverMs }: Fields<Challenge>): Uint8Array {
  const writer = new MsgpackWriter(plainBytesMax + nonce.length);
  return writer.array(3).integer(MessageType.challenge).bin(nonce).integer(serverMs).finish();
}

export function encodeHello(hello: HelloFields): Uint8Array {
  const { firmware, signature, nonce = null } = hello;
  const writer = new MsgpackWriter(plainBytesMax + 3 * firmware.length + signature.length + (nonce?.length ?? 0));
  writer.array(nonce === null ? 9 : 10).integer(MessageType.hello);
  writer
    .integer(hello.version ?? protocolVersion)
    .integer(hello.readerId)
    .integer(hello.bootEpoch);
  writer.integer(hello.nextSeq).integer(hello.clockMs).str(firmware).integer(hello.rulesVersion).bin(signature);
  if (nonce !== null) writer.bin(nonce);
  return writer.finish();
}

export function encodeWelcome({ rulesVersion = null, ...welcome }: WelcomeFields): Uint8Array {
  const writer = new MsgpackWriter(plainBytesMax + 3 * welcome.sessionToken.length);
  writer.array(rulesVersion === null ? 8 : 9).integer(MessageType.welcome);
  writer.integer(welcome.serverMs).integer(welcome.nextSeq);
  writer.integer(welcome.credit).integer(welcome.maxTaps).integer(welcome.maxBytes);
  writer.str(welcome.sessionToken).integer(welcome.clockOffsetMs);
  if (rulesVersion !== null) writer.integer(rulesVersion);
  return writer.finish();
}

/** Trailing optionals that are nil are not sent. */
export function encodeTaps({ firstSeq, baseMs, taps }: TapsFields): Uint8Array {
  const uidBytes = taps.reduce((sum, tap) => sum + tap.uid.length, 0);
  const writer = new MsgpackWriter(plainBytesMax + taps.length * tapBytesMax + uidBytes);
  writer.array(4).integer(MessageType.taps).integer(firstSeq).integer(baseMs).array(taps.length);
  for (const tap of taps) writeTap(writer, tap);
  return writer.finish();
}

function writeTap(writer: MsgpackWriter, { uid, kind, deltaMs, amountKop, ref, flags }: TapFields): void {
  const elements = isSent(flags) ? 6 : isSent(ref) ? 5 : isSent(amountKop) ? 4 : 3;
  writer.array(elements).bin(uid).integer(kind).integer(deltaMs);
  if (elements > 3) writer.integerOrNil(amountKop);
  if (elements > 4) writer.integerOrNil(ref);
  if (elements > 5) writer.integerOrNil(flags);
}

function isSent(value: number | null | undefined): boolean {
  return value !== null && value !== undefined;
}

export function encodeAck({ durableSeq, credit, firstSeq, codes, balances }: Fields<Ack>): Uint8Array {
  const writer = new MsgpackWriter(plainBytesMax + codes.length + 9 * (balances?.length ?? 0));
  writer.array(6).integer(MessageType.ack).integer(durableSeq).integer(credit).integer(firstSeq).bin(codes);
  if (balances === null) return writer.nil().finish();
  writer.array(balances.length);
  for (const balanceKop of balances) writer.integerOrNil(balanceKop);
  return writer.finish();
}

export function encodeOutcome({ seq, deed }: Fields<Outcome>): Uint8Array {
  return new MsgpackWriter(plainBytesMax).array(3).integer(MessageType.outcome).integer(seq).integer(deed).finish();
}

export function encodeBeat({ clockMs, queued, oldestMs, rulesVersion }: Fields<Beat>): Uint8Array {
  const writer = new MsgpackWriter(plainBytesMax).array(5).integer(MessageType.beat);
  return writer.integer(clockMs).integer(queued).integerOrNil(oldestMs).integer(rulesVersion).finish();
}

export function encodeErr({ code, message, fatal, retryMs, offset }: Fields<Err>): Uint8Array {
  const writer = new MsgpackWriter(plainBytesMax + 3 * message.length).array(6).integer(MessageType.err);
  return writer.integer(code).str(message).bool(fatal).integerOrNil(retryMs).integerOrNil(offset).finish();
}

export function encodeCredit(credit: number): Uint8Array {
  return new MsgpackWriter(plainBytesMax).array(2).integer(MessageType.credit).integer(credit).finish();
}
