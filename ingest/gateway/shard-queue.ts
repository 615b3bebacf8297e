import { batchesQueuedMax, decideAgainDelayMs } from './limits.ts';
import { TapBatch } from './tap-batch.ts';

/** Decides a batch and makes it durable; resolves when the records hold the answers. May be asked again if it rejects. */
export type DecideBatch = (batch: TapBatch) => Promise<unknown>;

/**
 * Group commit without a timer: while the shard decides and syncs one batch the next one fills up. An idle shard gets its
 * batch at the end of the event loop's turn, so that all frames of that turn share one sync.
 */
export class ShardQueue {
  readonly #decide: DecideBatch;
  readonly #waiting: TapBatch[] = [];
  readonly #unused: TapBatch[] = [];
  #filling = new TapBatch();
  #isBusy = false;
  #isScheduled = false;
  #batches = 1;

  constructor(decide: DecideBatch) {
    this.#decide = decide;
  }

  /** Taps that wait, the batch being filled included. */
  get queuedTaps(): number {
    return this.#waiting.reduce((sum, batch) => sum + batch.count, this.#filling.count);
  }

  get isIdle(): boolean {
    return !this.#isBusy && this.#filling.isEmpty && this.#waiting.length === 0;
  }

  /** The batch that has room for `taps`, or undefined at the bound: push back. */
  batchFor(taps: number): TapBatch | undefined {
    if (this.#filling.hasRoom(taps)) return this.#filling;
    const next = this.#freshBatch();
    if (next === undefined) return undefined;
    this.#waiting.push(this.#filling);
    this.#filling = next;
    return next;
  }

  /** Something was put into the batch. */
  schedule(): void {
    if (this.#isBusy || this.#isScheduled) return;
    this.#isScheduled = true;
    setImmediate(() => {
      this.#isScheduled = false;
      this.#next();
    });
  }

  #freshBatch(): TapBatch | undefined {
    const unused = this.#unused.pop();
    if (unused !== undefined) return unused;
    if (this.#batches >= batchesQueuedMax) return undefined;
    this.#batches += 1;
    return new TapBatch();
  }

  #next(): void {
    if (this.#isBusy) return;
    let batch = this.#waiting.shift();
    if (batch === undefined) {
      if (this.#filling.isEmpty) return;
      const next = this.#freshBatch();
      // At the bound of one batch in all there would be none to fill meanwhile; the bound is larger.
      if (next === undefined) return;
      batch = this.#filling;
      this.#filling = next;
    }
    this.#isBusy = true;
    this.#decideBatch(batch);
  }

  /** A batch that was let go would leave its readers without answers for ever; one that is sent again is harmless. */
  #decideBatch(batch: TapBatch): void {
    void this.#decide(batch).then(
      () => this.#done(batch),
      () => void setTimeout(() => this.#decideBatch(batch), decideAgainDelayMs).unref(),
    );
  }

  #done(batch: TapBatch): void {
    this.#isBusy = false;
    // The shard's next batch first, then the answers: the disk works while the acks are encoded.
    this.#next();
    batch.settle();
    batch.flush();
    batch.clear();
    this.#unused.push(batch);
  }
}
