import { createHistogram, type RecordableHistogram } from 'node:perf_hooks';
import { benchLimits } from './limits.ts';

const codesMax = 256;

/** What all connections of a load count together. */
export class Tally {
  sentFrames = 0;
  answeredFrames = 0;
  /** Answers by decision code; the floor gives none. */
  readonly codes = new Float64Array(codesMax);
  readonly errors: Record<string, number> = {};
  /** From when a frame was due, to its answer and to when it was written. */
  readonly answerMicros = newHistogram();
  readonly sendLagMicros = newHistogram();

  countError(name: string): void {
    this.errors[name] = (this.errors[name] ?? 0) + 1;
  }

  /** Kept only if the frame was due after the warm-up. */
  recordAnswer(pace: Pace, frame: number, nowMs: number): void {
    const dueMs = dueMsOf(pace, frame);
    if (dueMs >= pace.recordFromMs) this.answerMicros.record(micros(nowMs - dueMs));
  }

  recordSend(pace: Pace, frame: number, nowMs: number): void {
    const dueMs = dueMsOf(pace, frame);
    if (dueMs >= pace.recordFromMs) this.sendLagMicros.record(micros(nowMs - dueMs));
  }
}

function newHistogram(): RecordableHistogram {
  return createHistogram({ lowest: 1, highest: benchLimits.latencyMicrosMax, figures: 3 });
}

function micros(ms: number): number {
  return Math.min(benchLimits.latencyMicrosMax, Math.max(1, Math.round(ms * 1000)));
}

/** When the frames of one connection are due in open loop, whatever became of those before. */
export interface Pace {
  readonly firstMs: number;
  readonly everyMs: number;
  readonly recordFromMs: number;
}

/** Due times lie on a grid that all connections share, so that the generator can wake once for each of its steps. */
export function dueMsOf({ firstMs, everyMs }: Pace, frame: number): number {
  const dueMs = firstMs + frame * everyMs;
  return Math.ceil(dueMs / benchLimits.paceStepMs) * benchLimits.paceStepMs;
}

/** Frames that are due by now. */
export function dueFrames(pace: Pace, nowMs: number): number {
  const onGridMs = Math.floor(nowMs / benchLimits.paceStepMs) * benchLimits.paceStepMs;
  return Math.max(0, Math.floor((onGridMs - pace.firstMs) / pace.everyMs) + 1);
}

/** Latencies in milliseconds. */
export interface Percentiles {
  readonly p50: number;
  readonly p99: number;
  readonly p99_9: number;
}

export function percentilesMs(histogram: RecordableHistogram): Percentiles {
  const at = (percentile: number) => (histogram.count === 0 ? 0 : histogram.percentile(percentile) / 1000);
  return { p50: at(50), p99: at(99), p99_9: at(99.9) };
}
