import { setTimeout as sleep } from 'node:timers/promises';
import type { JournalCursor } from '../../workers/journal/types.ts';
import { errorLine } from '../clickhouse/client.ts';
import { silentLogger, type Logger } from '../logger.ts';
import type { Batch } from '../sink/batch.ts';
import type { StoredFollower } from '../sink/types.ts';
import { DirtyBacklog, type DirtyKey, type Mark } from './backlog.ts';
import type { DeriveCursorStore } from './derive-cursor.ts';
import { deriveLimits, type DeriveLimits } from './limits.ts';
import { ShardMarks } from './shard-marks.ts';
import { unpackKey } from './touched.ts';
import type { DeriveCause, DeriveStatus, DeriveStore, DirtyMark, SchoolDay, Touched } from './types.ts';

const dayMs = 86_400_000;

export interface DeriverOptions {
  readonly shardCount: number;
  readonly store: DeriveStore;
  readonly cursors: DeriveCursorStore;
  /** Opens a shard's journal at the first block that holds a position above `afterPosition`. */
  readonly openCursor: (shard: number, afterPosition: number) => JournalCursor;
  /** The service's clock, ms since 1970 UTC; it may be that of a simulated day. */
  readonly now: () => number;
  /** The first school day of which taps are kept: what is published of an older one stays as it is. */
  readonly firstTapDay?: () => number;
  readonly limits?: Partial<DeriveLimits>;
  readonly logger?: Logger;
}

/**
 * Derives school days again when what they rest on has changed. Every row that the sink stores marks its (school, day); a
 * run replaces what is derived of it, whole. Nothing is lost in between: a shard's cursor stands before the first row
 * whose day is not derived yet, and after a restart the journal is looked through from there.
 */
export class Deriver implements StoredFollower {
  readonly #options: DeriverOptions;
  readonly #limits: DeriveLimits;
  readonly #logger: Logger;
  readonly #backlog = new DirtyBacklog();
  readonly #shards: ShardMarks[];
  readonly #saved: number[];
  readonly #stop = new AbortController();
  #running: Promise<void> | undefined;
  #derivedKeys = 0;
  #lastError: string | undefined;
  #failures = 0;
  #savedAtMs = 0;
  #sweptAtMs: number | undefined;

