import { createHistogram } from 'node:perf_hooks';
import { kindNames } from '../../ingest/protocol/codes.ts';
import { limits } from '../limits.ts';
import type { LineFile } from '../region/files.ts';
import type { MadeTap } from './tap-queue.ts';

/** Names in the lines of `--acks`. */
export interface Identity {
  readonly reader: number;
  readonly epoch: number;
  readonly seq: number;
}

/** A line of `--signs`; `queued` and `oldest_ms` are what a BEAT said. */
export interface Sign {
  readonly reader: number;
  readonly event: 'connected' | 'beat' | 'closed';
  readonly at_ms: number;
  readonly queued: number;
  readonly oldest_ms: number | null;
  readonly drift_ms: number;
}

/** An answer that changed: the identity, the first answer and the later one. */
export interface Mismatch {
  readonly identity: string;
  readonly first: number;
  readonly later: number;
}

const mismatchesShownMax = 20;

/** What a fleet saw, counted over all of its readers. */
export class Tally {
  made = 0;
  /** Distinct taps put on the wire, and the distinct ones among them that are settled. */
  sent = 0;
  acked = 0;
  /** Taps of one identity sent more than once: unacknowledged ones after a loss, and acknowledged ones on purpose. */
  retransmitted = 0;
  repeated = 0;
  repeatsAnswered = 0;
  repeatsForgotten = 0;
  connects = 0;
  connected = 0;
  reboots = 0;
  outcomes = 0;
  #ordered = 0;
  answerMismatches = 0;
  protocolFaults = 0;
  readonly mismatches: Mismatch[] = [];
  readonly faults: string[] = [];
  readonly codes: Record<string, Record<string, number>> = {};
  readonly errors: Record<string, number> = {};
  readonly #latency = createHistogram({ lowest: 1, highest: limits.ackLatencyMicrosMax, figures: 3 });
  #acks: LineFile | null;
  #signs: LineFile | null;
  firstSentAtMs = 0;
  lastAckedAtMs = 0;

  constructor(acks: LineFile | null = null, signs: LineFile | null = null) {
    this.#acks = acks;
    this.#signs = signs;
  }

  countSent(taps: number): void {
    if (this.sent === 0) this.firstSentAtMs = Date.now();
    this.sent += taps;
  }

  /** Called once for each settled identity whose answer is known. */
  countAnswer(identity: Identity, tap: MadeTap, code: number, receivedMs: number): void {
    const { kind, n, order, flags, noise, driftMs } = tap;
    const codes = (this.codes[kindNames[kind - 1]] ??= {});
    codes[code] = (codes[code] ?? 0) + 1;
    this.#acks?.json({ ...identity, n, kind, code, order, flags, noise, drift_ms: driftMs, received_ms: receivedMs });
  }

  /** A reader gave a sign of life, or its connection ended; times by the service's clock. */
  countSign(sign: Sign): void {
    this.#signs?.json(sign);
  }

  /** A reader told what it did before the verdict came. */
  countOutcome(identity: Identity, deed: boolean): void {
    this.outcomes++;
    this.#acks?.json({ ...identity, deed: deed ? 1 : 0 });
  }

  /** Counts what is known to be decided, in the order in which it became known. */
  nextOrder(): number {
    return ++this.#ordered;
  }

  countAcked(taps: number): void {
    this.acked += taps;
    if (taps > 0) this.lastAckedAtMs = Date.now();
  }

  countLatency(nanoseconds: bigint): void {
    const micros = nanoseconds / 1000n;
    this.#latency.record(micros < 1n ? 1n : micros);
  }

  countError(code: number): void {
    this.errors[code] = (this.errors[code] ?? 0) + 1;
  }

  countMismatch(mismatch: Mismatch): void {
    this.answerMismatches++;
    if (this.mismatches.length < mismatchesShownMax) this.mismatches.push(mismatch);
  }

  /** The server broke the contract. */
  countFault(text: string): void {
    this.protocolFaults++;
    if (this.faults.length < mismatchesShownMax) this.faults.push(text);
  }

  /** Acknowledgement latency of frames, in milliseconds. */
  latencyMs(percentile: number): number {
    return this.#latency.count === 0 ? 0 : this.#latency.percentile(percentile) / 1000;
  }

  latencySummary(): Record<string, number> {
    const maxMs = this.#latency.count === 0 ? 0 : this.#latency.max / 1000;
    return {
      frames: this.#latency.count,
      p50: this.latencyMs(50),
      p90: this.latencyMs(90),
      p99: this.latencyMs(99),
      p999: this.latencyMs(99.9),
      max: maxMs,
    };
  }

  close(): void {
    this.#acks?.close();
    this.#acks = null;
    this.#signs?.close();
    this.#signs = null;
  }
}
