import { afterAll, beforeAll, expect, test } from 'vitest';
import { Kind, ReaderFlag } from '../../workers/ledger/kinds.ts';
import type { InsideSchool, OfflineSchool } from '../admin/routes-live.ts';
import { encodeBeat } from '../protocol/encode.ts';
import { issueToken, type Role } from '../registry/tokens.ts';
import { dayMs, otherSchoolId, readerOf, RunningSchool, schoolId } from './running-school.suite.ts';

let school: RunningSchool;

beforeAll(async () => {
  school = await RunningSchool.start();
  await school.fill(100_000);
});
afterAll(() => school.end());

const minuteMs = 60_000;
const iso = (ms: number) => new Date(ms).toISOString();
const inside = (id = schoolId, query = '') =>
  school.admin.call<InsideSchool>('GET', `/admin/v1/live/inside/${id}${query}`);
const offline = () => school.admin.call<OfflineSchool>('GET', `/admin/v1/live/offline/${schoolId}`);

test('inside are those who went in today and did not come out, each where it is; the others are a number', async () => {
  const { gateIn, gateOut } = Kind;
  await school.tap('gate', [
    { pupil: 4, kind: gateIn },
    { pupil: 5, kind: gateIn },
  ]);
  school.nowMs += dayMs;
  const wentInMs = school.nowMs;
  expect(await inside()).toMatchObject({ day: '2026-09-02', inside: 0, pupils: [], earlier: 2 });
  await school.tap('gate', [
    { pupil: 1, kind: gateIn },
    { pupil: 2, kind: gateIn },
    { pupil: 5, kind: gateIn },
  ]);
  await school.tap('gateElsewhere', [{ pupil: 3, kind: gateIn, flags: ReaderFlag.letThrough }]);
  school.nowMs += 10 * minuteMs;
  await school.tap('gate', [{ pupil: 2, kind: gateOut }]);
  // A late tap of a gate that was cut off does not bring a pupil back who is gone.
  await school.tap('gate', [{ pupil: 2, kind: gateIn, flags: ReaderFlag.letThrough }], wentInMs - minuteMs);

  const now = await inside();
  const known = { class: 100, since: iso(wentInMs), doubtful_clock: false };
  expect(now).toMatchObject({ school: schoolId, inside: 2, earlier: 1, gates_away: [] });
  expect(now.pupils).toEqual([
    { pupil: 1, ...known },
    { pupil: 5, ...known },
  ]);
  const elsewhere = await inside(otherSchoolId, '?names=true');
  expect(elsewhere.pupils).toMatchObject([{ pupil: 3, last_name: 'Last3', first_name: 'First', class_name: '1A' }]);
  await expect(inside(77)).rejects.toMatchObject({ code: 'SCHOOL_UNKNOWN' });
  expect(await school.command(['live', 'inside', '--school', `${schoolId}`])).toEqual(now);
});

test('a gate that is away is named with its condition, and since when', async () => {
  const seenMs = school.nowMs;
  await school.leave('gate');
  const away = { reader: readerOf.gate, place: 'gate', since: iso(seenMs) };
  await expect.poll(() => school.service.gateway.readers.find(readerOf.gate)?.connection).toBeUndefined();
  school.nowMs = seenMs + 5 * minuteMs;
  expect((await inside()).gates_away).toMatchObject([{ ...away, condition: 'offline' }]);
  school.nowMs = seenMs + 15 * minuteMs;
  expect((await inside()).gates_away).toMatchObject([{ ...away, condition: 'silent' }]);
  await school.stop();
  await school.begin();
  expect((await inside()).gates_away).toMatchObject([{ reader: 1, condition: 'never_seen', since: null }]);
  expect((await inside()).pupils.map(({ pupil }) => pupil)).toEqual([1, 5]);
  // It has tapped before: it may have more.
  expect((await offline()).away).toBe(1);
});

test('what readers hold, and what they sold without being able to ask', async () => {
  const { letThrough } = ReaderFlag;
  const { meal, buffet } = Kind;
  const sold = [
    { pupil: 1, kind: buffet, amountKop: 700, flags: letThrough },
    { pupil: 2, kind: buffet, amountKop: 99_000_000, flags: letThrough },
  ];
  await school.tap('till', sold, school.nowMs - dayMs);
  await school.tap('till', [
    { pupil: 1, kind: meal, amountKop: 12_000, ref: 1, flags: letThrough },
    { pupil: 2, kind: buffet, amountKop: 300 },
  ]);
  const oldestMs = school.nowMs - 30 * minuteMs;
  const till = await school.connect('till');
  till.send(encodeBeat({ clockMs: school.nowMs, queued: 7, oldestMs, rulesVersion: 1 }));
  await expect.poll(async () => (await offline()).readers[1].queued).toBe(7);
  const now = await offline();
  expect(now.readers).toHaveLength(5);
  expect(now.readers[1]).toEqual({
    reader: readerOf.till,
    place: 'till',
    kinds: ['meal', 'buffet'],
    condition: 'behind',
    last_seen: iso(school.nowMs),
    beat_at: iso(school.nowMs),
    queued: 7,
    oldest: iso(oldestMs),
    today: { n: 1, kop: 12_000, unverified_n: 0, unverified_kop: 0 },
    yesterday: { n: 2, kop: 99_000_700, unverified_n: 1, unverified_kop: 99_000_000 },
  });
  const { today, yesterday } = now.readers[1];
  expect(now).toMatchObject({ away: 2, today, yesterday });
  expect(await school.command(['live', 'offline', '--school', `${schoolId}`])).toEqual(now);
});

test('whereabouts are for the operators of that school', async () => {
  const { registry } = school.service;
  const status = async (role: Role, of: number | null) => {
    const token = await issueToken(registry, { name: `${role} ${of}`, role, schoolId: of }, school.nowMs);
    const headers = { Authorization: `Bearer ${token}` };
    return (await fetch(`${school.admin.address.url}/admin/v1/live/inside/${schoolId}?names=true`, { headers })).status;
  };
  expect(await status('operator', schoolId)).toBe(200);
  for (const [role, of] of [
    ['operator', otherSchoolId],
    ['operator', null],
    ['viewer', null],
    ['cabinet', null],
    ['finance', schoolId],
  ] as const) {
    expect(await status(role, of), `${role} ${of}`).toBe(403);
  }
});
