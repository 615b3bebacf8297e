import { setTimeout as sleep } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import type { Cell } from '../../analytics/queries/columns.ts';
import type { Logger } from '../../analytics/logger.ts';
import { environmentError, OperatorError } from '../../workers/errors.ts';
import {
  clockIntervalMs,
  heapMbMax,
  restartDelayMaxMs,
  restartDelayMinMs,
  steadyAfterMs,
  stopTimeoutMs,
} from './limits.ts';
import type { AnsweredRequest, DashboardsData, FromDashboards, ServiceQuestion, ToDashboards } from './messages.ts';

export interface DashboardsOptions {
  readonly data: Omit<DashboardsData, 'clockMs' | 'clickhouseUrl'>;
  /** Where ClickHouse is just now. */
  readonly clickhouseUrl: () => string;
  readonly now: () => number;
  readonly logger: Logger;
  /** Answers what only the service knows, part by part. */
  readonly answer: (question: ServiceQuestion) => AsyncIterable<readonly (readonly Cell[])[]>;
}

export interface DashboardsStatus {
  readonly state: 'starting' | 'running' | 'restarting' | 'stopped';
  /** Null before it listened. */
  readonly url: string | null;
  readonly restarts: number;
  readonly lastError: string | undefined;
}

/**
 * The dashboards' server in a thread of its own: no acknowledgement waits for it, and when it dies it is begun again, on the
 * same port.
 */
export class DashboardsThread {
  readonly #options: DashboardsOptions;
  readonly #clock = new Float64Array(new SharedArrayBuffer(Float64Array.BYTES_PER_ELEMENT));
  readonly #ending = new AbortController();
  #worker: Worker | undefined;
  #state: DashboardsStatus['state'] = 'starting';
  #port: number | undefined;
  #restarts = 0;
  #lastError: string | undefined;
  #running: Promise<void> | undefined;
  #clockTimer: NodeJS.Timeout | undefined;
  /** Told of each question that was answered. */
  onAnswered: (request: AnsweredRequest) => void = () => undefined;

  constructor(options: DashboardsOptions) {
    this.#options = options;
  }

