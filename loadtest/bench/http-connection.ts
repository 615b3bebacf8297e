import { connect, type Socket } from 'node:net';
import { limits } from '../limits.ts';
import type { HttpReader } from './http-reader.ts';
import { benchLimits } from './limits.ts';
import type { LoadConnection } from './load.ts';
import { dueFrames, type Pace, type Tally } from './tally.ts';

/**
 * One bare socket that posts one tap a request when it is due, one at a time, as the protocol wants of a reader: what is
 * due while another is under way waits, and its time runs.
 */
export class HttpConnection implements LoadConnection {
  readonly ready: Promise<string | null>;
  readonly #reader: HttpReader;
  readonly #tally: Tally;
  readonly #head: string;
  readonly #socket: Socket;
  #pace: Pace | undefined;
  #running = false;
  #sent = 0;
  #answered = 0;
  #received = '';

  constructor(reader: HttpReader, server: URL, tally: Tally) {
    this.#reader = reader;
    this.#tally = tally;
    const headers = Object.entries(reader.headers).map(([name, value]) => `${name}: ${value}\r\n`);
    this.#head = `POST /v1/taps HTTP/1.1\r\nHost: ${server.host}\r\nConnection: keep-alive\r\n${headers.join('')}`;
    this.#socket = connect({ host: server.hostname, port: Number(server.port), noDelay: true });
    this.ready = new Promise((resolve) => {
      this.#socket.once('connect', () => {
        this.#socket.setTimeout(0);
        resolve(null);
      });
      this.#socket.once('error', (error) => resolve(error.message));
      this.#socket.setTimeout(limits.connectTimeoutMs, () => resolve('silent'));
    });
    this.#socket.on('data', (chunk) => this.#receive(chunk));
    this.#socket.on('error', () => this.#fail('socket'));
    this.#socket.on('close', () => this.#fail('closed'));
  }

  get outstanding(): number {
    return this.#sent - this.#answered;
  }

  start(pace: Pace): void {
    this.#pace = pace;
    this.#running = true;
  }

  tick(): void {
    if (!this.#running || this.outstanding > 0 || this.#pace === undefined) return;
    const nowMs = performance.now();
    if (dueFrames(this.#pace, nowMs) <= this.#sent) return;
    const body = this.#reader.nextBody();
    const head = Buffer.from(`${this.#head}Content-Length: ${body.length}\r\n\r\n`, 'latin1');
    this.#tally.recordSend(this.#pace, this.#sent, nowMs);
    this.#sent++;
    this.#tally.sentFrames++;
    this.#socket.write(Buffer.concat([head, body]));
  }

  stop(): void {
    this.#running = false;
  }

  close(): void {
    this.#running = false;
    this.#socket.destroy();
    this.#reader.close();
  }

  #fail(why: string): void {
    if (this.#running) this.#tally.countError(why);
    this.#running = false;
    this.#socket.destroy();
  }

  #receive(chunk: Buffer): void {
    this.#received += chunk.toString('latin1');
    const headEnd = this.#received.indexOf('\r\n\r\n');
    if (headEnd < 0) {
      if (this.#received.length > benchLimits.responseHeadBytesMax) this.#fail('head too long');
      return;
    }
    const length = Number(/\r\ncontent-length: *(\d+)/i.exec(this.#received)?.[1] ?? NaN);
    if (this.#received.length < headEnd + 4 + length) return;
    if (!this.#received.startsWith('HTTP/1.1 200 ')) return this.#fail(`status ${this.#received.slice(9, 12)}`);
    this.#received = '';
    if (this.#pace !== undefined) this.#tally.recordAnswer(this.#pace, this.#answered, performance.now());
    this.#answered++;
    this.#tally.answeredFrames++;
    this.tick();
  }
}
