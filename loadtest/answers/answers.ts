import type { Ask } from './ask.ts';
import { compareRows } from './compare.ts';
import { WorldIndex } from './index-of-world.ts';
import { questions, whatToAsk, type Question } from './questions.ts';
import { checkTruth, type TruthCheck } from './truth-check.ts';
import type { World } from './world.ts';

/** What became of one query. */
export interface QueryResult {
  readonly query: string;
  readonly asked: number;
  readonly rows: number;
  readonly equal: number;
  readonly different: number;
  readonly median_ms: number;
  /** The first of the differences. */
  readonly differences: readonly ShownDifference[];
}

export interface ShownDifference {
  readonly parameters: Readonly<Record<string, string>>;
  readonly row: string;
  readonly expected: string;
  readonly found: string;
}

export interface AnswersReport {
  readonly taps: number;
  /** Answers that readers got and that the rules' oracle does not. */
  readonly decisions_different: number;
  readonly decisions: readonly string[];
  readonly queries: readonly QueryResult[];
  readonly truth: TruthCheck;
  readonly ok: boolean;
}

const shownMax = 20;

export interface CheckOptions {
  /** The service's clock meanwhile. */
  readonly nowMs: number;
  readonly progress: (line: string) => void;
  /** These queries only. */
  readonly only?: readonly string[];
  /** How many classes, pupils, readers are asked for. */
  readonly samples?: number;
}

/** Asks everything and holds it against what must be answered. */
export async function checkAnswers(world: World, ask: Ask, options: CheckOptions): Promise<AnswersReport> {
  const { progress, only } = options;
  const index = new WorldIndex(world);
  const queries: QueryResult[] = [];
  for (const question of questions) {
    if (only !== undefined && !only.includes(question.name)) continue;
    const result = await checkQuestion(question, index, ask, options);
    progress(lineOf(result));
    queries.push(result);
  }
  const truth = checkTruth(index);
  const { disagreements } = world;
  const isOk = disagreements.length === 0 && truth.unexplained.length === 0;
  return {
    taps: world.facts.length,
    decisions_different: disagreements.length,
    decisions: disagreements.slice(0, shownMax),
    queries,
    truth: { ...truth, unexplained: truth.unexplained.slice(0, shownMax) },
    ok: isOk && queries.every(({ different, asked }) => different === 0 && asked > 0),
  };
}

async function checkQuestion(
  question: Question,
  index: WorldIndex,
  ask: Ask,
  { nowMs, samples }: CheckOptions,
): Promise<QueryResult> {
  const { name, oracle, key, isOrdered = false, among } = question;
  const differences: ShownDifference[] = [];
  const times: number[] = [];
  let [asked, rows, different] = [0, 0, 0];
  for (const { parameters, asked: about } of whatToAsk(question, index, nowMs, samples)) {
    const startMs = performance.now();
    const all = await ask(name, parameters);
    times.push(performance.now() - startMs);
    const found = among === undefined ? all : among(all);
    const expected = oracle(index, about);
    const apart = compareRows(expected, found, key, isOrdered);
    asked++;
    rows += Math.max(found.length, expected.length);
    different += apart.length;
    differences.push(...apart.slice(0, shownMax - differences.length).map((one) => ({ parameters, ...one })));
  }
  const medianMs = times.sort((a, b) => a - b)[Math.floor(times.length / 2)];
  const figures = { asked, rows, equal: Math.max(0, rows - different), different };
  return { query: name, ...figures, median_ms: Math.round(medianMs), differences };
}

/** One line for people. */
export function lineOf({ query, asked, rows, equal, different, median_ms: ms }: QueryResult): string {
  const verdict = different === 0 ? 'all equal' : `${equal} equal, ${different} DIFFERENT`;
  return `${query}: asked ${asked} times, ${rows} rows, ${verdict}, median ${ms} ms`;
}

/** The report for people. */
export function reportLines({ taps, decisions_different, queries, truth, ok }: AnswersReport): string[] {
  const shown = queries.flatMap(({ query, differences }) =>
    differences.slice(0, 3).map(({ parameters, row, expected, found }) => {
      return `  ${query} ${JSON.stringify(parameters)} [${row}]: must be ${expected}, is ${found}`;
    }),
  );
  return [
    `${taps} taps, ${decisions_different} decided otherwise than the rules' oracle says`,
    ...queries.map(lineOf),
    ...shown,
    `against the truth: ${truth.equal} pupils' days as they were; otherwise because ${JSON.stringify(truth.excused)}`,
    ...truth.unexplained.map((line) => `  nobody knows why: ${line}`),
    ok ? 'ok' : 'not ok',
  ];
}
