import { setTimeout as sleep } from 'node:timers/promises';
import { OperatorError } from '../../workers/errors.ts';
import type { JournalBlock, JournalCursor } from '../../workers/journal/types.ts';
import { errorLine } from '../clickhouse/client.ts';
import type { SinkLimits } from '../limits.ts';
import { BatchBuilder, tapDayAt, type Batch, type BatchBounds } from './batch.ts';
import { LagMeter } from './lag-meter.ts';
import { startOfJournal, type CursorStore, type SinkCursor } from './cursor.ts';
import { deliverPart } from './deliver.ts';
import type { Gate } from './gate.ts';
import type { RowStore } from './store.ts';
import type { ShardStatus } from './types.ts';

export interface ShardSinkParts {
  readonly shard: number;
  readonly store: RowStore;
  readonly cursors: CursorStore;
  readonly openCursor: (afterPosition: number) => JournalCursor;
  readonly durablePosition: () => number;
  /** The first school day of which taps are kept, days since 1970: older ones are not sent, as they would be dropped. */
  readonly firstTapDay: () => number;
  readonly limits: SinkLimits;
  /** Bounds the inserts under way over all shards. */
  readonly inserts: Gate;
  readonly onStored: (storedPosition: number, rows: number) => void;
  /** Called before it, with the batch whose bytes are still there. */
  readonly onBatch: (batch: Batch) => void;
}

/**
 * Follows one shard's journal into ClickHouse.
 *
 * The order of steps is what exactly-once rests on: read only what is durable; make the batch's boundaries and hash
 * durable (`pending`); insert; make the new stored position durable; only then tell anyone. A restart between any two
 * steps finds either no pending batch and nothing sent, or a pending batch that is built again from the journal, byte
 * for byte, and delivered in doubt.
 */
export class ShardSink {
  readonly #parts: ShardSinkParts;
  readonly #builder: BatchBuilder;
  #cursor: SinkCursor = startOfJournal;
  #journal: JournalCursor | undefined;
  /** What the cursor may have read ahead and was durable when it did. */
  #readAheadUpTo = 0;
  #heldBlock: JournalBlock | undefined;
  /** Up to here ClickHouse held rows when we came: batches that reach into this are delivered in doubt. */
  #foreignUpTo = 0;
  #lastError: string | undefined;
  #halted = false;
  readonly #lag = new LagMeter();
  #batchBeganAtMs = 0;

  constructor(parts: ShardSinkParts) {
    this.#parts = parts;
    this.#builder = new BatchBuilder(parts.shard, parts.limits);
  }

  get storedPosition(): number {
    return this.#cursor.storedPosition;
  }

  get isHalted(): boolean {
    return this.#halted;
  }

  /** True when everything durable is stored. */
  get isDrained(): boolean {
    return this.#cursor.storedPosition >= this.#parts.durablePosition();
  }

