import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { useMigratedEngine } from '../../../analytics/clickhouse/migrated-engine.suite.ts';
import { engineMissing, temporaryFolder } from '../../../analytics/clickhouse/testing.suite.ts';
import { namedQueries } from '../../../analytics/queries/catalogue.ts';
import { deriveDays, type Filled, HistoryFill } from './fill.ts';
import { differenceOf, postgresQuestions } from './postgres-questions.ts';
import { findPostgres, PostgresServer } from './postgres-server.ts';
import { chooseSubjects, type Question, questionsOf } from './questions.ts';
import { numberOf } from './school-days.ts';
import { compareWithPostgres } from './side-by-side.ts';
import { tinyPopulation } from './tiny-population.suite.ts';
import { quantile } from './timing.ts';

const missing = engineMissing();
const bin = findPostgres();
if (bin === undefined) process.stderr.write('skipped: PostgreSQL is not installed\n');

// A Friday in September: five days of lessons, a weekend between them in the week before.
const lastDay = numberOf('2026-09-11');
const seed = 7;

describe.skipIf(missing !== undefined)('a small history', () => {
  const engine = useMigratedEngine(temporaryFolder());
  let filled: Filled;
  let questions: Question[];
  const fill = () => new HistoryFill(engine.client, tinyPopulation(), seed);

  beforeAll(async () => {
    const history = fill();
    await history.begin();
    const tenth = await history.extend(lastDay, { taps: Infinity, days: 2 });
    filled = await history.extend(lastDay, { taps: Infinity, days: 5 }, tenth);
    const days = Array.from({ length: lastDay - filled.firstDay + 1 }, (_, place) => lastDay - place);
    await deriveDays(engine.engine.url, [1, 2], days, { atOnce: 2 });
    const subjects = await chooseSubjects(engine.client);
    questions = questionsOf(namedQueries, subjects, filled, (lastDay + 1) * 86_400_000);
  });

  it('is the same again from the same seed, and has what a day has', async () => {
    const sums = () =>
      engine.ask<Record<string, number>>(
        `SELECT toUInt32(count()) AS taps, toString(groupBitXor(cityHash64(position, at, code, debited_kop, uid))) AS hash,
           toUInt32(uniqExact(position)) AS positions, toUInt32(uniqExact(kind)) AS kinds FROM tap`,
      );
    const [before] = await sums();
    expect(before).toMatchObject({ taps: filled.taps, positions: filled.taps, kinds: 7 });
    const [day] = await engine.ask<Record<string, number>>(
      `SELECT toUInt32(sum(expected)) AS expected, toUInt32(sum(arrived)) AS arrived, toUInt32(sum(late)) AS late,
         toUInt32(sum(closed)) AS closed, toUInt32(sum(served)) AS served, sum(spend_kop) > 0 AS spent,
         max(coverage) AS covered, toUInt32(count()) AS days FROM v_school_day`,
    );
    expect(day).toMatchObject({ days: 2 * (lastDay - filled.firstDay + 1), spent: 1, covered: 1 });
    expect(filled.openDays).toBe(5);
    expect(day.arrived / day.expected).toBeGreaterThan(0.75);
    expect(day.late).toBeGreaterThan(0);
    expect(day.served).toBeGreaterThan(0);

    const again = fill();
    await again.begin();
    await again.extend(lastDay, { taps: Infinity, days: 5 });
    expect(await sums()).toEqual([before]);
    const days = Array.from({ length: lastDay - filled.firstDay + 1 }, (_, place) => lastDay - place);
    await deriveDays(engine.engine.url, [1, 2], days, { atOnce: 2 });
  });

  it('asks every named query that has SQL, of many and of one school where that makes a difference', () => {
    const names = new Set(questions.map(({ name }) => name));
    expect(namedQueries.filter(({ sql, name }) => sql !== '' && !names.has(name))).toEqual([]);
    for (const { name, window, scope } of postgresQuestions) {
      const same = questions.filter((one) => one.name === name && one.window === window && one.scope === scope);
      expect(same, name).toHaveLength(1);
      expect(Object.keys(same[0].query.columns)).toEqual(
        expect.arrayContaining([...postgresQuestions.find((one) => one.name === name)!.columns]),
      );
    }
  });

  describe.skipIf(bin === undefined)('beside PostgreSQL', () => {
    let server: PostgresServer;
    beforeAll(async () => {
      server = await PostgresServer.start(bin!);
    });
    afterAll(() => server?.stop());

    it('has the same answers in both', async () => {
      const lines: string[] = [];
      const { questions: compared, bytes } = await compareWithPostgres(engine.client, server, questions, {
        rounds: 1,
        progress: (line) => lines.push(line),
      });
      expect(compared.map(({ name }) => name)).toEqual(postgresQuestions.map(({ name }) => name));
      for (const { name, difference, rows } of compared) {
        expect([name, difference]).toEqual([name, undefined]);
        expect([name, rows > 0]).toEqual([name, true]);
      }
      expect(bytes.postgres['tap']).toBeGreaterThan(0);
      expect(bytes.clickhouse['tap']).toBeGreaterThan(0);
    });
  });
});

it('sees where answers differ, but for the last digit of a rounding', () => {
  const rows = [
    [1, '2026-09-11', 93.13],
    [2, null, 5],
  ];
  expect(differenceOf(rows, [[1, '2026-09-11', 93.12], rows[1]])).toBeUndefined();
  expect(differenceOf(rows, [[1, '2026-09-11', 93.1], rows[1]])).toContain('column 3');
  expect(differenceOf(rows, [rows[0], [2, null, 6]])).toBe('row 2, column 3: 5 and 6');
  expect(differenceOf(rows, [rows[0], [2, 0, 5]])).toContain('row 2, column 2');
  expect(differenceOf(rows, [rows[0]])).toBe('2 rows and 1');
});

it('takes the middle and the end of few rounds', () => {
  expect([quantile([3, 1, 2], 0.5), quantile([3, 1, 2], 0.95), quantile([], 0.5)]).toEqual([2, 3, 0]);
});

it('finds no PostgreSQL where there is none', () => {
  expect(findPostgres('/nowhere')).toBeUndefined();
});
