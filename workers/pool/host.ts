import { setTimeout as sleep } from 'node:timers/promises';
import { Piscina } from 'piscina';
import { OperatorError } from '../errors.ts';
import { requestsQueuedMax, restartDelayMaxMs, restartDelayMinMs, shardHeapMegabytesMax } from './limits.ts';
import type { Opened, ShardAnswers, ShardRequest } from './messages.ts';

export interface HostOptions {
  readonly shard: number;
  /** The shard's own folder. */
  readonly directory: string;
  readonly segmentBytes: number;
  /** Heap of the thread; `shardHeapMegabytesMax` unless told. */
  readonly heapMegabytes?: number;
  /** Told of every failure of the thread before it is replaced. */
  readonly onCrash?: (error: unknown) => void;
}

export type HostState = 'opening' | 'ready' | 'recovering' | 'closed';
type AnswerTo<R extends ShardRequest> = ShardAnswers[R['type']];

const workerUrl = new URL('./worker.ts', import.meta.url).href;

/**
 * One shard and the thread that owns it. Requests run one at a time in the order they came. When one fails, whatever the
 * reason, the thread's state is not to be trusted: the thread is ended, a new one recovers the shard from the disk, and
 * the same request is sent again. That is safe, because a shard answers identities and keys that it has seen before.
 */
export class ShardHost {
  readonly shard: number;
  state: HostState = 'opening';
  restarts = 0;
  lastError = '';
  opened: Opened | undefined;
  readonly #options: HostOptions;
  #piscina: Piscina<ShardRequest, unknown> | undefined;
  #tail: Promise<unknown> = Promise.resolve();
  #waiting = 0;
  #isClosing = false;
  #gaveUp = false;

  constructor(options: HostOptions) {
    this.shard = options.shard;
    this.#options = options;
  }

  /** Opens the shard. An OperatorError (a journal that is damaged, say) is thrown: to try again would not mend it. */
  async open(): Promise<Opened> {
    try {
      return await this.#openThread();
    } catch (error) {
      await this.#endThread();
      throw error;
    }
  }

  /** Runs a request after those before it. Rejects when the host closes or too many wait, and for `crash`. */
  call<R extends ShardRequest>(request: R): Promise<AnswerTo<R>> {
    if (this.#isClosing) return Promise.reject(new Error('the shard is closed'));
    if (this.#waiting >= requestsQueuedMax) return Promise.reject(new Error('too many requests wait for the shard'));
    this.#waiting += 1;
    const answer = this.#tail.then(() => this.#run(request));
    this.#tail = answer.then(
      () => (this.#waiting -= 1),
      () => (this.#waiting -= 1),
    );
    return answer;
  }

  /**
   * Waits for what was asked, then ends the thread. A shard that fails again while it closes is given up, and what still
   * waits is rejected: unanswered, so it comes again.
   */
  async close(): Promise<void> {
    this.#isClosing = true;
    await this.#tail;
    this.state = 'closed';
    await this.#endThread();
  }

  async #run<R extends ShardRequest>(request: R): Promise<AnswerTo<R>> {
    for (let attempt = 0; ; attempt++) {
      if (this.#gaveUp) throw new Error('the shard is closed');
      try {
        if (this.#piscina === undefined) await this.#openThread();
        return (await this.#piscina!.run(request)) as AnswerTo<R>;
      } catch (error) {
        await this.#recoverFrom(error, attempt);
        if (request.type === 'crash') throw error;
        if (this.#isClosing && attempt > 0) this.#gaveUp = true;
      }
    }
  }

  async #recoverFrom(error: unknown, attempt: number): Promise<void> {
    this.state = 'recovering';
    this.restarts += 1;
    this.lastError = error instanceof Error ? error.message : String(error);
    this.#options.onCrash?.(error);
    await this.#endThread();
    if (attempt > 0) await sleep(Math.min(restartDelayMinMs * 2 ** attempt, restartDelayMaxMs));
  }

  async #openThread(): Promise<Opened> {
    const { shard, directory, segmentBytes, heapMegabytes = shardHeapMegabytesMax } = this.#options;
    this.#piscina = new Piscina<ShardRequest, unknown>({
      filename: workerUrl,
      minThreads: 1,
      maxThreads: 1,
      idleTimeout: Infinity,
      maxQueue: requestsQueuedMax,
      concurrentTasksPerWorker: 1,
      recordTiming: false,
      resourceLimits: { maxOldGenerationSizeMb: heapMegabytes },
    });
    // A thread that dies between tasks is met by the next request, which finds it blank.
    this.#piscina.on('error', () => undefined);
    const answer = (await this.#piscina.run({ type: 'open', shard, directory, segmentBytes })) as ShardAnswers['open'];
    if ('refused' in answer)
      throw new OperatorError(answer.refused.code, answer.refused.message, answer.refused.remedy);
    this.opened = answer;
    this.state = 'ready';
    return this.opened;
  }

  async #endThread(): Promise<void> {
    const piscina = this.#piscina;
    this.#piscina = undefined;
    await piscina?.destroy();
  }
}
