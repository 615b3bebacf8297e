import { type ClickHouseClient, errorLine } from '../../../analytics/clickhouse/client.ts';
import type { ProcessMeter } from '../process-meter.ts';
import { answersLimits } from './limits.ts';
import { askQuestion, type Question, rowsRead } from './questions.ts';

/** How long rounds of one question took. */
export interface Timing {
  readonly median_ms: number;
  readonly p95_ms: number;
  readonly rounds: number;
}

/** The smallest value that so large a share of all is not above. */
export function quantile(values: readonly number[], part: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(sorted.length * part) - 1)] ?? 0;
}

export function timingOf(spentMs: readonly number[]): Timing {
  const rounded = (ms: number) => Math.round(ms * 10) / 10;
  return {
    median_ms: rounded(quantile(spentMs, 0.5)),
    p95_ms: rounded(quantile(spentMs, 0.95)),
    rounds: spentMs.length,
  };
}

/** What became of one question on one side. */
export interface Answered {
  readonly timing: Timing | undefined;
  readonly rows: number;
  readonly rows_read: number;
  /** Engine's CPU time of one round, all threads: a busy machine makes the rounds longer, but not this. */
  readonly cpu_ms: number;
  /** What it failed with; it is not asked again then. */
  readonly error: string | undefined;
}

interface Asking {
  readonly spentMs: number[];
  rows: number;
  rowsRead: number;
  cpuMicros: number;
  error: string | undefined;
}

/** An engine that is asked. */
export interface AskedEngine {
  readonly client: ClickHouseClient;
  readonly meter: ProcessMeter;
}

export interface RoundOptions {
  readonly rounds: number;
  /** No round is begun later than this. */
  readonly withinMs?: number;
  readonly progress: (line: string) => void;
}

/**
 * Asks every question of every side in rounds, by turns, so that a busy minute of the machine touches all alike. A question
 * that fails is noted and left out, whatever it is: the others are still worth having.
 */
export async function timeQuestions(
  questions: readonly Question[],
  sides: readonly AskedEngine[],
  { rounds, withinMs = Infinity, progress }: RoundOptions,
): Promise<Answered[][]> {
  const asking = questions.map(() =>
    sides.map((): Asking => ({ spentMs: [], rows: 0, rowsRead: 0, cpuMicros: 0, error: undefined })),
  );
  const giveUpMs = performance.now() + withinMs;
  for (let round = -answersLimits.warmRounds; round < rounds && performance.now() < giveUpMs; round++) {
    for (const [place, question] of questions.entries()) {
      for (const [side, engine] of sides.entries()) await askOnce(question, engine, asking[place][side], round);
    }
    progress(round < 0 ? 'warming up' : `round ${round + 1} of ${rounds}`);
  }
  return asking.map((ofSides) =>
    ofSides.map(({ spentMs, rows, rowsRead: rows_read, cpuMicros, error }) => ({
      timing: spentMs.length === 0 ? undefined : timingOf(spentMs),
      rows,
      rows_read,
      cpu_ms: Math.round(cpuMicros / 1000 / Math.max(1, spentMs.length)),
      error,
    })),
  );
}

async function askOnce(question: Question, { client, meter }: AskedEngine, into: Asking, round: number): Promise<void> {
  if (into.error !== undefined) return;
  try {
    if (round === -1) into.rowsRead = await rowsRead(client, question);
    const cpuBefore = meter.cpuMicros;
    const beganMs = performance.now();
    into.rows = (await askQuestion(client, question)).length;
    if (round < 0) return;
    into.spentMs.push(performance.now() - beganMs);
    into.cpuMicros += meter.cpuMicros - cpuBefore;
  } catch (error) {
    into.error = errorLine(error);
  }
}
