import path from 'node:path';
import { appendFileSync, existsSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openClickHouse, type ClickHouseClient } from '../../analytics/clickhouse/client.ts';
import { Kind } from '../../workers/ledger/kinds.ts';
import { dayMs, otherSchoolId, RunningSchool, schoolId } from '../live/running-school.suite.ts';
import { type ReconciledDay, Reconciliation } from './reconciliation.ts';

let school: RunningSchool;
let client: ClickHouseClient;
let reconciliation: Reconciliation;
const errors: unknown[] = [];
const firstDay = Math.floor(Date.UTC(2026, 8, 1) / dayMs);
const asked = { from: firstDay, to: firstDay + 3, schools: [schoolId, otherSchoolId] };

function open(): Reconciliation {
  const { service } = school;
  const opened = new Reconciliation({
    pool: service.pool,
    journalDirectory: service.data.journal,
    file: path.join(school.data, 'reconcile', 'sums.json'),
    storedPosition: (shard) => service.sink.storedPosition(shard),
    clickhouse: () => client,
    onError: (error) => errors.push(error),
  });
  opened.start();
  return opened;
}

/** The rows once nothing of them is on its way. */
async function settled(of = reconciliation): Promise<ReconciledDay[]> {
  for (let tries = 0; tries < 600; tries++) {
    const rows = await of.ask(asked).catch(() => undefined);
    if (rows?.every((row) => row.is_settled)) return rows;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error('it did not settle');
}

beforeAll(async () => {
  school = await RunningSchool.start();
  client = openClickHouse(school.service.clickhouseAddress);
  reconciliation = open();
  await school.fill(100_000);
});
afterAll(async () => {
  await reconciliation?.stop();
  await client?.close();
  await school?.end();
});

const change = (query: string) =>
  client.command({ query, clickhouse_settings: { mutations_sync: '2', async_insert: 0 } });
const accounts = (n: number, kop: number) => ({
  journal_n: n,
  ledger_n: n,
  clickhouse_n: n,
  journal_kop: kop,
  ledger_kop: kop,
  clickhouse_kop: kop,
  difference_n: 0,
  difference_kop: 0,
});

test('three accounts agree: meals, free meals, refusals, bounces, rides, what is taken back, late taps', async () => {
  await school.tap(
    'gate',
    [1, 2, 3].map((pupil) => ({ pupil, kind: Kind.gateIn })),
  );
  await school.tap('till', [
    { pupil: 1, kind: Kind.buffet, amountKop: 5_000 },
    { pupil: 1, kind: Kind.buffet, amountKop: 5_000, afterMs: 1_000 },
    { pupil: 2, kind: Kind.buffet, amountKop: 9_000_000, afterMs: 2_000 },
    { pupil: 3, kind: Kind.buffet, amountKop: 2_500, afterMs: 3_000 },
    { pupil: 4, kind: Kind.buffet, amountKop: 1_000, flags: 2, afterMs: 4_000 },
  ]);
  await school.tap('bus', [{ pupil: 5, kind: Kind.fare, ref: 7 }]);
  school.nowMs += dayMs;
  // Yesterday's, told today; and one of yesterday's taken back today.
  await school.tap('till', [{ pupil: 6, kind: Kind.buffet, amountKop: 700, flags: 1 }], school.nowMs - dayMs);
  await school.command(['reverse', '--tap', '2:1:4', '--reason', 'a wrong child']);
  const rows = await settled();
  expect(errors).toEqual([]);
  expect(rows).toHaveLength(2);
  expect(rows[0]).toMatchObject({
    school_day: '2026-09-01',
    school_id: schoolId,
    journal_taps: 10,
    clickhouse_taps: 10,
  });
  expect(rows[0]).toMatchObject(accounts(5, 5_000 + 2_500 + 3_000 + 700));
  expect(rows[1]).toMatchObject({ school_day: '2026-09-02', ...accounts(0, -2_500) });
});

test('what is counted survives a restart, and a file that cannot be read is made anew', async () => {
  const before = await settled();
  await reconciliation.stop();
  const file = path.join(school.data, 'reconcile', 'sums.json');
  expect(existsSync(file)).toBe(true);
  await school.tap('till', [{ pupil: 2, kind: Kind.buffet, amountKop: 300 }]);
  reconciliation = open();
  const after = await settled();
  expect(after[0]).toEqual(before[0]);
  expect(after[1]).toMatchObject(accounts(1, -2_200));
  await reconciliation.stop();
  writeFileSync(file, '{"format":1,"crc32":1}\n{"positions":[9,9],"keptFromDay":0,"days":[]}\n');
  appendFileSync(file, 'torn');
  reconciliation = open();
  expect(await settled()).toEqual(after);
});

test('a difference is told, on its day', async () => {
  const before = await settled();
  await change(`INSERT INTO transfer SELECT * FROM transfer WHERE kop = 700`);
  await change(`ALTER TABLE tap DELETE WHERE kind = 1 AND pupil_id = 2`);
  const rows = await settled();
  expect(rows[1]).toEqual(before[1]);
  expect(rows[0]).toEqual({
    ...before[0],
    clickhouse_kop: before[0].journal_kop + 700,
    difference_kop: 700,
    clickhouse_taps: 9,
    difference_n: 1,
  });
});

test('without ClickHouse the others are told, and nothing is made up', async () => {
  const known = client;
  client = openClickHouse('http://127.0.0.1:9');
  const rows = await reconciliation.ask(asked);
  await client.close();
  client = known;
  expect(rows[0]).toMatchObject({ clickhouse_n: null, clickhouse_kop: null, difference_n: 0, difference_kop: 0 });
  await expect(reconciliation.ask({ ...asked, to: firstDay + 1_000 })).rejects.toMatchObject({
    code: 'RECONCILE_RANGE',
  });
});
