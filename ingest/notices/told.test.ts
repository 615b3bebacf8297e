import { afterAll, beforeAll, expect, test } from 'vitest';
import { Kind, ReaderFlag } from '../../workers/ledger/kinds.ts';
import { dayMs, type ReaderName, RunningSchool, schoolId, type Tap } from '../live/running-school.suite.ts';
import type { Notice } from './notice.ts';
import { allNotices } from './subscriber.suite.ts';

let school: RunningSchool;
let cursor: string;

beforeAll(async () => {
  school = await RunningSchool.start();
  await school.fill(100_000);
  cursor = (await allNotices(school.admin)).at(-1)!.cursor;
});
afterAll(() => school.end());

const { gateIn, gateOut, meal, buffet, lockerOpen, fare } = Kind;
const minuteMs = 60_000;

/** What is told since the last question. */
async function told(): Promise<Notice[]> {
  const notices = await allNotices(school.admin, cursor);
  cursor = notices.at(-1)?.cursor ?? cursor;
  return notices;
}

async function tap(name: ReaderName, taps: readonly Tap[], atMs = school.nowMs): Promise<Notice[]> {
  for (const one of taps) await school.tap(name, [one], atMs);
  return await told();
}

async function outcome(identity: string, deed: boolean): Promise<Notice[]> {
  const [readerId, bootEpoch, seq] = identity.split(':').map(Number);
  const { taps, pool } = school.service;
  const { shard, facts } = (await taps.find({ readerId, bootEpoch, seq }))!;
  await pool.execute(shard, [{ type: 'outcome', tap: facts, deed, at: school.nowMs }], school.nowMs);
  return await told();
}

const parent = { audience: ['parent'] };
const alarm = { audience: ['parent', 'school'], alert: true };

test('each kind of tap that went through', async () => {
  expect(await tap('gate', [{ pupil: 1, kind: gateIn }])).toEqual([
    {
      id: expect.stringMatching(/^1:\d+$/) as string,
      cursor: expect.stringMatching(/^0:\d+,1:\d+$/) as string,
      shard: 1,
      position: expect.any(Number) as number,
      type: 'entry',
      audience: ['parent'],
      pupil: 1,
      school: schoolId,
      reader: 1,
      tap: '1:1:1',
      at: '2026-09-01T06:00:00.000Z',
      received_at: '2026-09-01T06:00:00.000Z',
      school_day: '2026-09-01',
      kind: 'gate-in',
      code: 10,
      code_name: 'ACCEPTED',
      flags: [],
    },
  ]);
  const sale = { kop: -2_500, purse: 'buffet', balance_kop: 97_500, item: 9 };
  expect(await tap('till', [{ pupil: 1, kind: buffet, amountKop: 2_500, ref: 9 }])).toMatchObject([
    { ...parent, type: 'purchase', ...sale },
  ]);
  expect(await tap('bus', [{ pupil: 1, kind: fare, ref: 7 }])).toMatchObject([
    { ...parent, type: 'ride', kop: -3_000, purse: 'transport' },
  ]);
  const reservation = { pupil: 1, locker: 4, from: '2026-09-01T00:00:00Z', to: '2026-09-02T00:00:00Z' };
  await school.admin.call('POST', '/admin/v1/lockers/reservations', { reservations: [reservation] });
  expect(await tap('locker', [{ pupil: 1, kind: lockerOpen, ref: 4 }])).toMatchObject([{ type: 'locker', item: 4 }]);
  expect(await tap('gate', [{ pupil: 1, kind: gateOut }])).toMatchObject([{ ...parent, type: 'exit', pupil: 1 }]);
});

test('a free meal is a meal that was received: nothing says who paid; the second is refused', async () => {
  const [paid] = await tap('till', [{ pupil: 2, kind: meal, amountKop: 12_000, ref: 1 }]);
  expect(paid).toMatchObject({ type: 'meal', kop: -12_000, purse: 'meal', code: 10 });
  const [free] = await tap('till', [{ pupil: 4, kind: meal, amountKop: 12_000, ref: 1 }]);
  expect(free).toMatchObject({ type: 'meal', code: 10, code_name: 'ACCEPTED' });
  expect(Object.keys(free).filter((field) => /kop|purse|fund/.test(field))).toEqual([]);
  expect(JSON.stringify(free)).not.toMatch(/ENTITLED|12000/);
  school.nowMs += minuteMs;
  expect(await tap('till', [{ pupil: 4, kind: meal, amountKop: 12_000, ref: 1 }])).toMatchObject([
    { type: 'refused', code: 49 },
  ]);
});

test('a bounce, a refusal that parents are not told of, and one that came too late are no notices', async () => {
  school.nowMs += minuteMs;
  expect(await tap('till', [{ pupil: 6, kind: buffet, amountKop: 100 }])).toMatchObject([{ type: 'purchase' }]);
  expect(await tap('till', [{ pupil: 6, kind: buffet, amountKop: 100 }])).toEqual([]);
  expect(await tap('till', [{ pupil: 99, kind: buffet, amountKop: 100 }])).toEqual([]);
  const tooDear = { pupil: 6, kind: buffet, amountKop: 99_000_000 };
  expect(await tap('till', [tooDear])).toMatchObject([{ type: 'refused', code: 46 }]);
  expect(await tap('till', [tooDear], school.nowMs - 10 * minuteMs)).toEqual([]);
});

