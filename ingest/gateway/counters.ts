import { createHistogram } from 'node:perf_hooks';

/** What the gateway counts, per frame and batch; the metrics read it when they are asked for. */
export class GatewayCounters {
  ackedTaps = 0;
  ackedFrames = 0;
  hellos = 0;
  beats = 0;
  outcomes = 0;
  /** Journaled: the first of their taps. */
  outcomesSettled = 0;
  outcomesRepeated = 0;
  /** Another OUTCOME of the tap came before. */
  outcomesRefused = 0;
  /** Of taps that never came in. */
  outcomesUnknown = 0;
  /** Of taps that lie too far back for the shards to know them. */
  outcomesLate = 0;
  batches = 0;
  decidedTaps = 0;
  repeatedTaps = 0;
  quarantinedTaps = 0;
  connections = 0;
  /** Time that each shard spent on batches, microseconds. */
  readonly shardBusyUs: number[] = [];
  readonly errors = new Map<number, number>();
  /** From a frame's arrival to its ack, microseconds. */
  readonly ackLatencyUs = createHistogram({ lowest: 1, highest: 3_600_000_000, figures: 3 });
  /** A batch in its shard, microseconds. */
  readonly batchUs = createHistogram({ lowest: 1, highest: 3_600_000_000, figures: 3 });

  countError(code: number): void {
    this.errors.set(code, (this.errors.get(code) ?? 0) + 1);
  }
}
