import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { engineMissing } from '../../analytics/clickhouse/testing.suite.ts';
import { reconcile } from '../../analytics/queries/trust/reconcile.ts';
import { Kind } from '../../workers/ledger/kinds.ts';
import { RunningSchool, schoolId } from '../live/running-school.suite.ts';

interface Told {
  readonly columns: readonly { readonly name: string; readonly kind: string; readonly nullable: boolean }[];
  readonly rows: readonly Record<string, unknown>[];
}

describe.skipIf(engineMissing() !== undefined)('reconcile, asked over HTTP', () => {
  let school: RunningSchool;
  beforeAll(async () => {
    school = await RunningSchool.start();
    await school.fill(100_000);
  }, 120_000);
  afterAll(() => school.end());

  async function ask(format = 'json'): Promise<Response> {
    const url = `${school.service.dashboards.status().url}/api/v1/query/reconcile?from=2026-09-01&to=2026-09-02&format=${format}&head=0`;
    const authorization = `Bearer ${school.service.data.secret('admin.token').toString('hex')}`;
    return await fetch(url, { headers: { authorization } });
  }
  const told = async () => (await (await ask()).json()) as Told;

  it('tells each account of some sales, all taps, and that the day is at rest; nothing differs', async () => {
    await school.tap('gate', [{ pupil: 1, kind: Kind.gateIn }]);
    await school.tap('till', [
      { pupil: 1, kind: Kind.buffet, amountKop: 5_000 },
      { pupil: 2, kind: Kind.buffet, amountKop: 2_500, afterMs: 1_000 },
      { pupil: 2, kind: Kind.buffet, amountKop: 9_000_000, afterMs: 2_000 },
    ]);
    await expect.poll(async () => (await told()).rows[0]?.is_settled, { timeout: 60_000, interval: 200 }).toBe(true);
    const { columns, rows } = await told();
    const [n, kop] = [3, 7_500];
    expect(rows).toEqual([
      {
        school_day: '2026-09-01',
        school_id: schoolId,
        school_name: 'Ten',
        ...{ journal_n: n, ledger_n: n, clickhouse_n: n, difference_n: 0 },
        ...{ journal_kop: kop, ledger_kop: kop, clickhouse_kop: kop, difference_kop: 0 },
        ...{ journal_taps: 4, clickhouse_taps: 4, is_settled: true },
      },
    ]);
    for (const [name, { kind, isNullable }] of Object.entries(reconcile.columns)) {
      expect(columns).toContainEqual(expect.objectContaining({ name, kind, nullable: isNullable }));
    }
    expect((await (await ask('csv')).text()).trim().split('\n')).toHaveLength(2);
  }, 90_000);
});
