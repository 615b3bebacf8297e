import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { OperatorError } from '../../workers/errors.ts';
import { transferRecordBytes } from '../../workers/journal/transfer-record.ts';
import { errorLine } from '../clickhouse/client.ts';
import { assertSinkLimits, sinkLimits, type SinkLimits } from '../limits.ts';
import { silentLogger, type Logger } from '../logger.ts';
import { migrate, type Migrated } from '../schema/migrate.ts';
import { firstDayKept } from '../schema/retention.ts';
import { FileCursorStore } from './cursor.ts';
import { Gate } from './gate.ts';
import { Rate } from './rate.ts';
import { ShardSink, type ShardSinkParts } from './shard-sink.ts';
import { ClickHouseRowStore } from './store.ts';
import type { ShardStatus, SinkOptions, SinkStatus, StoredFollower } from './types.ts';

export type { ShardStatus, SinkOptions, SinkStatus, StoredFollower } from './types.ts';

type SharedParts = Pick<ShardSinkParts, 'store' | 'cursors' | 'inserts' | 'firstTapDay'>;

interface Waiter {
  readonly shard: number;
  readonly position: number;
  readonly settle: (stored: boolean) => void;
}

/**
 * Moves the journals of all shards into ClickHouse, each tap and each transfer exactly once. ClickHouse may be away for
 * any time, also at the start: the journals wait, and memory stays bounded (one batch a shard).
 */
export class Sink {
  readonly #options: SinkOptions;
  readonly #limits: SinkLimits;
  readonly #logger: Logger;
  readonly #rate: Rate;
  readonly #drain = new AbortController();
  readonly #stop = new AbortController();
  readonly #waiters = new Set<Waiter>();
  #shards: ShardSink[] = [];
  #follower: StoredFollower | undefined;
  #running: Promise<void> | undefined;
  #prepareError: string | undefined;

