import type { HttpResponse } from 'uws';
import { streamBufferBytesMax, streamPulseMs } from './limits.ts';

/**
 * An answer that goes on: server-sent events. It takes the response over: registers for its end, writes the head with the
 * first event, shows by a comment that it lives, and closes for a client that does not keep up.
 */
export class EventStream {
  readonly #response: HttpResponse;
  #isOver = false;
  #isBegun = false;
  #waitingBytes = 0;
  #pulse: NodeJS.Timeout | undefined;
  #onClose: (() => void)[] = [];
  #onDrained: (() => void)[] = [];
  /** The id of the last event that the client had of an earlier stream, as it tells with `Last-Event-ID`; else ''. */
  readonly lastEventId: string;

  /** To be called in the turn of the event loop in which the response is known to live. */
  constructor(response: HttpResponse, lastEventId = '') {
    this.#response = response;
    this.lastEventId = lastEventId;
    response.onAborted(() => this.#end());
    response.onWritable(() => {
      // The library does not go on with what waits by itself: the next write does, and says whether it is through.
      this.#write(':\n\n');
      return true;
    });
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  /** Whether the head has gone out, after which no error can be answered any more. */
  get isBegun(): boolean {
    return this.#isBegun;
  }

  /** Sends one event; false if the stream is over. `data` goes as JSON. */
  send(event: string, data: unknown, id?: string | number): boolean {
    const idLine = id === undefined ? '' : `id: ${id}\n`;
    return this.#write(`${idLine}event: ${event}\ndata: ${JSON.stringify(data)}\n\n`);
  }

  /** Calls when the client is gone or the stream was closed; at once if that is so already. */
  onClose(told: () => void): void {
    if (this.#isOver) told();
    else this.#onClose.push(told);
  }

  /** Resolves when nothing waits to be taken by the client any more, or the stream is over. */
  drained(): Promise<void> {
    if (this.#isOver || this.#waitingBytes === 0) return Promise.resolve();
    return new Promise((resolve) => this.#onDrained.push(resolve));
  }

  close(): void {
    if (this.#isOver) return;
    this.#end();
    this.#response.cork(() => this.#response.end());
  }

  /** Ends the stream at once, whatever still waits for a client that does not read. */
  cut(): void {
    if (this.#isOver) return;
    this.#end();
    this.#response.close();
  }

  /** Gives the response back, to be answered otherwise; false if that cannot be any more. */
  giveBack(): boolean {
    if (this.#isOver || this.#isBegun) return false;
    this.#end();
    return true;
  }

  #write(text: string): boolean {
    if (this.#isOver) return false;
    this.#response.cork(() => {
      this.#begin();
      // The library says only whether something waits: what was written since then is counted here.
      if (this.#response.write(text)) this.#waitingBytes = 0;
      else this.#waitingBytes += Buffer.byteLength(text);
    });
    if (this.#waitingBytes > streamBufferBytesMax) this.cut();
    else if (this.#waitingBytes === 0) for (const told of this.#onDrained.splice(0)) told();
    return !this.#isOver;
  }

  #begin(): void {
    if (this.#isBegun) return;
    this.#isBegun = true;
    this.#response.writeStatus('200 OK');
    this.#response.writeHeader('Content-Type', 'text/event-stream; charset=utf-8');
    this.#response.writeHeader('Cache-Control', 'no-store');
    this.#pulse = setInterval(() => this.#write(':\n\n'), streamPulseMs);
  }

  #end(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    clearInterval(this.#pulse);
    for (const told of [...this.#onClose.splice(0), ...this.#onDrained.splice(0)]) told();
  }
}
