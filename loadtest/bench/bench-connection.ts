import { randomBytes, sign } from 'node:crypto';
import { connect, type Socket } from 'node:net';
import { encodeHello, helloSigningBytes } from '../../ingest/protocol/encode.ts';
import { creditTapsMax } from '../../ingest/protocol/limits.ts';
import { decodeMessage, MessageType, peekType } from '../../ingest/protocol/messages.ts';
import { limits } from '../limits.ts';
import { FrameTemplate } from '../scenarios/frame-templates.ts';
import { isUpgraded, maskedFrame, Opcode, ServerFrames, upgradeRequest } from '../scenarios/websocket-bytes.ts';
import { readAck } from './ack-bytes.ts';
import { type BenchReader, stepMsOf } from './bench-reader.ts';
import { dueFrames, type Pace, type Tally } from './tally.ts';

export interface ConnectionOptions {
  readonly url: URL;
  readonly reader: BenchReader;
  readonly tapsPerFrame: number;
  /** Frames unanswered at saturation; in open loop only the protocol's credit bounds them. */
  readonly framesInFlight: number;
  /** The server sends frames back as they are: no HELLO, and any binary frame answers the oldest. */
  readonly isEcho: boolean;
}

/**
 * One bare socket that sends the frames of the saturating generator, really masked and encoded beforehand: as many at a
 * time as may be in flight, or those that a pace makes due. The same for the service and the floor but for HELLO.
 */
export class BenchConnection {
  readonly ready: Promise<string | null>;
  readonly #options: ConnectionOptions;
  readonly #tally: Tally;
  readonly #maskKey = randomBytes(4);
  readonly #templates: readonly FrameTemplate[];
  readonly #stepMs: number;
  readonly #firstMs: number;
  readonly #socket: Socket;
  readonly #frames = new ServerFrames();
  readonly #upgradeKey = randomBytes(16).toString('base64');
  readonly #creditFrames: number;
  #head: string | undefined = '';
  #running = false;
  #pace: Pace | undefined;
  /** Frames, counted from 0: sent so far, answered so far, refused since the last rewind. */
  #sent = 0;
  #answered = 0;
  #refused = 0;
  #settled: (problem: string | null) => void = () => undefined;

