import { decodeMessage } from '../../ingest/protocol/messages.ts';
import { maskedFrame, maskedHeadBytes, Opcode } from './websocket-bytes.ts';

/** Offsets in the payload of the two fields that change from frame to frame; both have a fixed width here. */
const firstSeqAt = 3;
const baseMsAt = 8;
const payloadHeadBytes = 19;

export interface TemplateTap {
  readonly uid: Buffer;
  readonly kind: number;
  readonly amountKop: number;
}

function tapBytes({ uid, kind, amountKop }: TemplateTap): Buffer {
  const amount = amountKop === 0 ? [] : [0xcd, amountKop >> 8, amountKop & 0xff];
  return Buffer.from([0x93 + (amount.length > 0 ? 1 : 0), 0xc4, uid.length, ...uid, kind, 0, ...amount]);
}

/** A TAPS message whose seq and time are patched in place: `firstSeq` as uint32, `baseMs` as uint64. */
function payloadOf(taps: readonly TemplateTap[]): Buffer {
  const head = Buffer.alloc(payloadHeadBytes);
  head.set([0x94, 2, 0xce]);
  head[baseMsAt - 1] = 0xcf;
  head[payloadHeadBytes - 3] = 0xdc;
  head.writeUInt16BE(taps.length, payloadHeadBytes - 2);
  return Buffer.concat([head, ...taps.map(tapBytes)]);
}

/** A masked frame, ready but for its seq and time. The same key masks every frame of a connection. */
export class FrameTemplate {
  readonly #frame: Buffer;
  readonly #head: number;
  readonly #key: Buffer;

  constructor(taps: readonly TemplateTap[], key: Buffer) {
    const payload = payloadOf(taps);
    payload.writeUInt32BE(1, firstSeqAt);
    const decoded = decodeMessage(payload);
    if (!decoded.ok || decoded.message.type !== 'taps') throw new Error('the template is no TAPS message');
    this.#frame = maskedFrame(Opcode.binary, payload, key);
    this.#head = maskedHeadBytes(payload.length);
    this.#key = key;
  }

  get bytes(): number {
    return this.#frame.length;
  }

  /** Writes the frame into `target` at `at`. */
  write(target: Buffer, at: number, firstSeq: number, baseMs: number): void {
    this.#frame.copy(target, at);
    const payloadAt = at + this.#head;
    this.#patch(target, payloadAt, firstSeqAt, firstSeq);
    this.#patch(target, payloadAt, baseMsAt, Math.floor(baseMs / 2 ** 32));
    this.#patch(target, payloadAt, baseMsAt + 4, baseMs % 2 ** 32);
  }

  #patch(target: Buffer, payloadAt: number, offset: number, word: number): void {
    const key = this.#key;
    for (let place = 0; place < 4; place++) {
      target[payloadAt + offset + place] = ((word >>> (24 - 8 * place)) & 0xff) ^ key[(offset + place) & 3];
    }
  }
}
