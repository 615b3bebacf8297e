import { setTimeout as sleep } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { errorLine } from '../clickhouse/client.ts';
import type { DeriveLimits } from '../derive/limits.ts';
import type { DeriveStatus, DirtyMark } from '../derive/types.ts';
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
  /** The service's clock, ms since 1970 UTC; without one the system's. */
  readonly now?: () => number;
  /** Days that taps are kept, 0 for good; without, as the database has it. */
  readonly tapRetentionDays?: number;
  readonly limits?: Partial<SinkLimits>;
  readonly deriveLimits?: Partial<DeriveLimits>;
  readonly logger?: Logger;
  /** Another module with `openJournalCursor`, for tests. */
  readonly cursorModule?: string;
}

interface Answer {
  readonly done: boolean;
  readonly failure: string | undefined;
}

const notRunning: Answer = { done: false, failure: 'the sink thread is not running' };

/**
 * The sink and the deriver in a thread of their own, with their methods. A thread that dies is replaced: the cursors are on disk, so
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
  #derive: DeriveStatus | undefined;
  readonly #clock = new Float64Array(new SharedArrayBuffer(Float64Array.BYTES_PER_ELEMENT));
  readonly #asked = new Map<number, (answer: Answer) => void>();
  #questions = 0;
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

  /**
   * School days that something else than taps has changed, to be derived again. False when they were not taken (too many
   * wait, or ClickHouse was never there): mark them again later.
   */
  async markDirty(keys: readonly DirtyMark[]): Promise<boolean> {
    return (await this.#ask((id) => ({ type: 'mark', id, keys }))).done;
  }

  /** Derives a school day at once; throws when the first attempt fails, and it is tried again all the same. */
  async deriveNow(schoolId: number, schoolDay: number): Promise<void> {
    const { failure } = await this.#ask((id) => ({ type: 'derive', id, schoolId, schoolDay }));
    if (failure !== undefined) throw new Error(failure);
  }

  /** The newest word of the deriver; undefined while ClickHouse was never there. */
  deriveStatus(): DeriveStatus | undefined {
    return this.#derive;
  }

  #ask(question: (id: number) => ToSinkThread): Promise<Answer> {
    const worker = this.#worker;
    if (worker === undefined) return Promise.resolve(notRunning);
    const id = (this.#questions += 1);
    worker.postMessage(question(id));
    return new Promise((resolve) => this.#asked.set(id, resolve));
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
    const tellTime = (): void => {
      this.#clock[0] = (this.#options.now ?? Date.now)();
    };
    const timer = setInterval(tellTime, sinkThreadLimits.clockIntervalMs).unref();
    worker.on('message', (message: FromSinkThread) => this.#hear(message));
    return new Promise((resolve) => {
      let failure = 'it was ended';
      worker.on('error', (error) => {
        failure = errorLine(error);
      });
      worker.once('exit', () => {
        clearInterval(timer);
        this.#worker = undefined;
        for (const settle of this.#asked.values()) settle(notRunning);
        this.#asked.clear();
        resolve(failure);
      });
    });
  }

  #threadData(): SinkThreadData {
    const { shardCount, cursorDirectory, journalDirectory, durablePositions, limits, deriveLimits } = this.#options;
    const { tapRetentionDays } = this.#options;
    this.#clock[0] = (this.#options.now ?? Date.now)();
    return {
      shardCount,
      clockMs: this.#clock.buffer,
      clickhouseUrl: this.#clickhouseUrl,
      cursorDirectory,
      journalDirectory,
      durablePositions,
      storedPositions: this.#storedBuffer,
      cursorModule: this.#options.cursorModule ?? new URL('../../workers/journal/cursor.ts', import.meta.url).href,
      ...(tapRetentionDays === undefined ? {} : { tapRetentionDays }),
      ...(limits === undefined ? {} : { limits }),
      ...(deriveLimits === undefined ? {} : { deriveLimits }),
    };
  }

  #hear(message: FromSinkThread): void {
    if (message.type === 'status') {
      this.#status = message.status;
      this.#derive = message.derive;
    } else if (message.type === 'answer') {
      this.#asked.get(message.id)?.(message);
      this.#asked.delete(message.id);
    } else this.#logger[message.level](message.fields, message.message);
  }
}
