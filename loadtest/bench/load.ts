import { setTimeout as sleep } from 'node:timers/promises';
import { OperatorError } from '../errors.ts';
import { benchLimits } from './limits.ts';
import { type Pace, Tally } from './tally.ts';

/** A source of frames: opened once, run once, closed once. */
export interface Load {
  readonly tally: Tally;
  start(): void;
  /** Sends nothing more, and waits for the answers that are due. */
  stop(): Promise<void>;
  close(): void;
}

/** What one connection has to be able to do to carry a load. */
export interface LoadConnection {
  readonly ready: Promise<string | null>;
  readonly outstanding: number;
  start(pace?: Pace): void;
  tick(): void;
  stop(): void;
  close(): void;
}

/** Many connections that saturate, or that send so many frames a second between them, in open loop. */
export class ConnectionsLoad implements Load {
  readonly tally: Tally;
  readonly #connections: readonly LoadConnection[];
  readonly #framesPerSecond: number | undefined;
  readonly #warmMs: number;
  #timer: NodeJS.Timeout | undefined;

  private constructor(tally: Tally, connections: readonly LoadConnection[], warmMs: number, framesPerSecond?: number) {
    this.tally = tally;
    this.#connections = connections;
    this.#warmMs = warmMs;
    this.#framesPerSecond = framesPerSecond;
  }

  /** Resolves when every connection may send. */
  static async open(
    make: (tally: Tally) => LoadConnection[],
    warmMs: number,
    framesPerSecond?: number,
  ): Promise<ConnectionsLoad> {
    const tally = new Tally();
    const connections = make(tally);
    const problems = (await Promise.all(connections.map(({ ready }) => ready))).filter((problem) => problem !== null);
    const load = new ConnectionsLoad(tally, connections, warmMs, framesPerSecond);
    if (problems.length === 0) return load;
    load.close();
    const cause = `${problems.length} of ${connections.length} connections were not welcomed (${problems[0]})`;
    throw new OperatorError('NOT_WELCOMED', cause, 'Is another process using up sockets or memory?');
  }

  start(): void {
    if (this.#framesPerSecond === undefined) {
      for (const connection of this.#connections) connection.start();
      return;
    }
    const beginMs = performance.now() + benchLimits.paceStepMs;
    const everyMs = (this.#connections.length / this.#framesPerSecond) * 1000;
    this.#connections.forEach((connection, place) => {
      const firstMs = beginMs + (place * everyMs) / this.#connections.length;
      connection.start({ firstMs, everyMs, recordFromMs: beginMs + this.#warmMs });
    });
    this.#timer = setInterval(() => {
      for (const connection of this.#connections) connection.tick();
    }, benchLimits.paceStepMs);
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    for (const connection of this.#connections) connection.stop();
    const giveUpMs = performance.now() + benchLimits.answersWithinMs;
    while (performance.now() < giveUpMs && this.#connections.some(({ outstanding }) => outstanding > 0)) await sleep(5);
    const unanswered = this.#connections.reduce((sum, { outstanding }) => sum + outstanding, 0);
    if (unanswered > 0) this.tally.errors['unanswered'] = unanswered;
  }

  close(): void {
    clearInterval(this.#timer);
    for (const connection of this.#connections) connection.close();
  }
}
