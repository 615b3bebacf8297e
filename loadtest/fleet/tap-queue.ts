import type { Turn } from './card-turns.ts';

/** What noise did to a tap: see `loadtest/README.md`. */
export type TapNoise = 'offline' | 'clock' | 'outcome';

/** A tap as a reader keeps it: reader time, flags of the protocol. */
export interface MadeTap {
  /** Its place in the reader's plan, from 1. */
  readonly n: number;
  readonly atMs: number;
  readonly uid: string;
  readonly kind: number;
  readonly amountKop: number;
  readonly ref: number;
  readonly flags: number;
  readonly noise: readonly TapNoise[];
  /** How far the reader's clock was off. */
  readonly driftMs: number;
  /** What the reader did before the verdict came; null where it waited for it. */
  readonly ownDeed: boolean | null;
  readonly turn: Turn | null;
  /** When its answer or its settlement was seen, counted over the fleet; 0 for not yet. */
  order: number;
}

/** Taps and answers kept behind the first unacknowledged one; fewer than the server remembers. */
const rememberedTaps = 4_096;
const unanswered = 0;

/**
 * A reader's memory for one boot epoch: taps in order of their seq, those not yet acknowledged and the newest ones that
 * were, with their first answers. `firstUnacked ≤ nextToSend ≤ nextSeq` always.
 */
export class TapQueue {
  readonly epoch: number;
  firstUnacked = 1;
  nextToSend = 1;
  nextSeq = 1;
  /** Seqs up to here were put on the wire at least once. */
  sentUpTo = 0;
  #keptFrom = 1;
  #taps: MadeTap[] = [];
  #answers: number[] = [];

  constructor(epoch: number) {
    this.epoch = epoch;
  }

  get unacked(): number {
    return this.nextSeq - this.firstUnacked;
  }

  push(tap: MadeTap): void {
    this.#taps.push(tap);
    this.#answers.push(unanswered);
    this.nextSeq++;
  }

  /** The tap of a seq, or undefined where it is forgotten or not made yet. */
  tap(seq: number): MadeTap | undefined {
    return this.#taps[seq - this.#keptFrom];
  }

  /** The first answer to a seq; 0 where there is none. */
  answer(seq: number): number {
    return this.#answers[seq - this.#keptFrom] ?? unanswered;
  }

  setAnswer(seq: number, code: number): void {
    this.#answers[seq - this.#keptFrom] = code;
  }

  /**
   * Everything up to `durableSeq` is acknowledged: tells `settled` of each tap, and gives the seqs that were settled
   * without an answer seen.
   */
  settle(durableSeq: number, settled: (tap: MadeTap) => void): number[] {
    const silent: number[] = [];
    const end = Math.min(durableSeq, this.nextSeq - 1);
    for (; this.firstUnacked <= end; this.firstUnacked++) {
      settled(this.tap(this.firstUnacked)!);
      if (this.answer(this.firstUnacked) === unanswered) silent.push(this.firstUnacked);
    }
    this.nextToSend = Math.max(this.nextToSend, this.firstUnacked);
    this.#forget();
    return silent;
  }

  /** The unacknowledged taps, to be numbered anew in a later epoch. */
  pending(): MadeTap[] {
    return this.#taps.slice(this.firstUnacked - this.#keptFrom);
  }

  #forget(): void {
    const surplus = this.firstUnacked - this.#keptFrom - rememberedTaps;
    if (surplus < rememberedTaps) return;
    this.#taps = this.#taps.slice(surplus);
    this.#answers = this.#answers.slice(surplus);
    this.#keptFrom += surplus;
  }
}
