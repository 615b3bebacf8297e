import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { OperatorError } from '../../errors.ts';
import type { Percentiles } from '../tally.ts';
import { answersLimits } from './limits.ts';
import { quantile } from './timing.ts';

export interface StreamOptions {
  readonly region: string;
  /** Of the service. */
  readonly url: string;
  readonly readers: number;
  readonly tapsPerSecond: number;
}

export interface StreamSecond {
  readonly taps_per_second: number;
}

export interface StreamEnd {
  /** Acknowledged. */
  readonly taps: number;
  readonly ack_ms: Percentiles;
  /** Answers by decision code. */
  readonly codes: Readonly<Record<string, number>>;
  readonly errors: Readonly<Record<string, number>>;
}

/** What came of the stream. */
export interface StreamReport extends StreamEnd {
  readonly wanted_taps_per_second: number;
  readonly seconds: number;
  /** Acknowledged within a second: the median and the worst twentieth of all seconds. */
  readonly taps_per_second: { readonly median: number; readonly p5: number };
}

/** Taps that come in at a steady rate while something else is measured. */
export class Stream {
  readonly #child: ChildProcess;
  readonly #wanted: number;
  readonly #rates: number[] = [];
  #end: StreamEnd | undefined;
  #errorText = '';

  private constructor(child: ChildProcess, wanted: number) {
    this.#child = child;
    this.#wanted = wanted;
  }

  /** Comes back when every reader is welcomed and sends. */
  static async start(options: StreamOptions): Promise<Stream> {
    const child = spawn(process.execPath, [join(import.meta.dirname, 'stream-process.ts'), JSON.stringify(options)], {
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    const stream = new Stream(child, options.tapsPerSecond);
    const ready = new Promise<boolean>((resolve) => {
      createInterface({ input: child.stdout }).on('line', (line) => stream.#take(line, resolve));
      child.once('exit', () => resolve(false));
      setTimeout(() => resolve(false), answersLimits.streamReadyWithinMs).unref();
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => (stream.#errorText = text.slice(-2_000)));
    child.stdin.on('error', () => undefined);
    if (await ready) return stream;
    child.kill('SIGKILL');
    const cause = `the stream did not begin: ${stream.#errorText.trim().split('\n').at(-1)}`;
    throw new OperatorError('STREAM_NOT_READY', cause, 'Run the bench of the service first');
  }

  get isRunning(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** Sends no more, waits for answers, and says how it was. */
  async stop(): Promise<StreamReport> {
    if (this.isRunning) {
      const exited = once(this.#child, 'exit');
      this.#child.stdin?.end();
      await exited;
    }
    if (this.#end === undefined) {
      const cause = `the stream broke off: ${this.#errorText.trim().split('\n').at(-1)}`;
      throw new OperatorError('STREAM_BROKEN', cause, 'See whether the service still runs');
    }
    const taps_per_second = { median: quantile(this.#rates, 0.5), p5: quantile(this.#rates, 0.05) };
    return { wanted_taps_per_second: this.#wanted, seconds: this.#rates.length, taps_per_second, ...this.#end };
  }

  kill(): void {
    if (this.isRunning) this.#child.kill('SIGKILL');
  }

  #take(line: string, ready: (isReady: boolean) => void): void {
    const said = JSON.parse(line) as { ready: true } | StreamSecond | StreamEnd;
    if ('ready' in said) ready(true);
    else if ('taps' in said) this.#end = said;
    else this.#rates.push(said.taps_per_second);
  }
}
