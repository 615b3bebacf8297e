import { createPublicKey, randomBytes, verify } from 'node:crypto';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { WebSocketServer, type WebSocket } from 'ws';
import {
  encodeAck,
  encodeChallenge,
  encodeErr,
  encodeWelcome,
  helloSigningBytes,
} from '../../ingest/protocol/encode.ts';
import { decodeMessage, type Hello, type Taps, type WireTap } from '../../ingest/protocol/messages.ts';
import { Random } from '../region/random.ts';

const spkiPrefix = Buffer.from('302a300506032b6570032100', 'hex');

/** How the stub misbehaves within the contract, and one way in which it breaks it. */
export interface StubOptions {
  readonly publicKeys: ReadonlyMap<number, string>;
  readonly credit?: number;
  /** Share of frames after which the connection is dropped: before anything is kept, or before it is acknowledged. */
  readonly cutsBefore?: number;
  readonly cutsAfter?: number;
  /** Share of frames answered with ERR 8. */
  readonly notNow?: number;
  readonly ackDelayMs?: number;
  /** Answers a repeat with another code. */
  readonly forgetful?: boolean;
}

interface KeptTap {
  readonly tap: WireTap;
  readonly atMs: number;
  readonly code: number;
}

/**
 * A gateway for tests of clients: speaks the contract, keeps everything in memory, decides that a tap is accepted unless
 * its card's first byte is 0xFF. `kept` is what it acknowledged or may have.
 */
export class StubGateway {
  readonly kept = new Map<string, KeptTap[]>();
  /** Everything kept, in the order in which it came in. */
  readonly arrivals: KeptTap[] = [];
  readonly #options: StubOptions;
  readonly #server = new WebSocketServer({ host: '127.0.0.1', port: 0 });
  readonly #random = new Random('stub');
  frames = 0;
  taps = 0;

  constructor(options: StubOptions) {
    this.#options = options;
    this.#server.on('connection', (socket) => this.#greet(socket));
  }

  async url(): Promise<string> {
    if (this.#server.address() === null) await once(this.#server, 'listening');
    return `ws://127.0.0.1:${(this.#server.address() as AddressInfo).port}/v1/stream`;
  }

  close(): void {
    for (const socket of this.#server.clients) socket.terminate();
    this.#server.close();
  }

  #greet(socket: WebSocket): void {
    const nonce = randomBytes(32);
    let identity: string | null = null;
    let inFlight = 0;
    socket.on('error', () => socket.terminate());
    socket.send(encodeChallenge({ nonce, serverMs: Date.now() }));
    socket.on('message', (data) => {
      const decoded = decodeMessage(data as Buffer);
      if (!decoded.ok) throw new Error(`the client sent nonsense: ${decoded.message}`);
      const { message } = decoded;
      if (message.type === 'hello') identity = this.#welcome(socket, message, nonce);
      if (message.type !== 'taps' || identity === null) return;
      inFlight += message.taps.length;
      if (inFlight > this.#credit) return this.#refuse(socket, 6, 'credit exceeded', true);
      this.#take(socket, identity, message, () => (inFlight -= message.taps.length));
    });
  }

  get #credit(): number {
    return this.#options.credit ?? 4_096;
  }

  #refuse(socket: WebSocket, code: number, message: string, fatal: boolean): void {
    socket.send(encodeErr({ code, message, fatal, retryMs: code === 8 ? 20 : null, offset: null }));
    if (fatal) socket.close();
  }

  #welcome(socket: WebSocket, { readerId, bootEpoch, signature, clockMs }: Hello, nonce: Buffer): string | null {
    const publicKey = this.#options.publicKeys.get(readerId);
    if (publicKey === undefined) {
      this.#refuse(socket, 4, 'unknown', true);
      return null;
    }
    const der = Buffer.concat([spkiPrefix, Buffer.from(publicKey, 'hex')]);
    const key = createPublicKey({ key: der, format: 'der', type: 'spki' });
    if (!verify(null, helloSigningBytes(nonce, readerId, bootEpoch), key, signature)) {
      this.#refuse(socket, 3, 'bad signature', true);
      return null;
    }
    const identity = `${readerId}:${bootEpoch}`;
    const nextSeq = (this.kept.get(identity)?.length ?? 0) + 1;
    const serverMs = Date.now();
    const bounds = { credit: this.#credit, maxTaps: 512, maxBytes: 32_768, sessionToken: 'stub' };
    socket.send(encodeWelcome({ serverMs, nextSeq, ...bounds, clockOffsetMs: serverMs - clockMs }));
    return identity;
  }

  #take(socket: WebSocket, identity: string, frame: Taps, answered: () => void): void {
    const { cutsBefore = 0, cutsAfter = 0, notNow = 0, ackDelayMs = 0 } = this.#options;
    this.frames++;
    if (this.#random.chance(cutsBefore)) return socket.terminate();
    const answer = (send: () => void): unknown =>
      setTimeout(() => {
        answered();
        send();
      }, ackDelayMs);
    if (this.#random.chance(notNow)) {
      answer(() => this.#refuse(socket, 8, 'not now', false));
      return;
    }
    const kept = this.kept.get(identity) ?? [];
    this.kept.set(identity, kept);
    if (frame.firstSeq > kept.length + 1) {
      const expected = kept.length + 1;
      answer(() => this.#refuse(socket, 5, `gap: expected ${expected}`, false));
      return;
    }
    const codes = frame.taps.map((tap, place) => this.#decide(kept, frame.firstSeq + place, tap, frame.baseMs));
    if (this.#random.chance(cutsAfter)) return socket.terminate();
    const ack = { durableSeq: kept.length, credit: this.#credit, firstSeq: frame.firstSeq, balances: null };
    answer(() => socket.send(encodeAck({ ...ack, codes: Uint8Array.from(codes) })));
  }

  #decide(kept: KeptTap[], seq: number, tap: WireTap, baseMs: number): number {
    const known = kept.at(seq - 1);
    const atMs = baseMs + tap.deltaMs;
    if (seq <= kept.length && known) {
      const same = Buffer.compare(known.tap.uid, tap.uid) === 0 && known.atMs === atMs && known.tap.kind === tap.kind;
      return !same ? 91 : this.#options.forgetful ? 40 : known.code;
    }
    const code = tap.uid[0] === 0xff ? 40 : 10;
    const one = { tap, atMs, code };
    kept.push(one);
    this.arrivals.push(one);
    this.taps++;
    return code;
  }
}