  status(nowMs: number): ShardStatus {
    const durablePosition = this.#parts.durablePosition();
    const backlogRecords = Math.max(0, durablePosition - this.#cursor.storedPosition);
    this.#lag.note(durablePosition, nowMs);
    return {
      shard: this.#parts.shard,
      storedPosition: this.#cursor.storedPosition,
      durablePosition,
      backlogRecords,
      lagMs: this.#lag.lagMs(this.#cursor.storedPosition, nowMs),
      lastError: this.#lastError,
      halted: this.#halted,
    };
  }

  /** Runs until `stop` is aborted, or `drain` is and everything durable is stored. Never throws for ClickHouse's sake. */
  async run(signals: { drain: AbortSignal; stop: AbortSignal }): Promise<void> {
    try {
      await this.#recover(signals.stop);
      while (!signals.stop.aborted) {
        this.#lag.note(this.#parts.durablePosition(), Date.now());
        if (signals.drain.aborted && this.isDrained) return;
        if (this.#isDue(signals.drain.aborted)) await this.#storeNext(signals.stop);
        else await pause(this.#parts.limits.pollIntervalMs, signals.stop);
      }
    } catch (error) {
      if (signals.stop.aborted && !(error instanceof OperatorError)) return;
      this.#halted = true;
      this.#lastError = error instanceof OperatorError ? error.line : errorLine(error);
    } finally {
      this.#closeJournal();
    }
  }

  /** Small batches are spaced out; a backlog and a drain are not. */
  #isDue(draining: boolean): boolean {
    const backlog = this.#parts.durablePosition() - this.#cursor.storedPosition;
    if (backlog <= 0) return false;
    if (draining || backlog >= this.#parts.limits.batchTapsMax) return true;
    return Date.now() - this.#batchBeganAtMs >= this.#parts.limits.flushIntervalMs;
  }

  async #recover(stop: AbortSignal): Promise<void> {
    const { cursors, shard, store } = this.#parts;
    this.#cursor = cursors.load(shard) ?? startOfJournal;
    const { pending } = this.#cursor;
    const present = await this.#untilAnswered(stop, () => store.lastTapPosition(shard));
    if (present === undefined) return;
    const { lastTapPosition } = this.#cursor;
    if (present < lastTapPosition && !this.#isDropped(lastTapPosition)) throw rowsLost(shard, lastTapPosition, present);
    const last = await this.#untilAnswered(stop, () => store.lastPosition(shard));
    if (last === undefined) return;
    if (last > (pending?.to ?? this.#cursor.storedPosition)) this.#foreignUpTo = last;
    if (pending !== null) await this.#deliver(this.#rebuild(pending), { fresh: false, stop });
    else this.#parts.onStored(this.#cursor.storedPosition, 0);
  }

  /** True when the tap is too old to be kept: that it is not there says nothing. */
  #isDropped(position: number): boolean {
    const journal = this.#parts.openCursor(position - 1);
    const block = journal.next();
    const day = block === undefined ? undefined : tapDayAt(block, position);
    journal.close();
    return day !== undefined && day < this.#parts.firstTapDay();
  }

  async #storeNext(stop: AbortSignal): Promise<void> {
    this.#batchBeganAtMs = Date.now();
    const batch = await this.#untilAnswered(stop, () => Promise.resolve(this.#collect()));
    if (batch === undefined) return pause(this.#parts.limits.pollIntervalMs, stop);
    const { from, to, hash, taps, transfers } = batch;
    // Positions without rows (commands, quarantine) need no insert, so nothing is pending.
    if (batch.parts.length > 0)
      await this.#save({ ...this.#cursor, pending: { from, to, hash, taps, transfers } }, stop);
    if (!stop.aborted) await this.#deliver(batch, { fresh: from > this.#foreignUpTo, stop });
  }

  /** Inserts every part, again and again until ClickHouse has it; then moves the cursor. */
  async #deliver(batch: Batch, options: { fresh: boolean; stop: AbortSignal }): Promise<void> {
    const mayFill = batch.from <= this.#foreignUpTo;
    for (const part of batch.parts) {
      let { fresh } = options;
      const stored = await this.#untilAnswered(options.stop, async () => {
        const attempt = { fresh, mayFill };
        fresh = false;
        await this.#parts.inserts.run(() => deliverPart(this.#parts.store, part, attempt));
        return true;
      });
      if (stored === undefined) return;
    }
    const lastTap = batch.parts.filter((part) => part.table === 'tap').map((part) => part.lastId);
    const lastTapPosition = Math.max(this.#cursor.lastTapPosition, ...lastTap);
    await this.#save({ storedPosition: batch.to, lastTapPosition, pending: null }, options.stop);
    if (this.#cursor.storedPosition !== batch.to) return;
    this.#parts.onBatch(batch);
    this.#parts.onStored(batch.to, batch.taps + batch.transfers);
  }

  /** Retries with growing delays; undefined when `stop` came first. What only a person can mend is thrown. */
  async #untilAnswered<T>(stop: AbortSignal, run: () => Promise<T>): Promise<T | undefined> {
    const { retryDelayMinMs, retryDelayMaxMs } = this.#parts.limits;
    let delayMs = retryDelayMinMs;
    while (!stop.aborted) {
      try {
        const answer = await run();
        this.#lastError = undefined;
        return answer;
      } catch (error) {
        if (error instanceof OperatorError) throw error;
        this.#lastError = errorLine(error);
      }
      // Should it have been the journal, read it afresh.
      this.#closeJournal();
      await pause(delayMs, stop);
      delayMs = Math.min(delayMs * 2, retryDelayMaxMs);
    }
    return undefined;
  }

  /** A disk that is full is waited out; each attempt is a new file. */
  async #save(cursor: SinkCursor, stop: AbortSignal): Promise<void> {
    await this.#untilAnswered(stop, async () => {
      await this.#parts.cursors.save(this.#parts.shard, cursor);
      this.#cursor = cursor;
    });
  }

  #collect(): Batch | undefined {
    this.#builder.reset();
    for (;;) {
      const block = this.#nextBlock(this.#parts.durablePosition());
      if (block === undefined || !this.#builder.fits(block)) break;
      this.#builder.add(block);
      this.#heldBlock = undefined;
    }
    return this.#builder.isEmpty ? undefined : this.#builder.finish(this.#parts.firstTapDay());
  }

  /** The batch that was pending, with its exact boundaries. */
  #rebuild(pending: BatchBounds): Batch {
    this.#builder.reset();
    while (this.#builder.to < pending.to) {
      const block = this.#nextBlock(Infinity);
      if (block === undefined) throw batchChanged(this.#parts.shard, pending, 'ends before it');
      this.#builder.add(block);
      this.#heldBlock = undefined;
    }
    const batch = this.#builder.finish(this.#parts.firstTapDay());
    const same = batch.from === pending.from && batch.to === pending.to && batch.hash === pending.hash;
    if (!same) throw batchChanged(this.#parts.shard, pending, 'holds something else there');
    return batch;
  }

  /**
   * The next block that ends at or before `durable`; the same one until `#heldBlock` is cleared. The journal is not
   * asked beyond the durable position: what lies there may still be cut off and written anew.
   */
  #nextBlock(durable: number): JournalBlock | undefined {
    if (this.#heldBlock !== undefined) return this.#heldBlock;
    const readTo = this.#builder.isEmpty ? this.#cursor.storedPosition : this.#builder.to;
    if (readTo >= durable) return undefined;
    this.#journal ??= this.#parts.openCursor(readTo);
    if (readTo >= this.#readAheadUpTo) {
      this.#journal.refresh();
      this.#readAheadUpTo = durable;
    }
    const block = this.#journal.next();
    if (block === undefined || block.lastPosition > durable) {
      if (block !== undefined) this.#closeJournal();
      return undefined;
    }
    this.#heldBlock = block;
    return block;
  }

  #closeJournal(): void {
    this.#journal?.close();
    this.#journal = undefined;
    this.#heldBlock = undefined;
  }
}

async function pause(delayMs: number, stop: AbortSignal): Promise<void> {
  await sleep(delayMs, undefined, { signal: stop }).catch(() => undefined);
}

function rowsLost(shard: number, expected: number, found: number): OperatorError {
  return new OperatorError(
    'SINK_ROWS_LOST',
    `ClickHouse held shard ${shard} up to position ${expected} and now ends at ${found}`,
    "Delete the shard's cursor: what is missing is then stored again from the journal",
  );
}

function batchChanged(shard: number, pending: BatchBounds, what: string): OperatorError {
  return new OperatorError(
    'SINK_BATCH_CHANGED',
    `positions ${pending.from} to ${pending.to} of shard ${shard} were being stored, and the journal ${what}`,
    'Put back the journal that belongs to this data folder',
  );
}
