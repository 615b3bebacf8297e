import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { deterministicKey } from '../region/keys.ts';
import type { PlannedTap } from '../region/model.ts';
import { CardTurns } from './card-turns.ts';
import { plannedClock, sharedClock, SteppedClock } from './clock.ts';
import { quiet } from './noise.ts';
import { runFleet, type FleetOptions, type FleetReport } from './run.ts';
import type { ReaderOptions } from './simulated-reader.ts';
import { StubGateway, type StubOptions } from './stub-gateway.ts';

const readers = 12;
const tapsEach = 300;
const keys = Array.from({ length: readers }, (_, place) => deterministicKey(place + 1, 'fleet test'));
const publicKeys = new Map(keys.map(({ readerId, publicKey }) => [readerId, publicKey]));
let gateway: StubGateway | null = null;

afterEach(() => gateway?.close());

function options(place: number, change: Partial<ReaderOptions['noise']> = {}): ReaderOptions {
  const { readerId, privateKey } = keys[place];
  const uid = (n: number): string => (n % 50 === 0 ? 'FF00000A' : `0${n % 10}ABCDEF`);
  const taps = Array.from({ length: tapsEach }, (_, n): PlannedTap => [1e12 + n * 1_000, uid(n), 4, 500, 7]);
  const noise = { ...quiet(place), driftMs: place * 10, resends: 0.2 };
  return { readerId, privateKey, bootEpoch: 5, taps, madeOffline: false, noise: { ...noise, ...change } };
}

async function play(
  stub: Partial<StubOptions>,
  change: Partial<ReaderOptions['noise']>,
  speed: number,
  more: Partial<FleetOptions> = {},
) {
  gateway = new StubGateway({ publicKeys, ...stub });
  const report = await runFleet({
    url: await gateway.url(),
    clock: plannedClock(1e12, speed),
    readers: keys.map((_, place) => options(place, change)),
    tapsPerFrameMax: 16,
    forMs: null,
    drainMs: 20_000,
    acksPath: null,
    progress: () => undefined,
    signal: null,
    turns: null,
    onBalance: null,
    rulesVersion: 0,
    ...more,
  });
  return { gateway, report };
}

function expectComplete(report: FleetReport, stub: StubGateway): void {
  const total = readers * tapsEach;
  expect(report).toMatchObject({ made: total, sent: total, acked: total, unacked: 0, answered: total, ok: true });
  expect(report.codes).toEqual({ buffet: { 10: total - readers * 6, 40: readers * 6 } });
  expect(stub.taps).toBe(total);
  for (const kept of stub.kept.values()) {
    const times = kept.map(({ atMs }) => atMs);
    expect(times).toEqual([...times].sort((a, b) => a - b));
  }
}

test('nothing is lost and nothing doubled through cuts on both sides, pushback and lost acknowledgements', async () => {
  const stub = { cutsBefore: 0.03, cutsAfter: 0.05, notNow: 0.05, ackDelayMs: 2, credit: 40 };
  const { gateway: served, report } = await play(stub, { cutWallMsMean: 200 }, Infinity);
  expectComplete(report, served);
  expect(served.kept.size).toBe(readers);
  expect(report.reconnects).toBeGreaterThan(10);
  expect(report.errors['8']).toBeGreaterThan(0);
  expect(report.resends).toBeGreaterThan(0);
  expect(report.errors['6']).toBeUndefined();
});

test('taps made offline are flagged as deeds and arrive later; a reboot waits for an empty queue', async () => {
  const offline = [{ fromMs: 1e12 + 100_000, toMs: 1e12 + 200_000 }];
  const { gateway: served, report } = await play({}, { offline, rebootAtMs: 1e12 + 250_000 }, 200);
  expectComplete(report, served);
  expect(report.reboots).toBe(readers);
  expect(served.kept.size).toBe(2 * readers);
  const flags = served.kept.get('3:5')?.map(({ tap }) => tap.flags);
  expect(flags?.slice(0, 100)).toEqual(Array(100).fill(null));
  expect(flags?.filter((flag) => flag === 1).length).toBeGreaterThanOrEqual(95);
});

test('a server that changes an answer is found out', async () => {
  const { report } = await play({ forgetful: true }, {}, Infinity);
  expect(report.ok).toBe(false);
  expect(report.answer_mismatches).toBeGreaterThan(0);
  expect(report.mismatches[0]).toMatchObject({ first: 10, later: 40 });
});

/** How many of the cards' taps came in before an earlier one of the same card. */
function overtakings({ arrivals }: StubGateway): number {
  const lastMs = new Map<string, number>();
  return arrivals.filter(({ tap, atMs }) => {
    const uid = Buffer.from(tap.uid).toString('hex');
    const before = lastMs.get(uid) ?? -Infinity;
    lastMs.set(uid, Math.max(before, atMs));
    return atMs < before;
  }).length;
}

test('in turns, the taps of a card come in as they were made, whatever connections do; without, they overtake', async () => {
  const stub = { cutsBefore: 0.02, cutsAfter: 0.03, notNow: 0.03, credit: 40, ackDelayMs: 1 };
  const change = { driftMs: 0, cutWallMsMean: 300 };
  const { gateway: ordered, report } = await play(stub, change, Infinity, { turns: new CardTurns() });
  expectComplete(report, ordered);
  expect(report.reconnects).toBeGreaterThan(0);
  expect(overtakings(ordered)).toBe(0);
  ordered.close();
  const { gateway: free } = await play(stub, change, Infinity);
  expect(overtakings(free)).toBeGreaterThan(0);
});

test('a clock that waits for the answers makes the same day twice, outages and all', async () => {
  const offline = [{ fromMs: 1e12 + 100_500, toMs: 1e12 + 160_000 }];
  const course = async () => {
    const clock = new SteppedClock(1e12, 20_000, plannedClock(1e12, 1));
    const change = { driftMs: 0, offline, refusedOffline: 0.3 };
    const { gateway: served, report } = await play({}, change, Infinity, { clock, turns: new CardTurns() });
    expectComplete(report, served);
    served.close();
    const flags = [...served.kept.values()].map((taps) => taps.map(({ tap }) => tap.flags));
    return { flags, arrivals: served.arrivals.length };
  };
  const first = await course();
  const deeds = first.flags.flat().filter((flag) => flag !== null);
  expect(deeds).toHaveLength(readers * 59);
  expect(new Set(deeds)).toEqual(new Set([1, 2]));
  expect(await course()).toEqual(first);
});

test('on a clock that runs fast readers beat by that clock, so that they count as alive', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'fleet-'));
  try {
    const signsPath = join(folder, 'signs.ndjson');
    await play({}, {}, 100, { clock: sharedClock(`${1e12}:${Date.now()}:100`), signsPath });
    const signs = readFileSync(signsPath, 'utf8').trim().split('\n');
    const beats = signs.map((line) => JSON.parse(line) as { event: string }).filter(({ event }) => event === 'beat');
    // 300 s of the day in 3 s: ten beats a reader, and fewer on a busy machine.
    expect(beats.length).toBeGreaterThan(readers * 3);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
