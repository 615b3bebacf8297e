import { randomBytes, sign, type KeyObject } from 'node:crypto';
import { connect, type Socket } from 'node:net';
import type { RecordableHistogram } from 'node:perf_hooks';
import { encodeHello, helloSigningBytes } from '../../ingest/protocol/encode.ts';
import { decodeMessage, MessageType, peekType } from '../../ingest/protocol/messages.ts';
import { limits } from '../limits.ts';
import { privateKeyFromSeed } from '../region/keys.ts';
import { FrameTemplate, type TemplateTap } from './frame-templates.ts';
import { isUpgraded, maskedFrame, Opcode, ServerFrames, upgradeRequest } from './websocket-bytes.ts';

export interface SaturatingOptions {
  readonly url: URL;
  readonly readerId: number;
  readonly privateKey: string;
  readonly bootEpoch: number;
  readonly framesInFlight: number;
  readonly tapsPerFrame: number;
  /** The taps of each frame, used by turns. */
  readonly frames: readonly (readonly TemplateTap[])[];
  readonly firstMs: number;
  /** The reader's time between two frames. */
  readonly stepMs: number;
}

/** What all connections count together. */
export interface Counters {
  sentFrames: number;
  ackedFrames: number;
  lastAckMs: number;
  readonly codes: number[];
  readonly errors: Record<string, number>;
  readonly latencyMicros: RecordableHistogram;
}

/** One reader that keeps a fixed number of frames in flight, with as little work of its own as can be. */
export class SaturatingConnection {
  readonly #options: SaturatingOptions;
  readonly #counters: Counters;
  readonly #key: KeyObject;
  readonly #maskKey = randomBytes(4);
  readonly #templates: readonly FrameTemplate[];
  readonly #sentAtMs: Float64Array;
  readonly #socket: Socket;
  readonly #frames = new ServerFrames();
  readonly #upgradeKey = randomBytes(16).toString('base64');
  #head = '';
  #upgraded = false;
  #running = false;
  /** Frames, counted from 0: sent so far, acknowledged so far, refused since the last rewind. */
  #sent = 0;
  #acked = 0;
  #refused = 0;
  #welcomed: (problem: string | null) => void = () => undefined;
  readonly ready: Promise<string | null>;