  constructor(options: ConnectionOptions, tally: Tally) {
    const { url, reader, tapsPerFrame } = options;
    this.#options = options;
    this.#tally = tally;
    this.#templates = reader.framesOf(tapsPerFrame).map((taps) => new FrameTemplate(taps, this.#maskKey));
    this.#stepMs = stepMsOf(this.#templates.length);
    this.#firstMs = reader.nextMs;
    this.#creditFrames = Math.floor(creditTapsMax / tapsPerFrame);
    this.ready = new Promise((resolve) => (this.#settled = resolve));
    this.#socket = connect({ host: url.hostname, port: Number(url.port), noDelay: true });
    this.#socket.on('connect', () => this.#socket.write(upgradeRequest(url, this.#upgradeKey)));
    this.#socket.on('data', (chunk) => this.#receive(chunk));
    this.#socket.on('error', (error) => this.#fail(`socket: ${error.message}`));
    this.#socket.on('close', () => this.#fail('closed'));
    this.#socket.setTimeout(limits.connectTimeoutMs, () => this.#fail('silent'));
  }

  get outstanding(): number {
    return this.#sent - this.#answered;
  }

  /** Keeps the socket full; with a pace, sends what is due each time that `tick` is called. */
  start(pace?: Pace): void {
    this.#pace = pace;
    this.#running = true;
    this.#fill();
  }

  tick(): void {
    this.#fill();
  }

  stop(): void {
    this.#running = false;
  }

  close(): void {
    this.#running = false;
    this.#socket.removeAllListeners('close');
    this.#socket.destroy();
    this.#options.reader.spend(this.#sent, this.#stepMs);
  }

  #fail(why: string): void {
    this.#settled(why);
    if (this.#running) this.#tally.countError(why);
    this.#running = false;
    this.#socket.destroy();
  }

  #welcomed(): void {
    this.#socket.setTimeout(0);
    this.#settled(null);
  }

  #receive(chunk: Buffer): void {
    if (this.#head === undefined) this.#frames.push(chunk, this.#onFrame);
    else this.#upgrade(chunk);
    // In open loop what is due is sent at its time, not when an answer comes.
    if (this.#pace === undefined) this.#fill();
  }

  #upgrade(chunk: Buffer): void {
    this.#head += chunk.toString('latin1');
    const head = this.#head ?? '';
    const end = head.indexOf('\r\n\r\n');
    if (end < 0) return;
    if (!isUpgraded(head.slice(0, end), this.#upgradeKey)) return this.#fail('not upgraded');
    this.#head = undefined;
    if (this.#options.isEcho) this.#welcomed();
    this.#frames.push(Buffer.from(head.slice(end + 4), 'latin1'), this.#onFrame);
  }

  readonly #onFrame = (opcode: number, payload: Buffer): void => {
    if (opcode === Opcode.ping) this.#socket.write(maskedFrame(Opcode.pong, payload, this.#maskKey));
    if (opcode !== Opcode.binary) return;
    if (this.#options.isEcho) this.#answeredTo(this.#answered + 1);
    else if (peekType(payload) === MessageType.ack) this.#ack(payload);
    else this.#other(payload);
  };

  #ack(payload: Buffer): void {
    const { tapsPerFrame } = this.#options;
    const durableSeq = readAck(payload, tapsPerFrame, this.#tally.codes);
    this.#answeredTo(Math.min(Math.floor(durableSeq / tapsPerFrame), this.#sent));
    this.#rewindWhenDrained(0);
  }

  #answeredTo(frames: number): void {
    const nowMs = performance.now();
    for (; this.#answered < frames; this.#answered++) {
      this.#tally.answeredFrames++;
      if (this.#pace !== undefined) this.#tally.recordAnswer(this.#pace, this.#answered, nowMs);
    }
  }

  #other(payload: Buffer): void {
    const decoded = decodeMessage(payload);
    if (!decoded.ok) return this.#fail('undecodable');
    const { message } = decoded;
    if (message.type === 'challenge') this.#hello(message.nonce);
    else if (message.type === 'welcome') this.#welcomed();
    else if (message.type === 'err') {
      if (message.fatal) return this.#fail(`ERR ${message.code}`);
      this.#tally.countError(`ERR ${message.code}`);
      this.#refused++;
      this.#rewindWhenDrained(message.retryMs ?? 0);
    }
  }

  #hello(nonce: Uint8Array): void {
    const { readerId, key } = this.#options.reader;
    const bootEpoch = this.#options.reader.nextEpoch();
    const signature = sign(null, helloSigningBytes(nonce, readerId, bootEpoch), key);
    const hello = { readerId, bootEpoch, nextSeq: 1, clockMs: Date.now(), firmware: 'bench 1', rulesVersion: 0 };
    this.#socket.write(maskedFrame(Opcode.binary, encodeHello({ ...hello, signature }), this.#maskKey));
  }

  /** After a refusal: once everything else is answered, goes on from the first frame that is not durable. */
  #rewindWhenDrained(waitMs: number): void {
    if (this.#refused === 0 || this.outstanding > this.#refused) return;
    setTimeout(() => {
      this.#refused = 0;
      this.#tally.sentFrames -= this.outstanding;
      this.#sent = this.#answered;
      this.#fill();
    }, waitMs);
  }

  /** Up to which frame may be sent now. */
  #allowed(nowMs: number): number {
    const atOnceMax = Math.min(this.#creditFrames, this.#pace === undefined ? this.#options.framesInFlight : Infinity);
    const due = this.#pace === undefined ? Infinity : dueFrames(this.#pace, nowMs);
    return Math.min(due, this.#answered + atOnceMax);
  }

  #fill(): void {
    if (!this.#running || this.#refused > 0) return;
    const nowMs = performance.now();
    const templates = this.#templates;
    const end = this.#allowed(nowMs);
    let bytes = 0;
    for (let frame = this.#sent; frame < end; frame++) bytes += templates[frame % templates.length].bytes;
    if (bytes === 0) return;
    const target = Buffer.allocUnsafe(bytes);
    this.#tally.sentFrames += end - this.#sent;
    for (let at = 0; this.#sent < end; this.#sent++) {
      const template = templates[this.#sent % templates.length];
      const firstSeq = this.#sent * this.#options.tapsPerFrame + 1;
      template.write(target, at, firstSeq, this.#firstMs + this.#sent * this.#stepMs);
      if (this.#pace !== undefined) this.#tally.recordSend(this.#pace, this.#sent, nowMs);
      at += template.bytes;
    }
    this.#socket.write(target);
  }
}