  /** Begins to serve; answers the address. Throws PORT_TAKEN, and what else keeps the thread from its work. */
  async start(): Promise<string> {
    const tellTime = () => (this.#clock[0] = this.#options.now());
    tellTime();
    this.#clockTimer = setInterval(tellTime, clockIntervalMs).unref();
    const life = this.#begin();
    try {
      await life.listening;
    } catch (error) {
      await this.stop();
      throw error;
    }
    this.#running = this.#keepRunning(life.ended);
    return this.#url!;
  }

  status(): DashboardsStatus {
    return { state: this.#state, url: this.#url, restarts: this.#restarts, lastError: this.#lastError };
  }

  /** The embedded engine came back elsewhere. */
  useUrl(clickhouseUrl: string): void {
    this.#tell({ type: 'url', clickhouseUrl });
  }

  /** Ends the thread as a crash would, for tests. */
  async crash(): Promise<void> {
    await this.#worker?.terminate();
  }

  async stop(): Promise<void> {
    this.#ending.abort();
    clearInterval(this.#clockTimer);
    const worker = this.#worker;
    if (worker !== undefined) {
      const cut = setTimeout(() => void worker.terminate(), stopTimeoutMs);
      const exited = new Promise((resolve) => worker.once('exit', resolve));
      this.#tell({ type: 'stop' });
      await exited;
      clearTimeout(cut);
    }
    await this.#running;
    this.#state = 'stopped';
  }

  get #url(): string | null {
    const { host, tlsCertificate } = this.#options.data;
    if (this.#port === undefined) return null;
    return `http${tlsCertificate === undefined ? '' : 's'}://${host.includes(':') ? `[${host}]` : host}:${this.#port}`;
  }

  async #keepRunning(first: Promise<string>): Promise<void> {
    let ended = first;
    let delayMs = restartDelayMinMs;
    for (;;) {
      const beganMs = performance.now();
      const failure = await ended;
      if (this.#ending.signal.aborted) return;
      this.#restarts += 1;
      this.#state = 'restarting';
      this.#lastError = failure;
      if (performance.now() - beganMs > steadyAfterMs) delayMs = restartDelayMinMs;
      this.#options.logger.error({ failure, retryInMs: delayMs }, "the dashboards' thread ended and is started again");
      await sleep(delayMs, undefined, { signal: this.#ending.signal }).catch(() => undefined);
      if (this.#ending.signal.aborted) return;
      delayMs = Math.min(delayMs * 2, restartDelayMaxMs);
      const life = this.#begin();
      // Why it could not listen is why it ended.
      life.listening.catch((error: unknown) => (this.#lastError = String(error)));
      ended = life.ended;
    }
  }

  /** One life of the thread; `ended` gives why. */
  #begin(): { readonly listening: Promise<void>; readonly ended: Promise<string> } {
    const { data, clickhouseUrl } = this.#options;
    // It comes back where people have it open.
    const place = this.#port === undefined ? {} : { port: this.#port, mayMove: false };
    const workerData: DashboardsData = {
      ...data,
      ...place,
      clickhouseUrl: clickhouseUrl(),
      clockMs: this.#clock.buffer,
    };
    const worker = new Worker(new URL('./worker.ts', import.meta.url), {
      workerData,
      resourceLimits: { maxOldGenerationSizeMb: heapMbMax },
    });
    this.#worker = worker;
    const listening = settleable<void>();
    const ended = settleable<string>();
    let failure = 'it was ended';
    worker.on('message', (message: FromDashboards) => {
      if (message.type === 'listening') this.#listens(message, listening.resolve);
      else if (message.type === 'refused') {
        const { code, message: text, remedy, exitStatus } = message.error;
        failure = `${code}: ${text}`;
        listening.reject(new OperatorError(code, text, remedy, exitStatus));
      } else this.#hear(worker, message);
    });
    worker.on('error', (error) => {
      failure = error instanceof Error ? error.message : String(error);
    });
    worker.once('exit', () => {
      if (this.#worker === worker) this.#worker = undefined;
      listening.reject(
        new OperatorError('DASHBOARDS_FAILED', `the dashboards did not start (${failure})`, 'See the log.'),
      );
      ended.resolve(failure);
    });
    return { listening: listening.promise, ended: ended.promise };
  }

  #listens({ port, isMoved }: FromDashboards & { type: 'listening' }, resolve: () => void): void {
    if (isMoved) {
      const wanted = this.#options.data.port;
      this.#options.logger.warn({ wanted, port }, "the dashboards' usual port is taken: they have another");
    }
    this.#port = port;
    this.#state = 'running';
    resolve();
  }

  #hear(worker: Worker, message: Exclude<FromDashboards, { type: 'listening' } | { type: 'refused' }>): void {
    switch (message.type) {
      case 'requests':
        return message.requests.forEach((request) => this.onAnswered(request));
      case 'failure':
        return this.#options.logger.error({ failure: message.message, stack: message.stack }, 'a question failed');
      case 'ask':
        return void this.#answer(worker, message.id, message.question);
    }
  }

  async #answer(worker: Worker, id: number, question: ServiceQuestion): Promise<void> {
    try {
      for await (const rows of this.#options.answer(question)) {
        worker.postMessage({ type: 'rows', id, rows } satisfies ToDashboards);
      }
      worker.postMessage({ type: 'answered', id } satisfies ToDashboards);
    } catch (error) {
      const known = environmentError(error);
      if (known === undefined) this.#options.logger.error({ err: error }, 'a question of the dashboards failed');
      const { code, message, remedy, exitStatus } =
        known ?? new OperatorError('INTERNAL', 'the service failed to answer', 'Its log says why.');
      worker.postMessage({ type: 'refusal', id, error: { code, message, remedy, exitStatus } } satisfies ToDashboards);
    }
  }

  #tell(message: ToDashboards): void {
    this.#worker?.postMessage(message);
  }
}

function settleable<T>() {
  let resolve!: (value: T) => void;
  let reject!: (error: Error) => void;
  const promise = new Promise<T>((...settle) => ([resolve, reject] = settle));
  return { promise, resolve, reject };
}