  constructor(options: SaturatingOptions, counters: Counters) {
    this.#options = options;
    this.#counters = counters;
    this.#key = privateKeyFromSeed(options.privateKey);
    this.#templates = options.frames.map((taps) => new FrameTemplate(taps, this.#maskKey));
    this.#sentAtMs = new Float64Array(options.framesInFlight);
    this.ready = new Promise((resolve) => (this.#welcomed = resolve));
    const { url } = options;
    this.#socket = connect({ host: url.hostname, port: Number(url.port || 80), noDelay: true });
    this.#socket.on('connect', () => this.#socket.write(upgradeRequest(url, this.#upgradeKey)));
    this.#socket.on('data', (chunk) => this.#receive(chunk));
    this.#socket.on('error', (error) => this.#failed(`socket: ${error.message}`));
    this.#socket.on('close', () => this.#failed('closed'));
    this.#socket.setTimeout(limits.connectTimeoutMs, () => this.#failed('silent'));
  }

  get outstanding(): number {
    return this.#sent - this.#acked;
  }

  start(): void {
    this.#running = true;
    this.#fill();
  }

  stop(): void {
    this.#running = false;
  }

  close(): void {
    this.#running = false;
    this.#socket.removeAllListeners('close');
    this.#socket.destroy();
  }

  #failed(why: string): void {
    this.#welcomed(why);
    if (this.#running) this.#countError(why);
    this.#running = false;
    this.#socket.destroy();
  }

  #countError(name: string): void {
    this.#counters.errors[name] = (this.#counters.errors[name] ?? 0) + 1;
  }

  #receive(chunk: Buffer): void {
    if (this.#upgraded) this.#frames.push(chunk, (opcode, payload) => this.#frame(opcode, payload));
    else this.#upgrade(chunk);
    this.#fill();
  }

  #upgrade(chunk: Buffer): void {
    this.#head += chunk.toString('latin1');
    const end = this.#head.indexOf('\r\n\r\n');
    if (end < 0) return;
    if (!isUpgraded(this.#head.slice(0, end), this.#upgradeKey)) return this.#failed('not upgraded');
    this.#upgraded = true;
    const rest = Buffer.from(this.#head.slice(end + 4), 'latin1');
    this.#frames.push(rest, (opcode, payload) => this.#frame(opcode, payload));
  }

  #frame(opcode: number, payload: Buffer): void {
    if (opcode === Opcode.ping) this.#socket.write(maskedFrame(Opcode.pong, payload, this.#maskKey));
    if (opcode !== Opcode.binary) return;
    if (peekType(payload) === MessageType.ack) this.#ack(payload);
    else this.#other(payload);
  }

  /** Reads `durableSeq` and the codes without building a message. */
  #ack(payload: Buffer): void {
    const at = { offset: 3 };
    const durableSeq = readUint(payload, at);
    readUint(payload, at);
    readUint(payload, at);
    at.offset += payload[at.offset] === 0xc4 ? 2 : 3;
    const { codes, latencyMicros } = this.#counters;
    const { tapsPerFrame, framesInFlight } = this.#options;
    for (let place = 0; place < tapsPerFrame; place++) codes[payload[at.offset + place]]++;
    const nowMs = performance.now();
    const durableFrames = Math.floor(durableSeq / tapsPerFrame);
    for (; this.#acked < Math.min(durableFrames, this.#sent); this.#acked++) {
      const micros = Math.round((nowMs - this.#sentAtMs[this.#acked % framesInFlight]) * 1000);
      latencyMicros.record(Math.max(1, micros));
      this.#counters.ackedFrames++;
    }
    this.#counters.lastAckMs = nowMs;
    this.#rewindWhenDrained(0);
  }

  #other(payload: Buffer): void {
    const decoded = decodeMessage(payload);
    if (!decoded.ok) return this.#failed('undecodable');
    const { message } = decoded;
    if (message.type === 'challenge') this.#hello(message.nonce);
    else if (message.type === 'welcome') this.#welcomed(message.nextSeq === 1 ? null : `nextSeq ${message.nextSeq}`);
    else if (message.type === 'err') {
      if (message.fatal) this.#failed(`ERR ${message.code}`);
      else {
        this.#countError(`ERR ${message.code}`);
        this.#refused++;
        this.#rewindWhenDrained(message.retryMs ?? 0);
      }
    }
  }

  #hello(nonce: Uint8Array): void {
    const { readerId, bootEpoch } = this.#options;
    const signature = sign(null, helloSigningBytes(nonce, readerId, bootEpoch), this.#key);
    const hello = { readerId, bootEpoch, nextSeq: 1, clockMs: Date.now(), firmware: 'saturate 1', rulesVersion: 0 };
    this.#socket.write(maskedFrame(Opcode.binary, encodeHello({ ...hello, signature }), this.#maskKey));
    this.#socket.setTimeout(0);
  }

  /** After a refusal: once everything else is answered, goes on from the first frame that is not durable. */
  #rewindWhenDrained(waitMs: number): void {
    if (this.#refused === 0 || this.outstanding > this.#refused) return;
    setTimeout(() => {
      this.#refused = 0;
      this.#counters.sentFrames -= this.outstanding;
      this.#sent = this.#acked;
      this.#fill();
    }, waitMs);
  }

  #fill(): void {
    const { framesInFlight, tapsPerFrame, firstMs, stepMs } = this.#options;
    const count = framesInFlight - this.outstanding;
    if (!this.#running || this.#refused > 0 || count <= 0) return;
    const templates = this.#templates;
    let bytes = 0;
    for (let n = this.#sent; n < this.#sent + count; n++) bytes += templates[n % templates.length].bytes;
    const target = Buffer.allocUnsafe(bytes);
    const nowMs = performance.now();
    for (let at = 0; at < bytes; this.#sent++) {
      const template = templates[this.#sent % templates.length];
      template.write(target, at, this.#sent * tapsPerFrame + 1, firstMs + this.#sent * stepMs);
      this.#sentAtMs[this.#sent % framesInFlight] = nowMs;
      at += template.bytes;
    }
    this.#counters.sentFrames += count;
    this.#socket.write(target);
  }
}

/** An unsigned MessagePack integer at an offset, which moves behind it. */
function readUint(bytes: Buffer, at: { offset: number }): number {
  const head = bytes[at.offset++];
  if (head < 0x80) return head;
  const size = 2 ** (head - 0xcc);
  const value = size === 8 ? Number(bytes.readBigUInt64BE(at.offset)) : bytes.readUIntBE(at.offset, size);
  at.offset += size;
  return value;
}
