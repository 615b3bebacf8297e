import { afterAll, beforeAll, expect, test } from 'vitest';
import type { TapFacts } from '../../workers/ledger/command-types.ts';
import { Kind, ReaderFlag } from '../../workers/ledger/kinds.ts';
import { bookDaysMax } from '../../workers/ledger/limits.ts';
import { dateOf } from '../explain/names.ts';
import { dayMs, morningMs, RunningSchool, schoolId } from '../live/running-school.suite.ts';
import type { DayCloseDocument } from './document.ts';
import { type OperatorName, operatorNames, takingsAccount } from './operators.ts';

const [first, second] = ['2026-09-01', '2026-09-02'];
let school: RunningSchool;

beforeAll(async () => {
  school = await RunningSchool.start();
  await school.fill(100_000);
});
afterAll(() => school.end());

const { meal, buffet, fare } = Kind;

const look = (operator: OperatorName, day: string) =>
  school.admin.call<DayCloseDocument>('GET', `/admin/v1/day-close/${operator}/${schoolId}/${day}`);
const close = (operator: OperatorName, day: string, force = false) => {
  const body = { operator, school: schoolId, day, force };
  return school.admin.call<DayCloseDocument & { repeated: boolean }>('POST', '/admin/v1/day-close', body);
};

async function factsOf(tap: string): Promise<{ shard: number; facts: TapFacts }> {
  const [readerId, bootEpoch, seq] = tap.split(':').map(Number);
  return (await school.service.taps.find({ readerId, bootEpoch, seq }))!;
}

/** What the account of the operator holds: by the ledger, and by each day's transfers in ClickHouse. */
async function accountOf(operator: OperatorName) {
  const account = takingsAccount(operator, schoolId);
  const totals = await school.admin.call<{ balances: [number, number][] }[]>('GET', '/admin/v1/totals');
  const balanceKop = totals
    .flatMap(({ balances }) => balances)
    .reduce((sum, [id, kop]) => (id === account ? sum + kop : sum), 0);
  const rows = await school.sql<{ day: string; kop: string }>(
    `SELECT toString(school_day) AS day, sum(kop * ((credit_account = ${account}) - toInt8(debit_account = ${account}))) AS kop
     FROM transfer WHERE ${account} IN (credit_account, debit_account) GROUP BY day ORDER BY day`,
  );
  return { balanceKop, stored: Object.fromEntries(rows.map(({ day, kop }) => [day, Number(kop)])) };
}

