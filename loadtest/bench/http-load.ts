import autocannon from 'autocannon';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import type { HttpReader } from './http-reader.ts';
import { benchLimits } from './limits.ts';
import type { Load } from './load.ts';
import { Tally } from './tally.ts';

/** A client ends by itself, in place of its next request, when it has made so many: the library leaves that untyped. */
type EndingClient = autocannon.Client & { responseMax?: number };

/** Saturation over HTTP with autocannon: one request at a time on each connection, which is kept alive. */
export class AutocannonLoad implements Load {
  readonly tally = new Tally();
  readonly #readers: readonly HttpReader[];
  readonly #server: URL;
  readonly #clients: EndingClient[] = [];
  #instance: autocannon.Instance | undefined;
  #ended: Promise<unknown> | undefined;

  constructor(readers: readonly HttpReader[], server: URL) {
    this.#readers = readers;
    this.#server = server;
  }

  start(): void {
    const free = [...this.#readers];
    const settings: autocannon.Options = {
      url: new URL('/v1/taps', this.#server).href,
      method: 'POST',
      connections: this.#readers.length,
      duration: benchLimits.secondsMax * 2,
      setupClient: (client) => this.#drive(client, free.pop()),
    };
    // With a callback it gives the instance; without one, a promise that is one as well.
    this.#instance = autocannon(settings, () => undefined);
    this.#ended = once(this.#instance, 'done');
    this.#instance.on('reqError', () => this.tally.countError('request'));
  }

  async stop(): Promise<void> {
    // Cut off by `stop`, requests under way would be taps that nobody was told of.
    for (const client of this.#clients) client.responseMax = 1;
    await Promise.race([this.#ended, sleep(benchLimits.answersWithinMs, undefined, { ref: false })]);
    this.#instance?.stop();
    await this.#ended;
  }

  close(): void {
    for (const reader of this.#readers) reader.close();
  }

  #drive(client: autocannon.Client, reader: HttpReader | undefined): void {
    if (reader === undefined) throw new Error('autocannon made more connections than it was told');
    const prepare = () => client.setHeadersAndBody({ ...reader.headers }, reader.nextBody());
    prepare();
    this.#clients.push(client);
    client.on('response', (status: number) => {
      if (status === 200) this.tally.answeredFrames++;
      else this.tally.countError(`status ${status}`);
      prepare();
    });
  }
}
