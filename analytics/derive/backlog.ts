import { packKey } from './touched.ts';
import type { DeriveCause, SchoolDay } from './types.ts';

/** A school day that waits to be derived. */
export interface DirtyKey extends SchoolDay {
  readonly causes: Set<DeriveCause>;
  /** When it was first marked, and from when it may be derived; ms of the backlog's clock. */
  sinceMs: number;
  dueMs: number;
  /** The first position of each shard's journal that made it so; none for marks that came from elsewhere. */
  readonly pins: Map<number, number>;
  /** Transfers that were taken back: whose days they are is not known yet. */
  readonly reversed: number[];
  /** Runs that failed: then it is derived alone, so that it cannot hold up others. */
  failures: number;
  readonly waiters: Waiter[];
}

export interface Waiter {
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

export interface Mark extends SchoolDay {
  readonly cause: DeriveCause;
  readonly nowMs: number;
  readonly dueMs: number;
  readonly pin?: { readonly shard: number; readonly position: number };
  readonly reversed?: readonly number[];
  readonly waiter?: Waiter;
}

/**
 * The school days that wait, each once, and those that are being derived. A key that is marked while it is being derived
 * waits anew: the run may have read before the mark.
 */
export class DirtyBacklog {
  readonly #waiting = new Map<number, DirtyKey>();
  readonly #running = new Map<number, DirtyKey>();
  #reversals = 0;

  /** Keys, and reversals that they wait for. */
  get size(): number {
    return this.#waiting.size + this.#running.size + this.#reversals;
  }

  get keys(): number {
    return this.#waiting.size + this.#running.size;
  }

  /** When the oldest key that is not derived was marked. */
  get oldestMs(): number | undefined {
    let oldestMs: number | undefined;
    for (const { sinceMs } of this.#all()) if (oldestMs === undefined || sinceMs < oldestMs) oldestMs = sinceMs;
    return oldestMs;
  }

  mark(mark: Mark): void {
    const key = packKey(mark);
    const entry = this.#waiting.get(key) ?? newKey(mark);
    this.#waiting.set(key, entry);
    entry.causes.add(mark.cause);
    entry.dueMs = Math.min(entry.dueMs, mark.dueMs);
    if (mark.pin !== undefined) pin(entry, mark.pin.shard, mark.pin.position);
    if (mark.waiter !== undefined) entry.waiters.push(mark.waiter);
    for (const id of mark.reversed ?? []) entry.reversed.push(id);
    this.#reversals += mark.reversed?.length ?? 0;
  }

  /** Takes the keys of one day that are due, the longest due first; empty when none is. */
  take(nowMs: number, keysMax: number): DirtyKey[] {
    const due = [...this.#waiting.values()].filter(({ dueMs }) => dueMs <= nowMs);
    const first = due.reduce<DirtyKey | undefined>(
      (best, key) => (best && best.dueMs <= key.dueMs ? best : key),
      undefined,
    );
    if (first === undefined) return [];
    const joins = (key: DirtyKey) => key !== first && key.schoolDay === first.schoolDay && key.failures === 0;
    const taken = first.failures > 0 ? [first] : [first, ...due.filter(joins)].slice(0, keysMax);
    for (const entry of taken) {
      this.#waiting.delete(packKey(entry));
      this.#running.set(packKey(entry), entry);
    }
    return taken;
  }

  /** The keys are derived. */
  done(taken: readonly DirtyKey[]): void {
    for (const entry of taken) {
      this.#running.delete(packKey(entry));
      this.#reversals -= entry.reversed.length;
      for (const waiter of entry.waiters) waiter.resolve();
    }
  }

  /** The keys are not derived: they wait again, until `dueMs`, together with what came meanwhile. */
  failed(taken: readonly DirtyKey[], dueMs: number, error: unknown): void {
    for (const entry of taken) {
      const key = packKey(entry);
      this.#running.delete(key);
      const newer = this.#waiting.get(key);
      this.#waiting.set(key, newer === undefined ? entry : merge(entry, newer));
      entry.failures += 1;
      entry.dueMs = dueMs;
      for (const waiter of entry.waiters.splice(0)) waiter.reject(error);
    }
  }

  /** Up to here everything that a shard's journal touches is derived, if it was marked up to `markedUpTo`. */
  derivedUpTo(shard: number, markedUpTo: number): number {
    let upTo = markedUpTo;
    for (const { pins } of this.#all()) upTo = Math.min(upTo, (pins.get(shard) ?? Infinity) - 1);
    return upTo;
  }

  *#all(): Generator<DirtyKey> {
    yield* this.#waiting.values();
    yield* this.#running.values();
  }
}

function newKey({ schoolId, schoolDay, nowMs, dueMs }: Mark): DirtyKey {
  const causes = new Set<DeriveCause>();
  return {
    schoolId,
    schoolDay,
    causes,
    sinceMs: nowMs,
    dueMs,
    pins: new Map(),
    reversed: [],
    failures: 0,
    waiters: [],
  };
}

function pin({ pins }: DirtyKey, shard: number, position: number): void {
  pins.set(shard, Math.min(position, pins.get(shard) ?? Infinity));
}

function merge(entry: DirtyKey, newer: DirtyKey): DirtyKey {
  for (const cause of newer.causes) entry.causes.add(cause);
  for (const [shard, position] of newer.pins) pin(entry, shard, position);
  entry.reversed.push(...newer.reversed);
  entry.waiters.push(...newer.waiters);
  return entry;
}