test('the day closes of an operator are its account, in the ledger and in ClickHouse, whatever came after the close', async () => {
  expect(
    await school.tap('till', [
      { pupil: 1, kind: meal, amountKop: 10_000, ref: 1 },
      { pupil: 1, kind: meal, amountKop: 12_000, ref: 1, afterMs: 60_000 },
      { pupil: 2, kind: meal, amountKop: 12_000, ref: 1 },
      { pupil: 3, kind: meal, amountKop: 12_000, ref: 1 },
      { pupil: 3, kind: meal, amountKop: 12_000, ref: 1, afterMs: 60_000 },
      { pupil: 5, kind: buffet, amountKop: 2_500, ref: 9 },
      { pupil: 5, kind: buffet, amountKop: 2_500, ref: 9, afterMs: 1_000 },
      { pupil: 99, kind: buffet, amountKop: 2_500 },
    ]),
  ).toEqual([54, 10, 10, 11, 49, 10, 71, 40]);
  expect(
    await school.tap('bus', [
      { pupil: 1, kind: fare, ref: 7 },
      { pupil: 1, kind: fare, ref: 8, afterMs: 600_000 },
      { pupil: 2, kind: fare, ref: 7 },
    ]),
  ).toEqual([10, 12, 10]);

  await expect(close('canteen', first)).rejects.toMatchObject({ code: 'DAY_NOT_OVER', exitStatus: 1 });
  await expect(close('canteen', second, true)).rejects.toMatchObject({ code: 'DAY_NOT_BEGUN' });
  const open = await look('canteen', first);
  expect(open).toMatchObject({
    closed_at: null,
    after_close: null,
    takings_kop: 38_500,
    purses: [
      { purse: 'meal', n: 2, kop: 24_000 },
      { purse: 'buffet', n: 1, kop: 2_500 },
    ],
    entitlements: { n: 1, kop: 12_000 },
    items: [
      { item: 1, n: 3, kop: 36_000 },
      { item: 9, n: 1, kop: 2_500 },
    ],
    refusals: [
      { code: 40, name: 'CARD_UNKNOWN', n: 1 },
      { code: 49, name: 'MEAL_ALREADY_TAKEN', n: 1 },
      { code: 54, name: 'PRICE_MISMATCH', n: 1 },
    ],
    offline: [],
  });
  expect(await look('carrier', first)).toMatchObject({ takings_kop: 6_000, free_transfers: 1 });

  // The next day: the day is closed, and afterwards it still changes.
  school.nowMs = morningMs + dayMs;
  await school.leave('till');
  const closed = await close('canteen', first);
  const nothing = { takings_kop: 0, purses: [], items: [], refusals: [] };
  expect(closed).toMatchObject({
    ...open,
    repeated: false,
    closed_at: '2026-09-02T06:00:00.000Z',
    readers_pending: 1,
    after_close: nothing,
  });
  expect(await close('canteen', first)).toEqual({ ...closed, repeated: true });

  // Meals that the other till sold offline yesterday: one that the rules would have refused as well.
  const { letThrough } = ReaderFlag;
  const offline = [
    { pupil: 4, kind: meal, amountKop: 12_000, ref: 1, flags: letThrough },
    { pupil: 4, kind: meal, amountKop: 12_000, ref: 1, flags: letThrough, afterMs: 60_000 },
    { pupil: 6, kind: buffet, amountKop: 700, flags: letThrough },
  ];
  expect(await school.tap('otherTill', offline, morningMs)).toEqual([11, 49, 10]);
  expect(await school.tap('till', [{ pupil: 6, kind: meal, amountKop: 12_000, ref: 1 }])).toEqual([10]);
  // A reversal and an adjustment, which belong to today, and a deed that is told of late, which belongs to yesterday.
  await school.admin.call('POST', '/admin/v1/reversals', { tap: '2:1:3' });
  const adjustment = {
    pupil: 5,
    purse: 'buffet',
    kop: 300,
    key: 'spilt',
    reason: 'spilt',
    against: `canteen:${schoolId}`,
  };
  await school.admin.call('POST', '/admin/v1/adjustments', adjustment);
  const { pool } = school.service;
  const refused = await factsOf('2:1:1');
  const outcome = { type: 'outcome', tap: refused.facts, deed: true, at: school.nowMs } as const;
  expect(await pool.execute(refused.shard, [outcome], school.nowMs)).toMatchObject([{ ok: true, isRepeat: false }]);
  const taken = await factsOf('2:1:6');
  const notSold = { type: 'outcome', tap: taken.facts, deed: false, at: school.nowMs } as const;
  expect(await pool.execute(taken.shard, [notSold], school.nowMs)).toMatchObject([{ ok: true, isRepeat: false }]);

  const late = await look('canteen', first);
  expect(late.after_close).toMatchObject({
    takings_kop: 24_700 + 10_000 - 2_500,
    purses: [
      { purse: 'meal', n: 1, kop: 12_000 },
      { purse: 'buffet', n: 1, kop: 700 },
    ],
    entitlements: { n: 1, kop: 12_000 },
    corrections: { outcomes: { n: 1, kop: 10_000 }, reversals: { n: 1, kop: -2_500 }, adjustments: { n: 0, kop: 0 } },
    offline: [{ reader: 4, n: 3, kop: 24_700, unverified_n: 1, unverified_kop: 12_000 }],
  });
  expect(late.takings_kop).toBe(closed.takings_kop + late.after_close!.takings_kop);
  expect(await look('canteen', second)).toMatchObject({
    takings_kop: 12_000 - 12_000 - 300,
    corrections: { reversals: { n: 1, kop: -12_000 }, adjustments: { n: 1, kop: -300 } },
  });

  for (const operator of operatorNames) {
    const account = await accountOf(operator);
    const days: Record<string, number> = {};
    for (const day of [first, second]) days[day] = (await look(operator, day)).takings_kop;
    expect({ [second]: 0, ...account.stored }, operator).toEqual(days);
    expect(days[first] + days[second]).toBe(account.balanceKop);
    expect(account.balanceKop).not.toBe(0);
  }
});

test('the command closes one day or all; a day of nobody, a school of nobody and a day that no shard keeps', async () => {
  const all = await school.command<{ operators: DayCloseDocument[]; refused: object[] }>([
    'day-close',
    '--all',
    '--day',
    first,
    '--close',
  ]);
  expect(all.operators.map(({ operator, closed_at }) => [operator, closed_at])).toEqual([
    ['canteen', '2026-09-02T06:00:00.000Z'],
    ['carrier', '2026-09-02T06:00:00.000Z'],
  ]);
  const one = ['day-close', '--operator', 'canteen', '--school', `${schoolId}`, '--day'];
  expect(await school.command([...one, second])).toMatchObject({ closed_at: null });
  expect(await school.command([...one, second, '--close'], 1)).toMatchObject({ ok: false, refusal: 'DAY_NOT_OVER' });
  expect(await school.command([...one, second, '--close', '--force'])).toMatchObject({ ok: true, repeated: false });

  for (const day of ['2026-13-01', '1970-01-01', '2400-01-01']) {
    await expect(look('canteen', day)).rejects.toMatchObject({ code: 'PARAMETER_INVALID', exitStatus: 2 });
  }
  const nobody = '/admin/v1/day-close/canteen/77/2026-09-01';
  await expect(school.admin.call('GET', nobody)).rejects.toMatchObject({ code: 'SCHOOL_UNKNOWN' });

  // Offline sales of as many days before that the oldest are no longer kept by one of the shards.
  const sold = Array.from({ length: bookDaysMax }, (_, place) => {
    return { pupil: 1, kind: buffet, amountKop: 1, flags: ReaderFlag.letThrough, afterMs: place * dayMs };
  });
  const keptMs = morningMs - bookDaysMax * dayMs;
  await school.tap('otherTill', sold, keptMs);
  expect(await look('canteen', dateOf(keptMs / dayMs + 3))).toMatchObject({ takings_kop: 1, closed_at: null });
  for (const asked of [look, close]) {
    await expect(asked('canteen', dateOf(keptMs / dayMs - 1))).rejects.toMatchObject({
      code: 'DAY_TOO_OLD',
      exitStatus: 1,
    });
  }
});