test('a late tap corrects an arrival; one that tells nothing new is not told', async () => {
  school.nowMs += dayMs;
  expect(await tap('gate', [{ pupil: 5, kind: gateIn }])).toMatchObject([{ type: 'entry' }]);
  school.nowMs += 60 * minuteMs;
  const { nowMs } = school;
  expect(await tap('gate', [{ pupil: 5, kind: gateIn }], nowMs - 30 * minuteMs)).toMatchObject([{ type: 'entry' }]);
  expect(await tap('gate', [{ pupil: 5, kind: gateIn }], nowMs - 90 * minuteMs)).toMatchObject([
    { ...parent, type: 'correction', late: true, corrects: { type: 'entry', school_day: '2026-09-02' } },
  ]);
  expect(await tap('gate', [{ pupil: 5, kind: gateIn }], nowMs - 80 * minuteMs)).toEqual([]);
});

test('alarms: a blocked card, a way out without a good card, a card at two places; the school hears of late ones too', async () => {
  await school.admin.call('POST', '/admin/v1/cards/block', { uid: 'A0000003' });
  expect(await tap('gate', [{ pupil: 3, kind: gateIn }])).toMatchObject([{ ...alarm, type: 'refused', code: 41 }]);
  expect(await tap('gate', [{ pupil: 3, kind: gateOut }])).toMatchObject([{ ...alarm, type: 'exit', code: 41 }]);
  const late = await tap('till', [{ pupil: 3, kind: buffet, amountKop: 5 }], school.nowMs - 20 * minuteMs);
  expect(late).toMatchObject([{ audience: ['school'], alert: true, late: true, pupil: 3 }]);
  school.nowMs += minuteMs;
  await tap('gate', [{ pupil: 4, kind: gateIn }]);
  school.nowMs += minuteMs / 2;
  expect(await tap('gateElsewhere', [{ pupil: 4, kind: gateIn }])).toMatchObject([
    { audience: ['school'], alert: true, type: 'refused', code: 44, flags: ['PASSBACK', 'WRONG_PLACE'], school: 11 },
  ]);
  const [stranger, ...others] = await tap('gate', [{ pupil: 99, kind: gateOut }]);
  expect(stranger).toMatchObject({ audience: ['school'], alert: true, type: 'exit', code: 40, flags: ['FORCED'] });
  expect(stranger).not.toHaveProperty('pupil');
  expect(others).toEqual([]);
});

test('money that people move, and a reversal, which corrects the purchase', async () => {
  const post = (path: string, body: object) => school.admin.call('POST', `/admin/v1/${path}`, body);
  await post('topups', { topups: [{ pupil: 2, purse: 'buffet', kop: 500, key: 't' }] });
  await post('topups', { topups: [{ pupil: 2, purse: 'buffet', kop: 500, key: 't' }] });
  await post('refunds', { pupil: 2, purse: 'buffet', kop: 200, key: 'r' });
  await post('moves', { pupil: 2, from: 'buffet', to: 'meal', kop: 300, key: 'm' });
  await post('adjustments', { pupil: 2, purse: 'meal', kop: -7, key: 'a', reason: 'counted' });
  const own = { pupil: 2, ...parent };
  expect(await told()).toMatchObject([
    { ...own, type: 'topup', purse: 'buffet', kop: 500, balance_kop: 100_500 },
    { ...own, type: 'refund', kop: -200, balance_kop: 100_300 },
    { ...own, type: 'move', kop: -300, purse: 'buffet', to_purse: 'meal', balance_kop: 100_000 },
    { ...own, type: 'adjustment', purse: 'meal', kop: -7, balance_kop: 88_293 },
  ]);
  school.nowMs += minuteMs;
  const [bought] = await tap('till', [{ pupil: 2, kind: buffet, amountKop: 900 }]);
  await post('reversals', { tap: bought.tap });
  expect(await told()).toMatchObject([
    {
      ...own,
      type: 'correction',
      kop: 900,
      balance_kop: 100_000,
      tap: bought.tap,
      corrects: { type: 'purchase', id: bought.id, tap: bought.tap, at: bought.at },
    },
  ]);
});

test('an OUTCOME is told where it changes what was said', async () => {
  school.nowMs += minuteMs;
  const [refused] = await tap('till', [{ pupil: 2, kind: buffet, amountKop: 200_000 }]);
  expect(refused).toMatchObject({ type: 'refused', code: 46 });
  expect(await outcome(refused.tap!, true)).toMatchObject([
    { type: 'correction', deed: true, kop: -200_000, purse: 'buffet', corrects: { type: 'refused', id: refused.id } },
  ]);
  expect(await outcome(refused.tap!, true)).toEqual([]);
  const [bought] = await tap('till', [{ pupil: 6, kind: buffet, amountKop: 800 }]);
  expect(await outcome(bought.tap!, false)).toMatchObject([
    { type: 'correction', deed: false, kop: 800, corrects: { type: 'purchase' } },
  ]);
  const [entered, second] = await tap('gate', [{ pupil: 6, kind: gateIn }]);
  expect(second).toBeUndefined();
  expect(await outcome(entered.tap!, false)).toMatchObject([
    { type: 'correction', deed: false, corrects: { type: 'entry' } },
  ]);
  const [other] = await tap('till', [{ pupil: 1, kind: buffet, amountKop: 300, flags: ReaderFlag.letThrough }]);
  expect(await outcome(other.tap!, false)).toEqual([]);
});
