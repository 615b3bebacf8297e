import { BeatEvent, type ReaderBeat } from '../../analytics/telemetry/reader-beat.ts';
import type { ReaderState } from '../gateway/reader-state.ts';
import { requestIntervalMs, rowIntervalMs } from './limits.ts';
import type { ReaderWatch } from './reader-watch.ts';

/** The rows of one reader and event: when the last one was told, and what has come since. */
interface Told {
  atMs: number;
  waiting: ReaderBeat | undefined;
}

/**
 * Makes rows of `reader_beat` of what readers do: at most one a reader and event each 10 s, and the newest of what came in
 * between as soon as it may. Memory: three rows a reader of the registry.
 */
export class ReaderTelemetry implements ReaderWatch {
  readonly #now: () => number;
  readonly #add: (row: ReaderBeat) => void;
  readonly #told: Record<BeatEvent, Map<number, Told>> = { 1: new Map(), 2: new Map(), 3: new Map() };
  readonly #waiting = new Set<Told>();

  /** `now` is the service's clock, ms since 1970 UTC. */
  constructor(now: () => number, add: (row: ReaderBeat) => void) {
    this.#now = now;
    this.#add = add;
  }

  connected(state: ReaderState): void {
    this.#note(state, BeatEvent.connected);
  }

  closed(state: ReaderState): void {
    this.#note(state, BeatEvent.closed);
  }

  beat(state: ReaderState): void {
    this.#note(state, BeatEvent.beat);
  }

  requested(state: ReaderState): void {
    const told = this.#toldOf(state, BeatEvent.beat);
    const atMs = this.#now();
    if (!isDue(told, atMs, requestIntervalMs)) return;
    // A request says nothing of a queue.
    this.#tell(told, { ...rowOf(state, BeatEvent.beat, atMs), queued: 0, oldestMs: null });
  }

  /** Tells what has waited long enough, or, at the end, all that waits. */
  flush(isLast: boolean): void {
    const atMs = this.#now();
    for (const told of this.#waiting) {
      if (told.waiting !== undefined && (isLast || isDue(told, atMs, rowIntervalMs))) this.#tell(told, told.waiting);
    }
  }

  #note(state: ReaderState, event: BeatEvent): void {
    const atMs = this.#now();
    const told = this.#toldOf(state, event);
    const row = rowOf(state, event, atMs);
    if (isDue(told, atMs, rowIntervalMs)) return this.#tell(told, row);
    told.waiting = row;
    this.#waiting.add(told);
  }

  #tell(told: Told, row: ReaderBeat): void {
    told.atMs = row.atMs;
    told.waiting = undefined;
    this.#waiting.delete(told);
    this.#add(row);
  }

  #toldOf({ entry: { readerId } }: ReaderState, event: BeatEvent): Told {
    const readers = this.#told[event];
    let told = readers.get(readerId);
    if (told === undefined) readers.set(readerId, (told = { atMs: -Infinity, waiting: undefined }));
    return told;
  }
}

/** A clock that was set back makes nobody wait. */
function isDue(told: Told, nowMs: number, intervalMs: number): boolean {
  return nowMs - told.atMs >= intervalMs || nowMs < told.atMs;
}

function rowOf(state: ReaderState, event: BeatEvent, atMs: number): ReaderBeat {
  const { entry, beat, driftMs, gaps, rulesVersion, firmware } = state;
  const { queued = 0, oldestMs = null } = beat ?? {};
  const { readerId, schoolId } = entry;
  return { atMs, readerId, schoolId, event, queued, oldestMs, driftMs, gaps, rulesVersion, firmware };
}
