import { setTimeout as sleep } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { OperatorError } from '../../workers/errors.ts';
import { answerTimeoutMs, heapMbMax, restartDelayMaxMs, restartDelayMinMs } from './limits.ts';
import type { CountsAsked, CountsTold, CounterThreadData } from './thread-messages.ts';

/** The counter in a thread of its own, replaced when it dies: its file and the journals hold all it knew. */
export class CounterThread {
  readonly #data: CounterThreadData;
  readonly #onError: (error: unknown) => void;
  readonly #ending = new AbortController();
  readonly #asked = new Map<number, { resolve(told: CountsTold): void; reject(error: unknown): void }>();
  #worker: Worker | undefined;
  #running: Promise<void> | undefined;
  #questions = 0;

  constructor(data: CounterThreadData, onError: (error: unknown) => void) {
    this.#data = data;
    this.#onError = onError;
  }

  start(): void {
    this.#running ??= this.#keepRunning();
  }

  async stop(): Promise<void> {
    this.#ending.abort();
    this.#worker?.postMessage('end');
    const cut = setTimeout(() => void this.#worker?.terminate(), answerTimeoutMs);
    await this.#running;
    clearTimeout(cut);
  }

  /** Throws RECONCILE_UNAVAILABLE while the thread is away. */
  async ask(question: Omit<CountsAsked, 'id'>): Promise<CountsTold> {
    const worker = this.#worker;
    if (worker === undefined) throw unavailable();
    const id = (this.#questions += 1);
    const timer = setTimeout(() => void worker.terminate(), answerTimeoutMs);
    try {
      return await new Promise((resolve, reject) => {
        this.#asked.set(id, { resolve, reject });
        worker.postMessage({ ...question, id } satisfies CountsAsked);
      });
    } finally {
      clearTimeout(timer);
      this.#asked.delete(id);
    }
  }

  async #keepRunning(): Promise<void> {
    const { signal } = this.#ending;
    for (let delayMs = restartDelayMinMs; ; delayMs = Math.min(2 * delayMs, restartDelayMaxMs)) {
      await this.#runOnce();
      if (signal.aborted) return;
      await sleep(delayMs, undefined, { signal }).catch(() => undefined);
      if (signal.aborted) return;
    }
  }

  #runOnce(): Promise<void> {
    const worker = new Worker(new URL('./counter-worker.ts', import.meta.url), {
      workerData: this.#data,
      resourceLimits: { maxOldGenerationSizeMb: heapMbMax },
    });
    this.#worker = worker;
    worker.on('message', (told: CountsTold) => this.#asked.get(told.id)?.resolve(told));
    worker.on('error', this.#onError);
    return new Promise((resolve) => {
      worker.once('exit', () => {
        this.#worker = undefined;
        for (const waiter of this.#asked.values()) waiter.reject(unavailable());
        resolve();
      });
    });
  }
}

function unavailable(): OperatorError {
  return new OperatorError('RECONCILE_UNAVAILABLE', 'the journals are not counted just now', 'Try again in a moment.');
}