  constructor(options: DeriverOptions) {
    this.#options = options;
    this.#limits = { ...deriveLimits, ...options.limits };
    this.#logger = options.logger ?? silentLogger;
    this.#saved = Array.from({ length: options.shardCount }, (_, shard) => options.cursors.load(shard));
    this.#shards = this.#saved.map(
      (derivedPosition, shard) =>
        new ShardMarks({
          shard,
          derivedPosition,
          openCursor: (afterPosition) => options.openCursor(shard, afterPosition),
          mark: (...mark) => this.#markRows(...mark),
        }),
    );
  }

  start(): void {
    this.#running ??= this.#run();
  }

  /** Ends after the run under way, and makes durable how far it came. */
  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#running;
    await this.#options.store.close();
  }

  /** A batch of a shard is stored. Only looks at its bytes. */
  follow(batch: Batch): void {
    this.#shards[batch.shard].follow(batch);
  }

  /** A shard's journal is stored up to here. */
  stored(shard: number, position: number): void {
    this.#shards[shard].stored(position);
  }

  /**
   * Marks school days that something else than rows has changed; false when there is no room for them: mark them later.
   * These marks do not survive a restart; a roster or calendar that is newer than what was derived is then found again.
   */
  markDirty(keys: readonly DirtyMark[]): boolean {
    if (this.#backlog.size + keys.length > this.#limits.keysMax) return false;
    const nowMs = Date.now();
    for (const { schoolId, schoolDay, cause } of keys) {
      // A day whose taps are gone stays as it is, and would be found out of date for ever.
      if (!this.#isPast(schoolDay)) this.#mark({ schoolId, schoolDay }, cause, { nowMs });
    }
    return true;
  }

  /** Derives a school day as soon as a run is free; throws the error of its first attempt, and goes on trying. */
  async deriveNow(schoolId: number, schoolDay: number): Promise<void> {
    if (this.#isPast(schoolDay)) throw new Error('the taps of that day are not kept any more: it stays as published');
    const nowMs = Date.now();
    await new Promise<void>((resolve, reject) => {
      const waiter = { resolve, reject };
      this.#backlog.mark({ schoolId, schoolDay, cause: 'asked', nowMs, dueMs: 0, waiter });
    });
  }

  status(): DeriveStatus {
    const { keys, oldestMs } = this.#backlog;
    return {
      backlogKeys: keys,
      oldestMs: oldestMs === undefined ? 0 : Math.max(0, Date.now() - oldestMs),
      isScanning: this.#shards.some((shard) => shard.isBehind),
      derivedKeys: this.#derivedKeys,
      lastError: this.#lastError,
    };
  }

  #isPast(schoolDay: number): boolean {
    return schoolDay < (this.#options.firstTapDay?.() ?? 0);
  }

  #mark(key: SchoolDay, cause: DeriveCause, more: MarkMore): void {
    const isRunning = key.schoolDay * dayMs + this.#limits.runningForMs > this.#options.now();
    const dueMs = more.nowMs + (isRunning ? this.#limits.todayDelayMs : this.#limits.pastDelayMs);
    this.#backlog.mark({ ...key, cause, dueMs, ...more });
  }

  #markRows(shard: number, position: number, { byTaps, byTransfers, reversed }: Touched): boolean {
    if (this.#backlog.size >= this.#limits.keysMax) return false;
    const more = { nowMs: Date.now(), pin: { shard, position } };
    for (const key of byTaps) this.#mark(unpackKey(key), 'taps', more);
    for (const key of byTransfers) {
      this.#mark(unpackKey(key), 'transfers', { ...more, reversed: reversed.get(key) ?? [] });
    }
    return true;
  }

  async #run(): Promise<void> {
    const stop = this.#stop.signal;
    while (!stop.aborted) {
      try {
        if (!(await this.#step())) await pause(this.#limits.pollIntervalMs, stop);
      } catch (error) {
        if (!stop.aborted) await this.#failed(error, stop);
      }
    }
    for (const shard of this.#shards) shard.close();
    await this.#saveCursors().catch((error: unknown) => this.#logger.warn({ failure: errorLine(error) }, notSaved));
  }

  /** One step of each kind of work; true when there may be more. */
  async #step(): Promise<boolean> {
    let worked = false;
    for (const shard of this.#shards) worked = shard.scan(this.#limits.scanBytesMax) || worked;
    const nowMs = Date.now();
    const taken = this.#backlog.take(nowMs, this.#limits.schoolsPerRunMax);
    if (taken.length > 0) await this.#derive(taken);
    if (this.#sweptAtMs === undefined || nowMs - this.#sweptAtMs >= this.#limits.sweepIntervalMs) await this.#sweep();
    if (nowMs - this.#savedAtMs >= this.#limits.saveIntervalMs) await this.#saveCursors();
    return worked || taken.length > 0;
  }

  async #derive(taken: DirtyKey[]): Promise<void> {
    const { store, now } = this.#options;
    const { schoolDay } = taken[0];
    if (this.#isPast(schoolDay)) return this.#backlog.done(taken);
    const schools = taken.map(({ schoolId, causes }) => ({ schoolId, cause: [...causes].sort().join('+') }));
    try {
      // First: a crash in between must find the reversal's own day not derived yet.
      await this.#markReversed(taken);
      await store.derive({ schoolDay, schools, asOfMs: now() });
    } catch (error) {
      this.#backlog.failed(taken, Date.now() + this.#retryDelayMs(), error);
      throw error;
    }
    this.#backlog.done(taken);
    this.#derivedKeys += taken.length;
    this.#succeeded();
  }

  /** Days whose free meals were taken back on a later day change too; they hold the cursors as the reversals do. */
  async #markReversed(taken: DirtyKey[]): Promise<void> {
    const ids = taken.flatMap(({ reversed }) => reversed);
    if (ids.length === 0) return;
    for (const key of await this.#options.store.daysOfTransfers(ids)) {
      if (taken.some(({ schoolId, schoolDay }) => schoolId === key.schoolId && schoolDay === key.schoolDay)) continue;
      const pins = taken.flatMap(({ pins, reversed }) => (reversed.length > 0 ? [...pins] : []));
      const nowMs = Date.now();
      for (const [shard, position] of pins) this.#mark(key, 'reversal', { nowMs, pin: { shard, position } });
    }
  }

  /** Marks days whose roster or calendar is newer than what was derived, and those that a bell or an end has passed. */
  async #sweep(): Promise<void> {
    const nowMs = this.#options.now();
    const days = this.#sweptAtMs === undefined ? this.#limits.sweepDaysFirst : this.#limits.sweepDays;
    const fromDay = Math.max(0, Math.floor(nowMs / dayMs) - days);
    const keys = await this.#options.store.outOfDate(fromDay, nowMs);
    this.#succeeded();
    if (this.markDirty(keys)) this.#sweptAtMs = Date.now();
  }

  async #saveCursors(): Promise<void> {
    for (const [shard, { markedUpTo }] of this.#shards.entries()) {
      const position = this.#backlog.derivedUpTo(shard, markedUpTo);
      if (position === this.#saved[shard]) continue;
      await this.#options.cursors.save(shard, position);
      this.#saved[shard] = position;
    }
    this.#savedAtMs = Date.now();
  }

  #succeeded(): void {
    this.#lastError = undefined;
    this.#failures = 0;
  }

  async #failed(error: unknown, stop: AbortSignal): Promise<void> {
    this.#lastError = errorLine(error);
    this.#logger.warn({ failure: this.#lastError }, 'school days could not be derived');
    const delayMs = this.#retryDelayMs();
    this.#failures += 1;
    await pause(delayMs, stop);
  }

  #retryDelayMs(): number {
    return Math.min(this.#limits.retryDelayMaxMs, this.#limits.retryDelayMinMs * 2 ** Math.min(this.#failures, 20));
  }
}

type MarkMore = Pick<Mark, 'nowMs' | 'pin' | 'reversed'>;

const notSaved = 'how far school days are derived could not be written';

async function pause(delayMs: number, stop: AbortSignal): Promise<void> {
  await sleep(delayMs, undefined, { signal: stop }).catch(() => undefined);
}
