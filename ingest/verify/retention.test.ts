import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openClickHouse, type ClickHouseClient } from '../../analytics/clickhouse/client.ts';
import { engineMissing } from '../../analytics/clickhouse/testing.suite.ts';
import { Kind } from '../../workers/ledger/kinds.ts';
import { dayMs, RunningSchool, schoolId } from '../live/running-school.suite.ts';
import type { ReconciledDay } from '../reconcile/reconciliation.ts';
import { describeVerdict } from '../commands/verify.ts';
import type { DeepVerdict } from './deep/deep.ts';
import type { Verdict } from './verify.ts';

const daysKept = 400;
/** The server drops by its own clock, so the taps are as old as they say. */
const oldMs = Date.now() - 500 * dayMs;
const happened = 1;

describe.skipIf(engineMissing() !== undefined)('verify, where taps are kept for a time', () => {
  let school: RunningSchool;
  let client: ClickHouseClient;

  beforeAll(async () => {
    school = await RunningSchool.start();
    school.nowMs = Date.now();
    await school.fill(100_000);
    const sales = [1, 2, 3].map((pupil) => ({ pupil, kind: Kind.buffet, amountKop: 500, flags: happened }));
    await school.tap('till', sales, oldMs);
    for (const afterMs of [0, 60_000]) await school.tap('till', sales, school.nowMs - 120_000 + afterMs);
    await school.sql('SELECT 1');
    await school.stop();
    await school.begin({ tapRetentionDays: String(daysKept), dashboardsPort: '0' });
    client = openClickHouse(school.service.clickhouseAddress);
  }, 180_000);
  afterAll(async () => {
    await client?.close();
    await school?.end();
  });

  // What the server does by itself, sooner or later.
  const drop = (where: string) =>
    client.command({
      query: `ALTER TABLE tap DELETE WHERE ${where}`,
      clickhouse_settings: { mutations_sync: '2', async_insert: 0 },
    });

  test('what retention dropped, or is about to drop, is neither stored nor lost, and is said', async () => {
    const expected = { acked: 9, journaled: 9, stored: 6, expired: 3, lost: 0, doubled: 0, ok: true, problems: [] };
    const before = await school.command<Verdict>(['verify']);
    expect(before).toMatchObject(expected);
    expect(describeVerdict(before).join()).toContain('journaled 9 = stored 6 + beyond retention 3');
    await drop(`school_day < today() - ${daysKept}`);
    const after = await school.command<Verdict & { deep: DeepVerdict }>(['verify', '--deep']);
    expect(after).toMatchObject({ ...expected, deep: { ok: true, differences: [] } });
    expect(after.deep.unchecked.join()).toContain('does not keep any more');
  }, 180_000);

  test('reconcile knows nothing of such taps, and finds no difference; of money it has every day', async () => {
    const oldDay = new Date(oldMs + 3 * 3_600_000).toISOString().slice(0, 10);
    const url = `${school.service.dashboards.status().url}/api/v1/query/reconcile?from=${oldDay}&to=${oldDay}`;
    const headers = { authorization: `Bearer ${school.service.data.secret('admin.token').toString('hex')}` };
    const ask = async () => ((await (await fetch(url, { headers })).json()) as { rows: ReconciledDay[] }).rows;
    await expect.poll(async () => (await ask())[0]?.is_settled, { timeout: 30_000 }).toBe(true);
    const known = {
      school_id: schoolId,
      journal_n: 3,
      ledger_n: 3,
      journal_taps: 3,
      difference_n: 0,
      difference_kop: 0,
    };
    const kop = { journal_kop: 1_500, ledger_kop: 1_500, clickhouse_kop: 1_500 };
    expect(await ask()).toMatchObject([{ ...known, ...kop, clickhouse_n: null, clickhouse_taps: null }]);
  }, 60_000);

  test('a tap that should be there is lost all the same', async () => {
    // The second of three: the sink itself looks for the newest.
    await drop('seq = 5');
    await school.stop();
    const verdict = await school.command<Verdict>(['verify'], 1);
    expect(verdict).toMatchObject({ stored: 5, expired: 3, lost: 1, ok: false });
    await school.begin();
  }, 180_000);
});
