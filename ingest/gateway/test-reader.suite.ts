import { sign } from 'node:crypto';
import { WebSocket } from 'ws';
import { encodeHello, encodeTaps, helloSigningBytes, type HelloFields, type TapFields } from '../protocol/encode.ts';
import { type Ack, decodeMessage, type Err, type Message, type Welcome } from '../protocol/messages.ts';
import { privateKeyOf, pupilsCount, uidOf } from './running-gateway.suite.ts';

/** When the first tap of every test's reader was made. */
export const baseMs = Date.UTC(2026, 8, 1, 6);
export const mealKop = 100;

/** The tap that a reader makes with a seq: the same for the same seq, and never a bounce of another. */
export function tapOf(seq: number): TapFields {
  return { uid: uidOf(1 + (seq % pupilsCount)), kind: 3, deltaMs: seq * 20_000, amountKop: mealKop };
}

export function tapsFrom(firstSeq: number, count: number): Uint8Array {
  const taps = Array.from({ length: count }, (_, place) => tapOf(firstSeq + place));
  return encodeTaps({ firstSeq, baseMs, taps });
}

export function signedHello(readerId: number, nonce: Uint8Array, fields: Partial<HelloFields> = {}): Uint8Array {
  const bootEpoch = fields.bootEpoch ?? 1;
  const signature = sign(null, helloSigningBytes(nonce, readerId, bootEpoch), privateKeyOf(readerId));
  const common = { readerId, bootEpoch, nextSeq: 1, clockMs: Date.now(), firmware: 'test', rulesVersion: 0, signature };
  return encodeHello({ ...common, ...fields });
}

export function decoded(bytes: Uint8Array): Message {
  const result = decodeMessage(bytes);
  if (!result.ok) throw new Error(`the server sent a malformed message: ${result.message}`);
  return result.message;
}

/** One connection of one reader, message by message. */
export class TestReader {
  readonly socket: WebSocket;
  /** The close code, once the connection is closed. */
  readonly closed: Promise<number>;
  readonly #inbox: Message[] = [];
  #wake: () => void = () => undefined;
  #closeCode = 0;

  private constructor(url: string) {
    this.socket = new WebSocket(url, 'tapline.v1', { perMessageDeflate: false, rejectUnauthorized: false });
    this.socket.on('message', (data) => {
      this.#inbox.push(decoded(data as Buffer));
      this.#wake();
    });
    this.socket.on('error', () => undefined);
    this.closed = new Promise((resolve) => {
      this.socket.on('close', (code) => {
        this.#closeCode = code;
        resolve(code);
        this.#wake();
      });
    });
  }

  /** Connects; the CHALLENGE is the first message. */
  static connect(url: string): TestReader {
    return new TestReader(url);
  }

  /** Connects and says HELLO. */
  static async welcome(url: string, readerId: number, fields: Partial<HelloFields> = {}) {
    const reader = new TestReader(url);
    const welcome = await reader.hello(readerId, fields);
    return { reader, welcome };
  }

  async next(): Promise<Message> {
    for (;;) {
      const message = this.#inbox.shift();
      if (message !== undefined) return message;
      if (this.#closeCode !== 0) throw new Error(`closed with ${this.#closeCode}`);
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }

  async hello(readerId: number, fields: Partial<HelloFields> = {}): Promise<Welcome> {
    const challenge = await this.expect('challenge');
    this.send(signedHello(readerId, challenge.nonce, fields));
    return await this.expect('welcome');
  }

  async expect<T extends Message['type']>(type: T): Promise<Extract<Message, { type: T }>> {
    const message = await this.next();
    if (message.type !== type) throw new Error(`expected ${type}, got ${JSON.stringify(message)}`);
    return message as Extract<Message, { type: T }>;
  }

  send(bytes: Uint8Array | string): void {
    this.socket.send(bytes);
  }

  async taps(firstSeq: number, count: number): Promise<Ack> {
    this.send(tapsFrom(firstSeq, count));
    return await this.expect('ack');
  }

  /** Sends bytes that are refused, and gives the ERR. */
  async refused(bytes: Uint8Array | string): Promise<Err> {
    this.send(bytes);
    return await this.expect('err');
  }

  async close(): Promise<void> {
    this.socket.close();
    await this.closed;
  }
}
