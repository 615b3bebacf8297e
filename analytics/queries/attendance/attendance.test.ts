import { beforeAll, describe, expect, it } from 'vitest';
import { randomFrom, testSeed } from '../../../workers/random.suite.ts';
import { useMigratedEngine } from '../../clickhouse/migrated-engine.suite.ts';
import { engineMissing, temporaryFolder } from '../../clickhouse/testing.suite.ts';
import { ClickHouseDeriveStore } from '../../derive/derive-store.ts';
import { localMs, WorldMaker } from '../../derive/random-world.suite.ts';
import { dateOf, insertRoster, insertSchools, insertTaps } from '../../derive/world-rows.suite.ts';
import { pupilQueries } from '../pupils/index.ts';
import { askNamed } from '../query-engine.suite.ts';
import { attendanceQueries } from './index.ts';
import { NaiveAnswers, type Question } from './naive-attendance.suite.ts';

const missing = engineMissing();
const queries = [...attendanceQueries, ...pupilQueries].filter(({ source }) => source === 'derived');
const today = 20_700;
const schools = [11, 12, 13];
const spanDays = 32;

describe.skipIf(missing !== undefined)('questions of attendance and of pupils', () => {
  const database = useMigratedEngine(temporaryFolder());
  const random = randomFrom(testSeed);
  /** About when the second shift comes, or any other time of the day. */
  const nowMs = localMs(today, [13.4, 14.2, 7 + random(120) / 10][random(3)]) + random(60) * 1_000;
  let naive: NaiveAnswers;

  /** Weeks of school days with gaps: some days are no school days, some schools' days have not been derived. */
  beforeAll(async () => {
    const { client, engine } = database;
    const days = Array.from({ length: spanDays }, (_, index) => today - spanDays + 1 + index).filter(
      (day) => day >= today - 1 || day % 7 === today % 7 || random(6) > 0,
    );
    const { world } = madeWorld(days);
    await insertTaps(client, world.taps);
    for (const revision of [1, 2])
      await insertRoster(
        client,
        world.roster.filter((row) => row.revision === revision),
      );
    await insertSchools(client, world);
    naive = new NaiveAnswers(world);
    const store = new ClickHouseDeriveStore(engine.url, 60_000, new AbortController().signal);
    for (const day of days) {
      const derived = schools.filter(() => day >= today - 1 || random(15) > 0);
      // Some in the morning first: what it published then must not be seen.
      const moments = random(4) === 0 ? [localMs(day, 9), localMs(day, 23)] : [localMs(day, 23)];
      for (const asOfMs of moments.map((moment) => Math.min(moment, nowMs))) {
        await store.derive({
          schoolDay: day,
          schools: derived.map((schoolId) => ({ schoolId, cause: 'taps' })),
          asOfMs,
        });
      }
      for (const schoolId of derived) naive.derive(schoolId, day, Math.min(localMs(day, 23), nowMs));
    }
    await store.close();
  }, 120_000);

  /** Beats at the hours that count only: there are many. */
  function madeWorld(days: readonly number[]): WorldMaker {
    const maker = new WorldMaker(random, { schools, days, pupils: 24, after: 0 });
    const { world } = maker;
    maker.make();
    const hourOf = (ms: number, day: number) => (ms - localMs(day, 0)) / 3_600_000;
    const counts = (ms: number) =>
      days.some((day) => hourOf(ms, day) >= 6.9 && hourOf(ms, day) < 9.1) ||
      days.some((day) => hourOf(ms, day) >= 13.4 && hourOf(ms, day) < 14.6);
    for (const gate of world.gates) gate.beatsMs = gate.beatsMs.filter(counts);
    // One was open yesterday with nobody on the roster; one is closed today, another was a week ago.
    for (const key of [`13:${today}`, `12:${today - 7}`]) world.closed.add(key);
    for (const key of [`11:${today}`, `11:${today - 1}`]) world.closed.delete(key);
    world.roster = world.roster.filter((row) => row.schoolId !== 11 || row.schoolDay !== today - 1);
    return maker;
  }

  const question = (more: Partial<Question> = {}): Question => ({
    ...{ schools, day: today, from: today - 27, to: today, nowMs, ...more },
  });

  async function isAsComputed(name: string, asked: Question): Promise<number> {
    const query = queries.find((one) => one.name === name)!;
    const said: Record<string, unknown> = {};
    for (const [key, value] of Object.entries(asked) as [string, unknown][]) {
      if (!(key in query.parameters.shape) || value === undefined) continue;
      said[key] = ['day', 'from', 'to'].includes(key) ? dateOf(value as number) : value;
    }
    const rows = await askNamed(database.client, query, { ...said, schools: asked.schools, nowMs: asked.nowMs });
    const expected = naive[name as 'overview_today'](asked);
    expect(rows, `${name} of ${JSON.stringify(asked)} with TAPLINE_SEED=${testSeed}`).toEqual(expected);
    return rows.length;
  }

  it.each(queries.map(({ name }) => name))('%s is what plain rows say', async (name) => {
    let rows = 0;
    for (const of of [schools, [11], [12, 13], [13], []]) {
      const takesPupil = name === 'pupil_days' ? { pupil: (of[0] ?? 11) * 1_000 + 1 + random(24) } : {};
      for (const day of [today, today - 1 - random(6), today - 7, today + 1]) {
        const asked = question({ schools: of, day, from: day - random(30), to: day, ...takesPupil });
        rows += await isAsComputed(name, asked);
        rows += await isAsComputed(name, { ...asked, class: (of[0] ?? 11) * 100 + random(4) });
      }
      rows += await isAsComputed(name, question({ schools: of, ...takesPupil, nowMs: localMs(today, 7.6) }));
    }
    expect(rows).toBeGreaterThan(0);
  });

  it('marks a school from 3 points up or down, where the gates were alive for 95 %', async () => {
    const days = [today + 100, today + 107].map((day) => dateOf(day));
    /** Arrived of 10,000 a week before and now, ms alive of 10,000 then and now. */
    const cases = [
      { before: 9_000, now: 9_300, alive: [9_500, 9_500], is_marked: true },
      { before: 9_000, now: 9_299, alive: [9_500, 9_500], is_marked: false },
      { before: 9_000, now: 8_700, alive: [9_500, 9_500], is_marked: true },
      { before: 9_000, now: 9_300, alive: [9_500, 9_499], is_marked: false },
      // The gates were dead a week ago: nobody has come back.
      { before: 100, now: 9_300, alive: [9_499, 9_500], is_marked: false },
    ];
    const rows = cases.flatMap(({ before, now, alive }, index) =>
      [before, now].map((arrived, week) => ({
        ...{ school_id: 901 + index, school_day: days[week], expected: 10_000, arrived },
        ...{ alive_ms: alive[week], due_ms: 10_000 },
        ...{ side: 0, revision: 1, form: 1 },
      })),
    );
    const { client } = database;
    await client.insert({ table: 'district_day', values: rows, format: 'JSONEachRow' });
    const heads = rows.map(({ school_id, school_day }) => ({ school_id, school_day, side: 0, revision: 1 }));
    await client.insert({ table: 'derive_log', values: heads, format: 'JSONEachRow' });
    const compare = queries.find(({ name }) => name === 'school_compare')!;
    const answer = await askNamed(client, compare, { schools: [901, 902, 903, 904, 905], day: days[1] });
    expect(answer.map(({ is_marked }) => is_marked)).toEqual(cases.map(({ is_marked }) => is_marked));
    expect(answer.map(({ diff_pp }) => diff_pp)).toEqual([3, 2.99, -3, 3, 92]);
  });
});