  constructor(options: SinkOptions) {
    this.#options = options;
    this.#limits = { ...sinkLimits, ...options.limits };
    assertSinkLimits(this.#limits, transferRecordBytes);
    this.#logger = options.logger ?? silentLogger;
    this.#rate = new Rate(this.#limits.rateWindowMs);
  }

  /** Begins; comes back at once. Brings the schema up to date first, as soon as ClickHouse answers. */
  start(): void {
    this.#running ??= this.#run();
  }

  /** Stores what is durable now, for at most `drainTimeoutMs`, then stops. What is under way is finished next time. */
  async stop({ drainTimeoutMs }: { drainTimeoutMs: number }): Promise<void> {
    this.#drain.abort();
    const cut = setTimeout(() => this.#stop.abort(), drainTimeoutMs);
    await this.#running;
    clearTimeout(cut);
    this.#stop.abort();
    for (const waiter of this.#waiters) waiter.settle(false);
  }

  /** True as soon as `position` is stored, false when it is not within `timeoutMs`. */
  async waitUntilStored(shard: number, position: number, timeoutMs: number): Promise<boolean> {
    if (this.#storedPosition(shard) >= position) return true;
    return new Promise((resolve) => {
      const timer = setTimeout(() => waiter.settle(false), timeoutMs);
      const waiter: Waiter = {
        shard,
        position,
        settle: (stored) => {
          clearTimeout(timer);
          this.#waiters.delete(waiter);
          resolve(stored);
        },
      };
      this.#waiters.add(waiter);
    });
  }

  status(): SinkStatus {
    const nowMs = Date.now();
    const shard = this.#shards.map((sink) => sink.status(nowMs));
    const all = shard.length > 0 ? shard : this.#unpreparedStatus();
    return summarize(all, this.#rate.perSecond(nowMs));
  }

  #storedPosition(shard: number): number {
    return this.#shards[shard]?.storedPosition ?? 0;
  }

  #unpreparedStatus(): ShardStatus[] {
    return Array.from({ length: this.#options.shardCount }, (_, shard) => ({
      shard,
      storedPosition: 0,
      durablePosition: this.#options.durablePosition(shard),
      backlogRecords: this.#options.durablePosition(shard),
      lagMs: 0,
      lastError: this.#prepareError,
      halted: false,
    }));
  }

  async #run(): Promise<void> {
    const migrated = await this.#prepare();
    if (migrated === undefined) return;
    const bare = new ClickHouseRowStore(this.#options.clickhouseUrl, this.#limits.insertTimeoutMs, this.#stop.signal);
    const store = this.#options.wrapStore?.(bare) ?? bare;
    // A cursor says what one database holds: another database gets cursors of its own and the whole journal.
    const files = new FileCursorStore(path.join(this.#options.cursorDirectory, migrated.installationId));
    const cursors = this.#options.wrapCursors?.(files) ?? files;
    const inserts = new Gate(this.#limits.insertsMax);
    const firstTapDay = () => firstDayKept(migrated.tapDaysKept);
    this.#shards = Array.from({ length: this.#options.shardCount }, (_, shard) =>
      this.#shardSink(shard, { store, cursors, inserts, firstTapDay }),
    );
    this.#follower = this.#options.openFollower?.(migrated.installationId, firstTapDay);
    this.#follower?.start();
    const signals = { drain: this.#drain.signal, stop: this.#stop.signal };
    await Promise.all(this.#shards.map((sink) => sink.run(signals).then(() => this.#reportHalt(sink))));
    await store.close();
    await this.#follower?.stop();
  }

  #shardSink(shard: number, shared: SharedParts): ShardSink {
    return new ShardSink({
      ...shared,
      shard,
      limits: this.#limits,
      openCursor: (afterPosition) => this.#options.openCursor(shard, afterPosition),
      durablePosition: () => this.#options.durablePosition(shard),
      onStored: (storedPosition, rows) => this.#stored(shard, storedPosition, rows),
      onBatch: (batch) => this.#follower?.follow(batch),
    });
  }

  /** Undefined when stopped before ClickHouse answered, or when its schema is not for us. */
  async #prepare(): Promise<Migrated | undefined> {
    let delayMs = this.#limits.retryDelayMinMs;
    while (!this.#stop.signal.aborted) {
      try {
        const { clickhouseUrl, tapRetentionDays } = this.#options;
        return await migrate(clickhouseUrl, tapRetentionDays === undefined ? {} : { tapRetentionDays });
      } catch (error) {
        this.#prepareError = error instanceof OperatorError ? error.line : errorLine(error);
        this.#logger.warn({ failure: this.#prepareError }, 'ClickHouse is not ready for taps');
      }
      await sleep(delayMs, undefined, { signal: this.#stop.signal }).catch(() => undefined);
      delayMs = Math.min(delayMs * 2, this.#limits.retryDelayMaxMs);
    }
    return undefined;
  }

  #stored(shard: number, storedPosition: number, rows: number): void {
    this.#rate.add(rows, Date.now());
    this.#options.onStored?.(shard, storedPosition);
    this.#follower?.stored(shard, storedPosition);
    for (const waiter of this.#waiters) {
      if (waiter.shard === shard && waiter.position <= storedPosition) waiter.settle(true);
    }
  }

  #reportHalt(sink: ShardSink): void {
    const { shard, lastError } = sink.status(Date.now());
    if (sink.isHalted) this.#logger.error({ shard, failure: lastError }, 'the sink of a shard has stopped');
  }
}

function summarize(shard: readonly ShardStatus[], rowsPerSecond: number): SinkStatus {
  const backlogRecords = shard.reduce((sum, status) => sum + status.backlogRecords, 0);
  const moving = rowsPerSecond > 0 ? backlogRecords / rowsPerSecond : undefined;
  return { shard, rowsPerSecond, etaSeconds: backlogRecords === 0 ? 0 : moving };
}
