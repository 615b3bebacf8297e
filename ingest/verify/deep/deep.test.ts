import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openClickHouse, type ClickHouseClient } from '../../../analytics/clickhouse/client.ts';
import { engineMissing } from '../../../analytics/clickhouse/testing.suite.ts';
import { Kind } from '../../../workers/ledger/kinds.ts';
import { dayMs, RunningSchool, schoolId } from '../../live/running-school.suite.ts';
import type { Verdict } from '../verify.ts';
import { type DeepInput, type DeepVerdict, verifyDeep } from './deep.ts';
import { ledgerOfService } from './ledger-days.ts';

const first = '2026-09-01';

describe.skipIf(engineMissing() !== undefined)('verify --deep', () => {
  let school: RunningSchool;
  let client: ClickHouseClient;

  beforeAll(async () => {
    school = await RunningSchool.start();
    client = openClickHouse(school.service.clickhouseAddress);
    await school.fill(100_000);
    for (let day = 0; day < 3; day++) {
      await untilFrozen();
      await makeDay();
      school.nowMs += dayMs;
    }
    // Told a day late, and taken back a day late.
    await school.tap('gate', [{ pupil: 6, kind: Kind.gateIn, flags: 1 }], school.nowMs - 2 * dayMs);
    await school.tap('till', [{ pupil: 6, kind: Kind.buffet, amountKop: 700, flags: 1 }], school.nowMs - 2 * dayMs);
    await school.command(['reverse', '--tap', '2:1:2', '--reason', 'a wrong child']);
  });
  afterAll(async () => {
    await client?.close();
    await school?.end();
  });

  /** The roster of the day is there, before the clock goes on. */
  async function untilFrozen(): Promise<void> {
    const day = new Date(school.nowMs).toISOString().slice(0, 10);
    const query = `SELECT count() AS n FROM roster_day WHERE school_id = ${schoolId} AND school_day = '${day}'`;
    for (let tries = 0; tries < 600; tries++) {
      const answer = await client.query({ query, format: 'JSONEachRow' }).catch(() => undefined);
      const [row] = (await answer?.json<{ n: string | number }>()) ?? [];
      if (row !== undefined && Number(row.n) > 0) return;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    throw new Error(`the roster of ${day} was not frozen`);
  }

  async function makeDay(): Promise<void> {
    await school.tap(
      'gate',
      [1, 2, 3, 4].map((pupil) => ({ pupil, kind: Kind.gateIn, afterMs: pupil * 1_000 })),
    );
    await school.tap('till', [
      { pupil: 1, kind: Kind.buffet, amountKop: 5_000 },
      { pupil: 2, kind: Kind.buffet, amountKop: 2_500, afterMs: 1_000 },
      { pupil: 3, kind: Kind.meal, amountKop: 8_000, afterMs: 2_000 },
      { pupil: 2, kind: Kind.buffet, amountKop: 9_000_000, afterMs: 3_000 },
    ]);
    await school.tap('bus', [{ pupil: 5, kind: Kind.fare, ref: 7 }]);
    school.nowMs += 3_600_000 / 2;
    await school.tap('gate', [{ pupil: 2, kind: Kind.gateOut }]);
  }

  const inputs = (more: Partial<DeepInput> = {}): DeepInput => ({
    dataPath: school.data,
    journalDirectory: school.service.data.journal,
    client,
    clickhouseUrl: school.service.clickhouseAddress,
    positions: () => Promise.resolve([...school.service.pool.durablePositions]),
    ledgerDay: ledgerOfService(school.admin),
    isAlone: false,
    ...more,
  });
  const change = (query: string) =>
    client.command({ query, clickhouse_settings: { mutations_sync: '2', async_insert: 0 } });

  test('some days with late taps and what was taken back: all agrees, beside a running service', async () => {
    const verdict = await school.command<Verdict & { deep: DeepVerdict }>(['verify', '--deep']);
    expect(verdict.deep.differences).toEqual([]);
    expect(verdict).toMatchObject({ ok: true, deep: { ok: true, unchecked: [], taps: 3 * 10 + 2 } });
    expect(verdict.deep.schools_days).toBeGreaterThanOrEqual(3);
    for (const table of [
      'tap',
      'transfer',
      'ledger',
      'student_day',
      'coverage_day',
      'presence_5m',
      'spend_day',
      'district_day',
    ]) {
      expect(verdict.deep.tables[table].rows, table).toBeGreaterThan(0);
    }
  }, 180_000);

  const ofTheDay = `school_id = ${schoolId} AND school_day = '${first}'`;
  test.each([
    ['tap', `ALTER TABLE tap DELETE WHERE ${ofTheDay} AND kind = 1 AND pupil_id = 4`, 'kind=1'],
    ['tap', `ALTER TABLE tap UPDATE debited_kop = debited_kop + 1 WHERE ${ofTheDay} AND kind = 7`, 'kind=7'],
    ['tap', `ALTER TABLE tap UPDATE local_minute = local_minute + 1 WHERE ${ofTheDay} AND kind = 7`, 'kind=7'],
    ['transfer', `INSERT INTO transfer SELECT * FROM transfer WHERE ${ofTheDay} AND kop = 3000`, 'cause=1'],
    [
      'student_day',
      `ALTER TABLE student_day UPDATE minutes_inside = 1 WHERE ${ofTheDay} AND pupil_id = 1`,
      'pupil_id=1',
    ],
    ['presence_5m', `ALTER TABLE presence_5m DELETE WHERE ${ofTheDay} AND slot = 110`, 'slot=110'],
    ['spend_day', `ALTER TABLE spend_day UPDATE kop = kop + 1 WHERE ${ofTheDay} AND kind = 7`, 'kind=7'],
  ])(
    'planted in %s: %s',
    async (table, query, key) => {
      await change(`CREATE TABLE saved_rows AS ${table} ENGINE = Memory`);
      try {
        await change(`INSERT INTO saved_rows SELECT * FROM ${table}`);
        await change(query);
        const verdict = await verifyDeep(inputs());
        const named = verdict.differences.filter((one) => one.table === table);
        expect(named[0]).toMatchObject({ school: schoolId, day: first, key: expect.stringContaining(key) as string });
        expect(verdict.differences.filter((one) => one.day !== first)).toEqual([]);
        expect(verdict.ok).toBe(false);
      } finally {
        await change(`TRUNCATE TABLE ${table}`);
        await change(`INSERT INTO ${table} SELECT * FROM saved_rows`);
        await change('DROP TABLE saved_rows');
      }
    },
    180_000,
  );

  test('a ledger that has booked something else is named; one that forgot the day is said', async () => {
    const ledger = ledgerOfService(school.admin);
    const wrong = await verifyDeep(
      inputs({
        ledgerDay: async (day) => {
          const booked = new Map(await ledger(day));
          const sums = booked.get(schoolId);
          if (sums !== undefined) booked.set(schoolId, { ...sums, takingsKop: sums.takingsKop + 1 });
          return booked;
        },
      }),
    );
    expect(new Set(wrong.differences.map(({ table }) => table))).toEqual(new Set(['ledger']));
    const forgetful = await verifyDeep(inputs({ ledgerDay: () => Promise.resolve(undefined) }));
    expect(forgetful.ok).toBe(true);
    expect(forgetful.unchecked.join()).toMatch(/ledger: \d school days are older/);
  }, 180_000);

  test('without a service what is not derived yet is derived first, and a fault is exit 1', async () => {
    await school.tap('till', [{ pupil: 4, kind: Kind.buffet, amountKop: 100 }], school.nowMs - 2 * dayMs);
    await school.sql('SELECT 1');
    await school.stop();
    const good = await school.command<Verdict & { deep: DeepVerdict }>(['verify', '--deep']);
    expect(good).toMatchObject({ ok: true, deep: { ok: true, differences: [] } });
    expect(good.deep.notes.join()).toMatch(/derived first/);
    await school.begin();
    await client.close();
    client = openClickHouse(school.service.clickhouseAddress);
    await change(`ALTER TABLE presence_5m UPDATE inside = inside + 1 WHERE ${ofTheDay}`);
    await school.stop();
    const bad = await school.command<Verdict & { deep: DeepVerdict }>(['verify', '--deep'], 1);
    expect(bad.ok).toBe(false);
    expect(bad.deep.differences[0]).toMatchObject({ table: 'presence_5m', school: schoolId, day: first });
    await school.begin();
  }, 180_000);
});
