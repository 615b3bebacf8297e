import { type CaseName, cases } from './cases.ts';
import type { Machine } from './process-meter.ts';
import type { ByCase, CaseRound, RoundReport, Settings } from './round.ts';
import type { Verdict } from './service-under-test.ts';

/** Figures of one case, each the median of the rounds. */
export interface CaseReport {
  readonly title: string;
  readonly connections: number;
  readonly taps_per_frame: number;
  readonly floor: CaseRound['floor'];
  readonly service: CaseRound['service'];
  /** Service over floor within one round, then the median. */
  readonly ratio_to_floor: { readonly cpu_per_frame: number; readonly taps_per_second: number };
  /** Over all rounds: the service's decision codes, and what went wrong for the generator. */
  readonly codes: Readonly<Record<string, number>>;
  readonly errors: Readonly<Record<string, number>>;
}

/** What `bench --json` prints. */
export interface BenchReport {
  readonly machine: Machine;
  readonly method: Readonly<Record<string, string>>;
  readonly settings: Readonly<Record<string, number | boolean>>;
  readonly cases: ByCase<CaseReport>;
  readonly memory_bytes_per_connection: RoundReport['memory_bytes_per_connection'];
  readonly verify: readonly Verdict[];
  readonly ok: boolean;
  readonly rounds: readonly RoundReport[];
}

const method = {
  cpu: "utime + stime of the server's process, all its threads, without the ClickHouse process, over a window behind the warm-up",
  floor:
    'a bare uWebSockets echo of the same frames in a process of its own, in the same round, from the same generator',
  ack_ms:
    'open loop at half of what the service took at saturation, from when a frame was due; the floor at the same rate',
  send_lag_ms: "the generator's share of ack_ms: from when a frame was due to when it was written",
  memory: 'growth of resident memory with idle readers welcomed, divided by their number',
  stored_cpu_micros_per_tap: "the service's CPU from the first frame until ClickHouse had every tap",
  medians: 'each figure is the median of the rounds; a ratio is taken within a round',
} as const;

export function reportOf(machine: Machine, settings: Settings, rounds: readonly RoundReport[]): BenchReport {
  const { seconds, connections, idleConnections, isQuick } = settings;
  const named = { seconds, rounds: rounds.length, connections, idle_connections: idleConnections, quick: isQuick };
  const verify = rounds.map((round) => round.verify);
  const caseReports: Partial<Record<CaseName, CaseReport>> = {};
  for (const name of settings.cases) {
    const ofCase = rounds.flatMap((round) => round.cases[name] ?? []);
    caseReports[name] = caseReport(name, connections, ofCase);
  }
  return rounded({
    machine,
    method,
    settings: named,
    cases: caseReports,
    memory_bytes_per_connection: medians(rounds.map((round) => round.memory_bytes_per_connection)),
    verify,
    ok: verify.every(({ ok }) => ok),
    rounds,
  });
}

function caseReport(name: CaseName, connections: number, rounds: readonly CaseRound[]): CaseReport {
  const ratio = (pick: (side: CaseRound['floor']) => number) =>
    medians(rounds.map(({ service, floor }) => pick(service) / pick(floor)));
  return {
    title: cases[name].title,
    connections,
    taps_per_frame: cases[name].tapsPerFrame,
    floor: medians(rounds.map(({ floor }) => floor)),
    service: medians(rounds.map(({ service }) => service)),
    ratio_to_floor: {
      cpu_per_frame: ratio(({ saturation }) => saturation.cpu_micros_per_frame),
      taps_per_second: ratio(({ saturation }) => saturation.taps_per_second),
    },
    codes: summed(rounds.map(({ codes }) => codes)),
    errors: summed(rounds.map(({ errors }) => errors)),
  };
}

/** The median of each number in values of one shape. */
export function medians<T>(values: readonly T[]): T {
  const [first] = values;
  if (typeof first === 'number') {
    const sorted = (values as readonly number[]).toSorted((a, b) => a - b);
    const middle = sorted.length >> 1;
    return (sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2) as T;
  }
  const names = Object.keys(first as object) as (keyof T)[];
  return Object.fromEntries(names.map((name) => [name, medians(values.map((value) => value[name]))])) as T;
}

function summed(counts: readonly Readonly<Record<string, number>>[]): Record<string, number> {
  const sums: Record<string, number> = {};
  for (const [name, count] of counts.flatMap((each) => Object.entries(each))) sums[name] = (sums[name] ?? 0) + count;
  return sums;
}

/** Three digits behind the point are more than any figure here is worth. */
export function rounded<T>(value: T): T {
  const text = JSON.stringify(value, (_, inner: unknown) =>
    typeof inner === 'number' ? Math.round(inner * 1000) / 1000 : inner,
  );
  return JSON.parse(text) as T;
}
