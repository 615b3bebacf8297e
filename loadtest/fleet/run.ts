import { setTimeout as sleep } from 'node:timers/promises';
import { limits } from '../limits.ts';
import { LineFile } from '../region/files.ts';
import type { SimulatedClock } from './clock.ts';
import type { CardTurns } from './card-turns.ts';
import { ConnectGate } from './connect-gate.ts';
import { SimulatedReader, type ReaderOptions } from './simulated-reader.ts';
import { Tally } from './tally.ts';

export interface FleetOptions {
  readonly url: string;
  readonly clock: SimulatedClock;
  readonly readers: readonly ReaderOptions[];
  readonly tapsPerFrameMax: number;
  /** Wall time after which no more taps are made; null for the whole plan. */
  readonly forMs: number | null;
  /** Wall time without any progress after which the fleet gives up on what is left. */
  readonly drainMs: number;
  /** NDJSON of every answered identity; null for none. */
  readonly acksPath: string | null;
  /** NDJSON of every connection, its end, and every BEAT; null for none. */
  readonly signsPath?: string | null;
  readonly progress: (line: string) => void;
  /** Aborted: make no more taps, deliver what is left, report. */
  readonly signal: AbortSignal | null;
  /** Holds the taps of one card to their order; null: every reader sends as soon as it can. */
  readonly turns: CardTurns | null;
  /** Told of every balance that an answer shows; null where nobody listens. */
  readonly onBalance: ((uid: string, balanceKop: number) => void) | null;
  readonly rulesVersion: number;
}

/** What a fleet reports. Latencies in milliseconds; `unacked` counts taps made and not acknowledged at the end. */
export interface FleetReport {
  readonly readers: number;
  readonly made: number;
  readonly sent: number;
  readonly acked: number;
  readonly unacked: number;
  readonly answered: number;
  readonly codes: Readonly<Record<string, Readonly<Record<string, number>>>>;
  readonly errors: Readonly<Record<string, number>>;
  readonly reconnects: number;
  readonly reboots: number;
  /** Deeds told behind a verdict that came too late. */
  readonly outcomes: number;
  readonly retransmitted: number;
  readonly resends: number;
  readonly repeats_answered: number;
  readonly repeats_forgotten: number;
  readonly answer_mismatches: number;
  readonly mismatches: readonly unknown[];
  readonly protocol_faults: number;
  readonly faults: readonly string[];
  readonly ack_ms: Readonly<Record<string, number>>;
  readonly seconds: number;
  readonly taps_per_second: number;
  readonly ok: boolean;
}

/** Runs a fleet to its end and says what became of every tap. */
export async function runFleet(options: FleetOptions): Promise<FleetReport> {
  const { url, clock, tapsPerFrameMax, acksPath, signsPath = null, turns, onBalance, rulesVersion } = options;
  const fileAt = (path: string | null): LineFile | null => (path === null ? null : new LineFile(path));
  const tally = new Tally(fileAt(acksPath), fileAt(signsPath));
  const gate = new ConnectGate(limits.connectsAtOnceMax);
  const readers = options.readers.map(
    (reader) =>
      new SimulatedReader(reader, { url, clock, tally, gate, tapsPerFrameMax, turns, onBalance, rulesVersion }),
  );
  const startMs = Date.now();
  const shown = progressLine(options, readers, tally);
  const endMs = options.forMs === null ? Infinity : startMs + options.forMs;
  const step = async (): Promise<void> => {
    const wallMs = Date.now();
    const simulatedMs = clock.nowMs();
    for (const reader of readers) reader.live(simulatedMs, wallMs);
    for (const reader of readers) reader.tick(wallMs);
    if (readers.every((reader) => reader.isUpToDate)) await clock.advance?.();
    shown(wallMs);
    // In order, the next tap often waits for the last answer.
    await sleep(turns === null ? limits.fleetTickMs : limits.fleetOrderedTickMs);
  };
  while (Date.now() < endMs && !options.signal?.aborted && !readers.every((reader) => reader.exhausted)) await step();
  for (const reader of readers) reader.quieten();
  await drain(readers, tally, options.drainMs, step);
  const report = summarise(readers, tally, startMs);
  for (const reader of readers) reader.close();
  tally.close();
  return report;
}

/** Steps until everything is settled, or nothing more was acknowledged or answered for `drainMs`. */
async function drain(
  readers: readonly SimulatedReader[],
  tally: Tally,
  drainMs: number,
  step: () => Promise<void>,
): Promise<void> {
  let seen = -1;
  let untilMs = 0;
  while (!readers.every((reader) => reader.settled)) {
    const progress = tally.acked + tally.repeatsAnswered;
    if (progress > seen) untilMs = Date.now() + drainMs;
    else if (Date.now() > untilMs) return;
    seen = progress;
    await step();
  }
}

function progressLine(
  { clock, progress }: FleetOptions,
  readers: readonly SimulatedReader[],
  tally: Tally,
): (wallMs: number) => void {
  let shownMs = Date.now();
  let shownAcked = 0;
  return (wallMs) => {
    if (wallMs - shownMs < limits.progressEveryMs) return;
    const rate = Math.round(((tally.acked - shownAcked) * 1000) / (wallMs - shownMs));
    shownMs = wallMs;
    shownAcked = tally.acked;
    const inFlight = readers.reduce((sum, reader) => sum + reader.tapsInFlight, 0);
    const simulatedMs = clock.nowMs();
    const time = Number.isFinite(simulatedMs) ? `${new Date(simulatedMs).toISOString().slice(0, 19)}Z ` : '';
    progress(
      `${time}connected ${tally.connected}/${readers.length} sent ${tally.sent} acked ${tally.acked} ` +
        `in flight ${inFlight} ${rate} taps/s ack p50 ${tally.latencyMs(50).toFixed(1)} ms ` +
        `p99 ${tally.latencyMs(99).toFixed(1)} ms`,
    );
  };
}

function summarise(readers: readonly SimulatedReader[], tally: Tally, startMs: number): FleetReport {
  const unacked = readers.reduce((sum, reader) => sum + reader.unacked, 0);
  const byCode = Object.values(tally.codes).flatMap((codes) => Object.values(codes));
  const answered = byCode.reduce((sum, count) => sum + count, 0);
  const busyMs = Math.max(1, tally.lastAckedAtMs - tally.firstSentAtMs);
  return {
    readers: readers.length,
    made: tally.made,
    sent: tally.sent,
    acked: tally.acked,
    unacked,
    answered,
    codes: tally.codes,
    errors: tally.errors,
    reconnects: Math.max(0, tally.connects - readers.length),
    reboots: tally.reboots,
    outcomes: tally.outcomes,
    retransmitted: tally.retransmitted,
    resends: tally.repeated,
    repeats_answered: tally.repeatsAnswered,
    repeats_forgotten: tally.repeatsForgotten,
    answer_mismatches: tally.answerMismatches,
    mismatches: tally.mismatches,
    protocol_faults: tally.protocolFaults,
    faults: tally.faults,
    ack_ms: tally.latencySummary(),
    seconds: (Date.now() - startMs) / 1000,
    taps_per_second: Math.round((tally.acked * 1000) / busyMs),
    ok: unacked === 0 && tally.answerMismatches === 0 && tally.protocolFaults === 0,
  };
}
