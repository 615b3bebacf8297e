import type { Client } from 'pg';
import { type ClickHouseClient, errorLine } from '../../../analytics/clickhouse/client.ts';
import type { Cell } from '../../../analytics/queries/columns.ts';
import { answersLimits } from './limits.ts';
import { clickhouseBytes, loadPostgres, postgresBytes } from './postgres-load.ts';
import { differenceOf, postgresQuestions, type PostgresQuestion, valuesOf } from './postgres-questions.ts';
import type { PostgresServer } from './postgres-server.ts';
import { askQuestion, type Question } from './questions.ts';
import { type Timing, timingOf } from './timing.ts';

/** One question on both sides. */
export interface Compared {
  readonly name: string;
  readonly window: string;
  readonly scope: string;
  readonly rows: number;
  readonly clickhouse: Timing | undefined;
  readonly postgres: Timing | undefined;
  /** How many times as long PostgreSQL took. */
  readonly ratio: number | undefined;
  readonly is_equal: boolean;
  /** What differs, or what failed. */
  readonly difference: string | undefined;
}

export interface SideBySide {
  readonly version: string;
  readonly load_ms: number;
  readonly questions: readonly Compared[];
  readonly bytes: {
    readonly postgres: Readonly<Record<string, number>>;
    readonly clickhouse: Readonly<Record<string, number>>;
  };
}

/** Fills PostgreSQL with what ClickHouse was told and asks both the same, by turns. */
export async function compareWithPostgres(
  clickhouse: ClickHouseClient,
  server: PostgresServer,
  questions: readonly Question[],
  { rounds, progress }: { readonly rounds: number; readonly progress: (line: string) => void },
): Promise<SideBySide> {
  const beganMs = performance.now();
  await loadPostgres(clickhouse, server, progress);
  const load_ms = Math.round(performance.now() - beganMs);
  const postgres = await server.connect();
  const compared: Compared[] = [];
  try {
    for (const one of postgresQuestions) {
      const question = questions.find((other) => isSameCase(other, one));
      if (question === undefined) {
        progress(`${one.name}: there is no such named query`);
        continue;
      }
      compared.push(await compareOne(clickhouse, postgres, question, one, rounds));
      progress(lineOf(compared[compared.length - 1]));
    }
  } finally {
    await postgres.end();
  }
  const bytes = { postgres: await postgresBytes(server), clickhouse: await clickhouseBytes(clickhouse) };
  return { version: server.version, load_ms, questions: compared, bytes };
}

function isSameCase(question: Question, one: PostgresQuestion): boolean {
  return question.name === one.name && question.window === one.window && question.scope === one.scope;
}

function lineOf({ name, clickhouse, postgres, difference }: Compared): string {
  const times = `ClickHouse ${clickhouse?.median_ms ?? '–'} ms, PostgreSQL ${postgres?.median_ms ?? '–'} ms`;
  return `${name}: ${times}${difference === undefined ? '' : `; ${difference}`}`;
}

async function compareOne(
  clickhouse: ClickHouseClient,
  postgres: Client,
  question: Question,
  one: PostgresQuestion,
  rounds: number,
): Promise<Compared> {
  const spentMs = { clickhouse: [] as number[], postgres: [] as number[] };
  const head = { name: one.name, window: one.window, scope: one.scope };
  try {
    const values = valuesOf(one, question);
    let difference: string | undefined;
    let rows = 0;
    const giveUpMs = performance.now() + answersLimits.postgresQuestionMs;
    // The first round warms both and is what is held together.
    for (let round = 0; round <= rounds; round++) {
      let beganMs = performance.now();
      const left = await askQuestion(clickhouse, question);
      if (round > 0) spentMs.clickhouse.push(performance.now() - beganMs);
      beganMs = performance.now();
      const answer = await postgres.query<unknown[]>({ text: one.sql, values, rowMode: 'array' });
      if (round > 0) spentMs.postgres.push(performance.now() - beganMs);
      if (round === 0) {
        const names = Object.keys(question.query.columns);
        const places = one.columns.map((name) => names.indexOf(name));
        rows = left.length;
        difference = differenceOf(
          left.map((row) => places.map((place) => row[place])),
          answer.rows.map((row) => row.map(cellOf)),
        );
      }
      if (round >= answersLimits.postgresRoundsMin && performance.now() > giveUpMs) break;
    }
    const timings = { clickhouse: timingOf(spentMs.clickhouse), postgres: timingOf(spentMs.postgres) };
    const ratio = Math.round((100 * timings.postgres.median_ms) / timings.clickhouse.median_ms) / 100;
    return { ...head, rows, ...timings, ratio, is_equal: difference === undefined, difference };
  } catch (error) {
    const none = { clickhouse: undefined, postgres: undefined, ratio: undefined };
    return { ...head, rows: 0, ...none, is_equal: false, difference: errorLine(error) };
  }
}

function cellOf(value: unknown): Cell {
  return value instanceof Date ? value.toISOString() : (value as Cell);
}
