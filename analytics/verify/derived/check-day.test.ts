import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { randomFrom, testSeed } from '../../../workers/random.suite.ts';
import { useMigratedEngine } from '../../clickhouse/migrated-engine.suite.ts';
import { engineMissing, temporaryFolder } from '../../clickhouse/testing.suite.ts';
import { ClickHouseDeriveStore } from '../../derive/derive-store.ts';
import { localMs, WorldMaker } from '../../derive/random-world.suite.ts';
import { dateOf, insertRoster, insertSchools, insertTaps, insertTransfers } from '../../derive/world-rows.suite.ts';
import { askWith } from './ask.ts';
import { checkDay } from './check-day.ts';
import { derivedTableNames } from './tables.ts';

describe.skipIf(engineMissing() !== undefined)('what is published, computed anew', () => {
  const stack = useMigratedEngine(temporaryFolder());
  const schools = [1, 2, 3];
  const days = [20_600, 20_601, 20_602];
  const world = new WorldMaker(randomFrom(testSeed), { schools, days, pupils: 40, after: 0 }).make();
  let store: ClickHouseDeriveStore;
  const seed = `with TAPLINE_SEED=${testSeed}`;

  beforeAll(async () => {
    const { client } = stack;
    store = new ClickHouseDeriveStore(stack.engine.url, 60_000, new AbortController().signal);
    await insertTaps(client, world.taps);
    await insertTransfers(client, world.transfers);
    for (const freeze of [1, 2])
      await insertRoster(
        client,
        world.roster.filter(({ revision }) => revision === freeze),
      );
    await insertSchools(client, world);
    await derive(22);
  });
  afterAll(() => store?.close());

  async function derive(hour: number): Promise<void> {
    for (const schoolDay of days) {
      const asOfMs = localMs(schoolDay, hour);
      await store.derive({ schoolDay, schools: schools.map((schoolId) => ({ schoolId, cause: 'taps' })), asOfMs });
    }
  }
  const check = (day: number) => checkDay(askWith(stack.client), day, schools);
  const change = (query: string) =>
    stack.client.command({ query, clickhouse_settings: { mutations_sync: '2', async_insert: 0 } });

  it('is the same, at the end of a day and in its middle, whatever the rows are', async () => {
    for (const hour of [22, 10]) {
      await derive(hour);
      for (const day of days) {
        const { differences, rows, uncheckedCoverage } = await check(day);
        expect(differences, seed).toEqual([]);
        expect(uncheckedCoverage).toEqual([]);
        for (const table of derivedTableNames) expect(rows[table], `${table} ${seed}`).toBeGreaterThan(0);
      }
    }
  });

  it.each([
    ['student_day', "UPDATE status = if(status = 'late', 'on_time', 'late') WHERE pupil_id = PUPIL", 'pupil_id=PUPIL'],
    ['student_day', 'DELETE WHERE pupil_id = PUPIL', 'pupil_id=PUPIL'],
    ['coverage_day', 'UPDATE alive_ms = alive_ms + 1 WHERE 1', 'doors_at='],
    ['presence_5m', 'DELETE WHERE slot = 110', 'slot=110'],
    ['spend_day', 'UPDATE kop = kop + 1 WHERE kind = 4', 'kind=4'],
    ['entitlement_day', 'UPDATE unclaimed = unclaimed + 1 WHERE 1', 'class_id='],
    ['district_day', 'UPDATE arrived = arrived + 1 WHERE 1', ''],
  ])('a planted fault of %s is named (%s)', async (table, what, key) => {
    await derive(22);
    expect((await check(days[1])).differences).toEqual([]);
    const where = `school_id = 1 AND school_day = '${dateOf(days[1])}'`;
    // Which pupils are on the roster is chance.
    const first = await askWith(stack.client)<{ pupil: number }>(
      `SELECT min(pupil_id) AS pupil FROM v_student_day WHERE ${where}`,
      {},
    );
    const named = (text: string) => text.replace('PUPIL', String(first[0].pupil));
    await change(`ALTER TABLE ${table} ${named(what)} AND ${where}`);
    const { differences } = await check(days[1]);
    expect(differences.length).toBeGreaterThan(0);
    for (const difference of differences) {
      expect(difference).toMatchObject({ school: 1, day: days[1], key: expect.stringContaining(named(key)) as string });
    }
    expect(differences.map((difference) => difference.table)).toContain(table);
    expect((await check(days[0])).differences).toEqual([]);
    expect((await check(days[2])).differences).toEqual([]);
  });

  it('a tap that came after the derivation makes it stale', async () => {
    await derive(22);
    const maker = new WorldMaker(randomFrom(1), { schools: [], days: [], pupils: 0, after: 9_000_000 });
    const late = maker.tap({ schoolId: 2, schoolDay: days[0], pupilId: 999_777, kind: 1, atMs: localMs(days[0], 5) });
    await insertTaps(stack.client, [late]);
    const { differences } = await check(days[0]);
    expect(new Set(differences.map(({ table, school }) => `${table} ${school}`))).toEqual(new Set(['presence_5m 2']));
  });
});
