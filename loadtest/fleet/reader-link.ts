import { sign, type KeyObject } from 'node:crypto';
import { WebSocket } from 'ws';
import { encodeHello, helloSigningBytes } from '../../ingest/protocol/encode.ts';
import { decodeMessage, type Ack, type Err, type Welcome } from '../../ingest/protocol/messages.ts';
import { limits } from '../limits.ts';

/** What a reader says of itself when it connects. */
export interface Introduction {
  readonly readerId: number;
  readonly bootEpoch: number;
  readonly nextSeq: number;
  readonly clockMs: number;
  readonly rulesVersion: number;
}

export interface LinkHandlers {
  introduce(): Introduction;
  onWelcome(welcome: Welcome): void;
  onAck(ack: Ack): void;
  onCredit(credit: number): void;
  onError(error: Err): void;
  /** The server sent what no server may send. */
  onFault(text: string): void;
  /** Everything that was sent before the PING has been read. */
  onPong(): void;
  /** Once, however the connection ended. */
  onDown(): void;
}

/** One connection of one reader: opens, answers the challenge, hands on what the server says. Dead after `onDown`. */
export class ReaderLink {
  readonly #socket: WebSocket;
  readonly #key: KeyObject;
  readonly #handlers: LinkHandlers;
  #down = false;

  constructor(url: string, key: KeyObject, handlers: LinkHandlers) {
    this.#key = key;
    this.#handlers = handlers;
    this.#socket = new WebSocket(url, {
      perMessageDeflate: false,
      handshakeTimeout: limits.connectTimeoutMs,
      skipUTF8Validation: true,
    });
    this.#socket.binaryType = 'nodebuffer';
    this.#socket.on('message', (data) => this.#receive(data as Buffer));
    this.#socket.on('pong', () => {
      if (!this.#down) this.#handlers.onPong();
    });
    this.#socket.on('close', () => this.#end());
    this.#socket.on('error', () => this.hangUp());
  }

  send(bytes: Uint8Array): void {
    if (this.#socket.readyState === WebSocket.OPEN) this.#socket.send(bytes, { binary: true });
  }

  /** True if it was sent: its PONG comes behind all that was sent before. */
  ping(): boolean {
    if (this.#socket.readyState !== WebSocket.OPEN) return false;
    this.#socket.ping();
    return true;
  }

  /** Drops the connection without a word, as a failing network does. */
  hangUp(): void {
    this.#socket.terminate();
    this.#end();
  }

  #end(): void {
    if (this.#down) return;
    this.#down = true;
    this.#handlers.onDown();
  }

  #receive(bytes: Buffer): void {
    if (this.#down) return;
    const decoded = decodeMessage(bytes);
    if (!decoded.ok) {
      this.#handlers.onFault(`undecodable message: ${decoded.message} at byte ${decoded.offset ?? '?'}`);
      return this.hangUp();
    }
    const { message } = decoded;
    if (message.type === 'challenge') this.#answerChallenge(message.nonce);
    else if (message.type === 'welcome') this.#handlers.onWelcome(message);
    else if (message.type === 'ack') this.#handlers.onAck(message);
    else if (message.type === 'credit') this.#handlers.onCredit(message.credit);
    else if (message.type === 'err') this.#handlers.onError(message);
    else this.#handlers.onFault(`a server does not send ${message.type}`);
  }

  #answerChallenge(nonce: Uint8Array): void {
    const introduction = this.#handlers.introduce();
    const signature = sign(null, helloSigningBytes(nonce, introduction.readerId, introduction.bootEpoch), this.#key);
    this.send(encodeHello({ ...introduction, firmware: 'simulated 1', signature }));
  }
}
