import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { randomFrom, testSeed } from '../../workers/random.suite.ts';
import { openClickHouse, type ClickHouseClient } from '../clickhouse/client.ts';
import { EmbeddedClickHouse } from '../clickhouse/embedded.ts';
import { engineMissing, temporaryFolder } from '../clickhouse/testing.suite.ts';
import { migrate } from '../schema/migrate.ts';
import { ClickHouseDeriveStore } from './derive-store.ts';
import {
  naiveCoverage,
  naiveEntitlements,
  naivePresence,
  naiveSpending,
  naiveStudents,
  type World,
} from './naive.suite.ts';
import { localMs, minuteMs, WorldMaker, type WorldSize } from './random-world.suite.ts';
import { dateOf, insertRoster, insertSchools, insertTaps, insertTransfers } from './world-rows.suite.ts';

const missing = engineMissing();
const { folder, remove } = temporaryFolder();
const hourMs = 60 * minuteMs;
const firstDay = 20_600;

describe.skipIf(missing !== undefined)('what is derived', () => {
  let engine: EmbeddedClickHouse;
  let client: ClickHouseClient;
  let store: ClickHouseDeriveStore;

  beforeAll(async () => {
    engine = await EmbeddedClickHouse.start({ directory: path.join(folder, 'clickhouse') });
    await migrate(engine.url);
    client = openClickHouse(engine.url);
    store = new ClickHouseDeriveStore(engine.url, 60_000, new AbortController().signal);
  });

  afterAll(async () => {
    await store?.close();
    await client?.close();
    await engine?.stop();
    remove();
  });

  const ask = async <T = Record<string, unknown>>(query: string): Promise<T[]> =>
    (await client.query({ query, format: 'JSONEachRow' })).json<T>();
  const of = (schoolId: number, day: number): string =>
    `WHERE school_id = ${schoolId} AND school_day = '${dateOf(day)}'`;
  const derive = (schoolDay: number, schoolIds: readonly number[], asOfMs: number, cause = 'taps') =>
    store.derive({ schoolDay, schools: schoolIds.map((schoolId) => ({ schoolId, cause })), asOfMs });

  async function insertWorld(world: World): Promise<void> {
    await insertTaps(client, world.taps);
    await insertTransfers(client, world.transfers);
    await insertRoster(
      client,
      world.roster.filter(({ revision }) => revision === 1),
    );
    await insertRoster(
      client,
      world.roster.filter(({ revision }) => revision === 2),
    );
    await insertSchools(client, world);
  }

  const numbers = (columns: string) =>
    columns
      .split(' ')
      .map((name) => `toInt64(${name}) AS ${name}`)
      .join(', ');
  async function derived(schoolId: number, day: number) {
    const ms = (column: string) => `toUnixTimestamp64Milli(assumeNotNull(${column}))`;
    const orNull = (column: string, name: string) => `if(isNull(${column}), NULL, toInt64(${ms(column)})) AS ${name}`;
    const from = (columns: string, view: string, order: string) =>
      ask(`SELECT ${columns} FROM ${view} ${of(schoolId, day)} ORDER BY ${order}`);
    return {
      coverage: await from(
        `toInt64(${ms('doors_at')}) AS doors_ms, ${numbers('readers alive_ms due_ms')}`,
        'v_coverage_day',
        'doors_at',
      ),
      students: await from(
        `pupil_id, class_id, toInt64(${ms('bell_at')}) AS bell_ms, toInt64(${ms('end_at')}) AS end_ms, excused, ${orNull('first_in_at', 'first_ms')}, ${orNull('last_out_at', 'last_ms')}, minutes_inside, status, late_minutes, left_early, no_exit, manual, clock_doubt`,
        'v_student_day',
        'pupil_id',
      ),
      presence: await from('slot, inside', 'v_presence_5m', 'slot'),
      spending: await from('kind, purse, item, n, kop', 'v_spend_day', 'kind, purse, item'),
      entitlements: await from(
        'class_id, window, entitled, served, second_refused, unclaimed',
        'v_entitlement_day',
        'class_id, window',
      ),
    };
  }

  const naive = (world: World, schoolId: number, day: number, asOfMs: number) => ({
    coverage: naiveCoverage(world, schoolId, day, asOfMs),
    students: naiveStudents(world, schoolId, day, asOfMs),
    presence: naivePresence(world, schoolId, day),
    spending: naiveSpending(world, schoolId, day),
    entitlements: naiveEntitlements(world, schoolId, day),
  });

  it.each([0, 1, 2, 3])('is what plain rows say, whatever they are (%i)', async (round) => {
    const random = randomFrom(testSeed + round);
    const first = firstDay + round * 3;
    const size: WorldSize = {
      schools: [round * 10 + 1, round * 10 + 2, round * 10 + 3],
      days: [first, first + 1],
      pupils: 30,
      after: round * 100_000,
    };
    const world = new WorldMaker(random, size).make();
    await insertWorld(world);
    // Some in the middle of the day; and twice, to publish both sides.
    for (const hour of [8 + random(10), 22]) {
      for (const day of size.days) await derive(day, size.schools, localMs(day, hour));
      for (const day of size.days) {
        for (const schoolId of size.schools) {
          const where = `with TAPLINE_SEED=${testSeed}, school ${schoolId}, day ${day}, hour ${hour}`;
          expect(await derived(schoolId, day), where).toEqual(naive(world, schoolId, day, localMs(day, hour)));
        }
      }
    }
    await sumsAgree(size);
  });

  /** Sums of schools and of the district are those of their parts, and the log has them. */
  async function sumsAgree({ schools, days }: WorldSize): Promise<void> {
    for (const day of days) {
      const of = `school_day = '${dateOf(day)}' AND school_id IN (${schools.join(', ')})`;
      const [sums] = await ask(`SELECT sum(expected) AS expected, sum(arrived) AS arrived, sum(late) AS late,
        sum(spend_kop) AS kop, sum(entitled) AS entitled FROM v_school_day WHERE ${of}`);
      const [parts] = await ask(`SELECT countIf(status NOT IN ('excused', 'closed')) AS expected,
        countIf(status IN ('on_time', 'late')) AS arrived, countIf(status = 'late') AS late,
        (SELECT sum(kop) FROM v_spend_day WHERE ${of}) AS kop, (SELECT sum(entitled) FROM v_entitlement_day WHERE ${of}) AS entitled
        FROM v_student_day WHERE ${of}`);
      const [log] =
        await ask(`SELECT sum(after_expected) AS expected, sum(after_arrived) AS arrived, sum(after_late) AS late,
        sum(after_spend_kop) AS kop FROM derive_log WHERE ${of}
        AND (school_id, school_day, revision) IN (SELECT school_id, school_day, revision FROM v_derive_head)`);
      const [district] = await ask(`SELECT expected, arrived, late, spend_kop AS kop, entitled FROM v_district_day
        WHERE district_id = 1 AND school_day = '${dateOf(day)}'`);
      expect(sums).toEqual(parts);
      expect(district).toEqual(parts);
      expect(parts).toMatchObject(log);
    }
  }

  /** A school with one gate and three pupils, expected at 8:30. */
  async function smallSchool(schoolId: number, day: number, beatsMs: number[]): Promise<WorldMaker> {
    const maker = new WorldMaker(randomFrom(1), { schools: [], days: [], pupils: 0, after: schoolId * 1_000_000 });
    maker.world.gates.push({ schoolId, readerId: schoolId * 10, beatsMs });
    for (const pupilId of [1, 2, 3]) {
      const [doorsMs, bellMs, endMs] = [7, 8.5, 14].map((hour) => localMs(day, hour));
      const pupil = { pupilId: schoolId * 1_000 + pupilId, classId: 1, shift: 1, entitled: 1, excused: 0, revision: 1 };
      maker.world.roster.push({ ...pupil, schoolId, schoolDay: day, doorsMs, bellMs, endMs });
    }
    await insertWorld(maker.world);
    return maker;
  }

  const statuses = async (schoolId: number, day: number) =>
    (await ask<{ status: string }>(`SELECT status FROM v_student_day ${of(schoolId, day)} ORDER BY pupil_id`)).map(
      ({ status }) => status,
    );

  it('changes with a late tap what the tap changes, and nothing else', async () => {
    const [day, schoolId, other] = [firstDay + 30, 500, 501];
    const everyMinute = Array.from({ length: 400 }, (_, minute) => localMs(day, 6.9) + minute * minuteMs);
    const maker = await smallSchool(schoolId, day, everyMinute);
    await smallSchool(other, day, everyMinute);
    const onTime = maker.tap({ schoolId, schoolDay: day, pupilId: 500_001, kind: 1, atMs: localMs(day, 8.5) });
    const paid = maker.tap({ schoolId, schoolDay: day, pupilId: 500_001, kind: 4, atMs: onTime.atMs, amountKop: 900 });
    await insertTaps(client, [onTime, paid]);
    await insertTransfers(client, [maker.transfer(paid, { purse: 2 })]);
    await derive(day, [schoolId, other], localMs(day, 15));
    const untouched = await ask(`SELECT * FROM v_student_day ${of(other, day)}`);
    const before = await derived(schoolId, day);
    expect(before.students.map(({ status }) => status)).toEqual(['on_time', 'no_tap_covered', 'no_tap_covered']);

    const late = maker.tap({ schoolId, schoolDay: day, pupilId: 500_002, kind: 1, atMs: localMs(day, 8.5) + 1 });
    await insertTaps(client, [late]);
    await derive(day, [schoolId], localMs(day, 15), 'late batch');
    const after = await derived(schoolId, day);
    expect(after).toEqual(naive(maker.world, schoolId, day, localMs(day, 15)));
    expect(after.students[1]).toMatchObject({ status: 'late', late_minutes: 1, no_exit: 1 });
    const changed = { students: after.students.with(1, before.students[1]), presence: before.presence };
    expect({ ...after, ...changed }).toEqual(before);
    expect(await ask(`SELECT * FROM v_student_day ${of(other, day)}`)).toEqual(untouched);
    const log = await ask(`SELECT cause, before_expected, before_arrived, before_late, before_spend_kop, after_expected,
      after_arrived, after_late, after_spend_kop FROM derive_log ${of(schoolId, day)} ORDER BY revision`);
    const settled = { before_expected: 3, before_arrived: 1, before_late: 0, before_spend_kop: 900 };
    const nothing = { before_expected: 0, before_arrived: 0, before_late: 0, before_spend_kop: 0 };
    const first = { after_expected: 3, after_arrived: 1, after_late: 0, after_spend_kop: 900 };
    expect(log).toEqual([
      { cause: 'taps', ...nothing, ...first },
      { cause: 'late batch', ...settled, ...first, after_arrived: 2, after_late: 1 },
    ]);
  });

  it('tells absence from a gate that was offline until noon', async () => {
    const [day, schoolId] = [firstDay + 31, 510];
    const fromNoon = Array.from({ length: 100 }, (_, minute) => localMs(day, 12) + minute * minuteMs);
    const maker = await smallSchool(schoolId, day, fromNoon);
    await derive(day, [schoolId], localMs(day, 10));
    expect(await statuses(schoolId, day)).toEqual(['no_tap_uncovered', 'no_tap_uncovered', 'no_tap_uncovered']);
    const taps = [510_001, 510_002].map((pupilId) =>
      maker.tap({ schoolId, schoolDay: day, pupilId, kind: 1, atMs: localMs(day, 8) }),
    );
    await insertTaps(client, taps);
    await derive(day, [schoolId], localMs(day, 12) + 5 * minuteMs);
    expect(await statuses(schoolId, day)).toEqual(['on_time', 'on_time', 'no_tap_uncovered']);
  });

  it('forgets who was taken off the roster, shows nothing of a derivation that was cut off, and keeps coverage for good', async () => {
    const [day, schoolId] = [firstDay + 32, 520];
    const everyMinute = Array.from({ length: 400 }, (_, minute) => localMs(day, 6.9) + minute * minuteMs);
    const { world } = await smallSchool(schoolId, day, everyMinute);
    const asOfMs = localMs(day, 15);
    await derive(day, [schoolId], asOfMs);
    const before = await derived(schoolId, day);
    const row = { ...world.roster[1], classId: 2, revision: 2 };
    await insertRoster(client, [row]);
    // Without its last word a derivation is nothing, though merges have gone over it.
    await client.command({ query: 'RENAME TABLE derive_log TO derive_log_away' });
    await expect(derive(day, [schoolId], asOfMs)).rejects.toThrow(/derive_log/);
    await client.command({ query: 'OPTIMIZE TABLE student_day FINAL' });
    expect(await derived(schoolId, day)).toEqual(before);
    await client.command({ query: 'RENAME TABLE derive_log_away TO derive_log' });
    // Months later the beats are gone.
    await client.command({
      query: `ALTER TABLE reader_beat DELETE WHERE school_id = ${schoolId} SETTINGS mutations_sync = 2`,
    });
    await derive(day, [schoolId], asOfMs + 100 * 24 * hourMs);
    await client.command({ query: 'OPTIMIZE TABLE student_day FINAL' });
    const after = await derived(schoolId, day);
    expect(after.coverage).toEqual(before.coverage);
    expect(after.students).toEqual([{ ...before.students[1], class_id: 2 }]);
    expect(after.students[0].status).toBe('no_tap_covered');
    // A freeze without a pupil is a line of the calendar and no row.
    await client.insert({
      table: 'calendar_day',
      values: [{ school_id: schoolId, school_day: dateOf(day), is_open: 0, revision: 3 }],
      format: 'JSONEachRow',
    });
    expect((await store.outOfDate(day, asOfMs)).filter((key) => key.schoolId === schoolId)).toHaveLength(1);
    await derive(day, [schoolId], asOfMs);
    expect((await derived(schoolId, day)).students).toEqual([]);
    expect((await store.outOfDate(day, asOfMs)).filter((key) => key.schoolId === schoolId)).toEqual([]);
  });

  it('is found out of date when a roster, a calendar or a bell came after it', async () => {
    const [day, schoolId] = [firstDay + 33, 530];
    const found = async (asOfMs: number) =>
      (await store.outOfDate(day, asOfMs)).filter((key) => key.schoolId === schoolId);
    const key = { schoolId, schoolDay: day };
    const { world } = await smallSchool(schoolId, day, []);
    expect(await found(localMs(day, 8))).toEqual([{ ...key, cause: 'roster' }]);
    await derive(day, [schoolId], localMs(day, 8));
    expect(await found(localMs(day, 9))).toEqual([]);
    // Bell + 30 minutes have passed; and the end of lessons.
    expect(await found(localMs(day, 9.1))).toEqual([{ ...key, cause: 'clock' }]);
    await derive(day, [schoolId], localMs(day, 9.1));
    expect(await found(localMs(day, 13.9))).toEqual([]);
    expect(await found(localMs(day, 14.1))).toEqual([{ ...key, cause: 'clock' }]);
    await derive(day, [schoolId], localMs(day, 14.1));
    expect(await found(localMs(day, 23))).toEqual([]);
    world.closed.add(`${schoolId}:${day}`);
    await insertSchools(client, world);
    expect(await found(localMs(day, 23))).toEqual([{ ...key, cause: 'calendar' }]);
    await derive(day, [schoolId], localMs(day, 23));
    expect(await found(localMs(day, 23))).toEqual([]);
    // A freeze that was there in part when it was derived.
    await insertRoster(client, [{ ...world.roster[0], pupilId: 530_009 }]);
    expect(await found(localMs(day, 23))).toEqual([{ ...key, cause: 'roster' }]);
    // An earlier version derived it; that is found on whichever day.
    await derive(day, [schoolId], localMs(day, 23));
    await client.command({
      query: `ALTER TABLE district_day UPDATE form = 0 WHERE school_id = ${schoolId} SETTINGS mutations_sync = 2`,
    });
    const later = await store.outOfDate(day + 100, localMs(day + 100, 12));
    expect(later.filter((one) => one.schoolId === schoolId)).toEqual([{ ...key, cause: 'form' }]);
    await derive(day, [schoolId], localMs(day, 23), 'form');
    expect(await found(localMs(day, 23))).toEqual([]);
  });

  it('finds the days that transfers were booked on', async () => {
    const maker = new WorldMaker(randomFrom(1), { schools: [], days: [], pupils: 0, after: 900_000_000 });
    const tap = maker.tap({ schoolId: 540, schoolDay: firstDay + 34, pupilId: 1, kind: 3, atMs: 0, amountKop: 5 });
    const paid = [maker.transfer(tap, {}), maker.transfer(tap, { schoolDay: firstDay + 35 }), maker.transfer(tap, {})];
    await insertTransfers(client, paid);
    const days = await store.daysOfTransfers(paid.map(({ transferId }) => transferId));
    expect(days.sort((a, b) => a.schoolDay - b.schoolDay)).toEqual([
      { schoolId: 540, schoolDay: firstDay + 34 },
      { schoolId: 540, schoolDay: firstDay + 35 },
    ]);
    expect(await store.daysOfTransfers([2 ** 45])).toEqual([]);
  });
});
