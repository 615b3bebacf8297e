import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { schoolDays } from '../region/calendar.ts';
import { adminToken, askOverHttp, type Ask } from './ask.ts';
import { checkAnswers } from './answers.ts';
import { septemberDay } from './command.ts';
import { playRegion, type Played } from './play.ts';
import { questions } from './questions.ts';
import { World } from './world.ts';

/** A Friday with everything that readers survive, a weekend, a Monday on which links are cut, and a calm Tuesday. */
const days = schoolDays(nextFriday(septemberDay()), 3);
const home = mkdtempSync(join(tmpdir(), 'tapline-answers-'));
let played: Played;
let world: World;
let ask: Ask;
let nowMs: number;

function nextFriday(day: string): string {
  const atMs = Date.parse(`${day}T00:00:00Z`);
  const away = (5 - new Date(atMs).getUTCDay() + 7) % 7;
  return new Date(atMs + away * 86_400_000).toISOString().slice(0, 10);
}

beforeAll(async () => {
  const scenarios = ['noisy-day', 'link-cut', 'calm'];
  played = await playRegion({
    seed: 1,
    size: 'small',
    days,
    scenarios,
    out: join(home, 'proof'),
    progress: () => undefined,
  });
  world = new World(played.region, played.acks);
  nowMs = readFileSync(join(home, 'proof', 'clock')).readDoubleLE();
  ask = askOverHttp(played.service.ready.dashboards!, adminToken(played.data));
}, 240_000);

afterAll(async () => {
  await played?.service.stop();
  played?.clockFile.close();
  rmSync(home, { recursive: true, force: true });
});

test('there is a weekend in between, and noise of every kind that answers depend on', () => {
  expect(world.days.length).toBeGreaterThan(days.length);
  const met = (holds: (fact: World['facts'][number]) => boolean): number => world.facts.filter(holds).length;
  for (const quality of ['B', 'D'] as const) expect(met((fact) => fact.quality === quality)).toBeGreaterThan(5);
  expect(met(({ receivedMs, atMs }) => receivedMs - atMs > 300_000)).toBeGreaterThan(50);
  expect(world.movements.filter(({ sign }) => sign < 0).length).toBeGreaterThan(0);
  expect(world.disagreements).toEqual([]);
});

test('every named query answers what happened, row by row', async () => {
  const known = (await (
    await fetch(new URL('/api/v1/queries', played.service.ready.dashboards), {
      headers: { Authorization: `Bearer ${adminToken(played.data)}` },
    })
  ).json()) as { queries: { name: string }[] };
  const names = questions.map(({ name }) => name);
  expect(known.queries.map(({ name }) => name).filter((name) => !names.includes(name))).toEqual([]);
  const report = await checkAnswers(world, ask, { nowMs, progress: () => undefined, samples: 15 });
  expect(report.queries.flatMap(({ query, differences }) => differences.map((one) => ({ query, ...one })))).toEqual([]);
  expect(report.truth.unexplained).toEqual([]);
  expect(Object.keys(report.truth.excused)).toEqual(expect.arrayContaining(['no card', 'gates not alive']));
  expect(report.ok).toBe(true);
}, 120_000);

test('an answer with one figure changed, a row missing or a row too many is found', async () => {
  const only = ['class_attendance'];
  const check = async (change: (rows: Record<string, unknown>[]) => Record<string, unknown>[]) => {
    const wrong: Ask = async (query, parameters) =>
      change((await ask(query, parameters)).map((row) => ({ ...row }))) as Awaited<ReturnType<Ask>>;
    return checkAnswers(world, wrong, { nowMs, progress: () => undefined, only });
  };
  const changes: ((rows: Record<string, unknown>[]) => Record<string, unknown>[])[] = [
    ([first, ...rest]) => [{ ...first, arrived: Number(first['arrived']) + 1 }, ...rest],
    (rows) => rows.slice(1),
    (rows) => [...rows, { ...rows[0], class_id: 999_999 }],
    (rows) => [...rows, rows[0]],
  ];
  expect((await check((rows) => rows)).ok).toBe(true);
  for (const change of changes) expect(await check(change)).toMatchObject({ ok: false });
}, 60_000);
