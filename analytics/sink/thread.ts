import { setTimeout as sleep } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { errorLine } from '../clickhouse/client.ts';
import { sinkThreadLimits, type SinkLimits } from '../limits.ts';
import { silentLogger, type Logger } from '../logger.ts';
import type { FromSinkThread, SinkThreadData, ToSinkThread } from './thread-messages.ts';
import type { ShardStatus, SinkStatus } from './types.ts';

export interface SinkThreadOptions {
  readonly shardCount: number;
  readonly clickhouseUrl: string;
  readonly cursorDirectory: string;
  readonly journalDirectory: string;
  /** One float64 for each shard: its durable position. The service writes it, the sink reads it. */
  readonly durablePositions: SharedArrayBuffer;
  readonly limits?: Partial<SinkLimits>;
  readonly logger?: Logger;
  /** Another module with `openJournalCursor`, for tests. */
  readonly cursorModule?: string;
}

/**
 * The sink in a thread of its own, with the sink's methods. A thread that dies is replaced: the cursors are on disk, so
 * the new one goes on where exactly-once allows.
 */
export class SinkThread {
  readonly #options: SinkThreadOptions;
  readonly #logger: Logger;
  readonly #durable: Float64Array;
  readonly #stored: Float64Array;
  readonly #storedBuffer: SharedArrayBuffer;
  readonly #ending = new AbortController();
  #clickhouseUrl: string;
  #worker: Worker | undefined;
  #running: Promise<void> | undefined;
  #status: SinkStatus | undefined;
  #restarts = 0;

  constructor(options: SinkThreadOptions) {
    this.#options = options;
    this.#clickhouseUrl = options.clickhouseUrl;
    this.#logger = options.logger ?? silentLogger;
    this.#durable = new Float64Array(options.durablePositions);
    this.#storedBuffer = new SharedArrayBuffer(options.shardCount * Float64Array.BYTES_PER_ELEMENT);
    this.#stored = new Float64Array(this.#storedBuffer);
  }

  start(): void {
    this.#running ??= this.#keepRunning();
  }

  /** How often the thread was replaced. */
  get restarts(): number {
    return this.#restarts;
  }

  /** Stored position of a shard, 0 while it is not known yet. */
  storedPosition(shard: number): number {
    return this.#stored[shard];
  }

  /** Goes on with another address: the embedded engine may come back on another port. */
  useUrl(clickhouseUrl: string): void {
    if (clickhouseUrl === this.#clickhouseUrl) return;
    this.#clickhouseUrl = clickhouseUrl;
    void this.#worker?.terminate();
  }

  /** Stores what is durable now, for at most `drainTimeoutMs`, then ends the thread. */
  async stop({ drainTimeoutMs }: { drainTimeoutMs: number }): Promise<void> {
    this.#ending.abort();
    const stop: ToSinkThread = { type: 'stop', drainTimeoutMs };
    this.#worker?.postMessage(stop);
    const cut = setTimeout(() => void this.#worker?.terminate(), drainTimeoutMs + sinkThreadLimits.endTimeoutMs);
    await this.#running;
    clearTimeout(cut);
  }

  /** True as soon as `position` is stored, false when it is not within `timeoutMs`. */
  async waitUntilStored(shard: number, position: number, timeoutMs: number): Promise<boolean> {
    const deadline = Date.now() + timeoutMs;
    while (this.#stored[shard] < position) {
      if (Date.now() >= deadline) return false;
      await sleep(sinkThreadLimits.waitPollMs);
    }
    return true;
  }

  /** The newest word of the thread, with the positions of this moment. */
  status(): SinkStatus {
    const shard = Array.from({ length: this.#options.shardCount }, (_, number) => this.#shardStatus(number));
    return { shard, rowsPerSecond: this.#status?.rowsPerSecond ?? 0, etaSeconds: this.#status?.etaSeconds };
  }

  #shardStatus(shard: number): ShardStatus {
    const storedPosition = this.#stored[shard];
    const durablePosition = this.#durable[shard];
    const backlogRecords = Math.max(0, durablePosition - storedPosition);
    const told = this.#status?.shard[shard];
    return {
      shard,
      storedPosition,
      durablePosition,
      backlogRecords,
      lagMs: backlogRecords === 0 ? 0 : (told?.lagMs ?? 0),
      lastError: told?.lastError,
      halted: told?.halted ?? false,
    };
  }

  async #keepRunning(): Promise<void> {
    let delayMs: number = sinkThreadLimits.restartDelayMinMs;
    for (;;) {
      const failure = await this.#runOnce();
      if (this.#ending.signal.aborted) return;
      this.#restarts += 1;
      this.#logger.error({ failure, retryInMs: delayMs }, 'the sink thread ended and is started again');
      await sleep(delayMs, undefined, { signal: this.#ending.signal }).catch(() => undefined);
      if (this.#ending.signal.aborted) return;
      delayMs = Math.min(delayMs * 2, sinkThreadLimits.restartDelayMaxMs);
    }
  }

  /** One life of the thread; gives why it ended. */
  #runOnce(): Promise<string> {
    const worker = new Worker(new URL('./sink-worker.ts', import.meta.url), {
      workerData: this.#threadData(),
      resourceLimits: { maxOldGenerationSizeMb: sinkThreadLimits.heapMbMax },
    });
    this.#worker = worker;
    worker.on('message', (message: FromSinkThread) => this.#hear(message));
    return new Promise((resolve) => {
      let failure = 'it was ended';
      worker.on('error', (error) => {
        failure = errorLine(error);
      });
      worker.once('exit', () => {
        this.#worker = undefined;
        resolve(failure);
      });
    });
  }

  #threadData(): SinkThreadData {
    const { shardCount, cursorDirectory, journalDirectory, durablePositions, limits } = this.#options;
    return {
      shardCount,
      clickhouseUrl: this.#clickhouseUrl,
      cursorDirectory,
      journalDirectory,
      durablePositions,
      storedPositions: this.#storedBuffer,
      cursorModule: this.#options.cursorModule ?? new URL('../../workers/journal/cursor.ts', import.meta.url).href,
      ...(limits === undefined ? {} : { limits }),
    };
  }

  #hear(message: FromSinkThread): void {
    if (message.type === 'status') this.#status = message.status;
    else this.#logger[message.level](message.fields, message.message);
  }
}
