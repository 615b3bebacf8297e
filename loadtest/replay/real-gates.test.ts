import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, expect, test } from 'vitest';
import { adminToken, askOverHttp, type Ask } from '../answers/ask.ts';
import { RunningService } from '../clients/running-service.ts';
import type { FleetReport } from '../fleet/run.ts';
import { localDayMinute } from '../region/zones.ts';
import { projectRoot, requireLoadTool, requireServiceCli } from '../service-cli.ts';
import { gateZone, readGateTaps, readStudents, type GateTap } from './files.ts';
import { replayReaders } from './prepare.ts';

/**
 * Two weeks of a campus's doors. What counts is what this service decides, by these rules:
 * - Whose card is on the roster once passes, in or out. What the campus's own doors thought of it is not asked.
 * - Staff, visitors, and the pupils who share a UID are nobody to the service: strangers, who are counted and never inside.
 * - The same card at the same door and direction within 5 s of its last tap in this direction that was no bounce is a
 *   bounce. Times are cut to the minute, so that means: in the same minute; the file has the order.
 * - Inside is who came in last. Of an entry and an exit of the same minute the entry comes first, and a day begins with
 *   nobody inside.
 */

const data = process.env['TAPLINE_REAL_TAPS'] ?? join(projectRoot, '..', 'shared', 'data');
const [gateFile, studentsFile] = ['gate-taps.csv', 'students.csv'].map((name) => join(data, name));
const isPresent = existsSync(gateFile) && existsSync(studentsFile);
if (!isPresent) process.stderr.write(`gate taps skipped: there is no ${gateFile}\n`);

const bounceMs = 5_000;
const gateSchool = 4_000_000_001;
const derivedWithinMs = 120_000;

interface Passage {
  readonly day: string;
  readonly minute: number;
  readonly atMs: number;
  readonly uid: string;
  readonly door: string;
  readonly direction: 'in' | 'out';
}

interface Flow {
  entries: number;
  exits: number;
  strangers: number;
}

/** Passages of known cards, and by day and door how many there are. */
function calculate(taps: readonly GateTap[], known: ReadonlySet<string>) {
  const last = new Map<string, GateTap>();
  const passages: Passage[] = [];
  const flows = new Map<string, Flow>();
  for (const tap of taps) {
    const { uid, door, direction, atMs } = tap;
    const { day, minute } = localDayMinute(atMs, gateZone);
    const key = `${day} ${door}`;
    const flow = flows.get(key) ?? { entries: 0, exits: 0, strangers: 0 };
    flows.set(key, flow);
    if (!known.has(uid)) {
      flow.strangers++;
      continue;
    }
    const before = last.get(`${uid} ${direction}`);
    if (before?.door === door && Math.abs(atMs - before.atMs) < bounceMs) continue;
    last.set(`${uid} ${direction}`, tap);
    flow[direction === 'in' ? 'entries' : 'exits']++;
    passages.push({ day, minute, atMs, uid, door, direction });
  }
  return { passages, flows };
}

/** People inside at the end of each five minutes of a day, from the first change to the last: slot → people. */
function insideBySlot(passages: readonly Passage[]): Map<number, number> {
  const inside = new Set<string>();
  const ordered = [...passages].sort(
    (a, b) => a.atMs - b.atMs || (a.direction < b.direction ? -1 : Number(a.direction > b.direction)),
  );
  const changes: { slot: number; people: number }[] = [];
  for (const { uid, direction, minute } of ordered) {
    const before = inside.size;
    if (direction === 'in') inside.add(uid);
    else inside.delete(uid);
    if (inside.size !== before) changes.push({ slot: Math.floor(minute / 5), people: inside.size });
  }
  const bySlot = new Map<number, number>();
  if (changes.length === 0) return bySlot;
  let people = 0;
  for (let slot = changes[0].slot, next = 0; slot <= changes[changes.length - 1].slot; slot++) {
    for (; next < changes.length && changes[next].slot === slot; next++) people = changes[next].people;
    bySlot.set(slot, people);
  }
  return bySlot;
}

let home = '';
let service: RunningService | undefined;
afterAll(async () => {
  await service?.stop();
  if (home !== '') rmSync(home, { recursive: true, force: true });
});

/** Replays the gate taps alone through a real service, and gives its answers' address. */
async function replay(): Promise<{ report: FleetReport; ask: Ask }> {
  home = mkdtempSync(join(tmpdir(), 'tapline-real-gates-'));
  const directory = join(home, 'data');
  const till = join(home, 'till.csv');
  writeFileSync(till, 'captured_at_local,card_uid,till,weight_g\n');
  service = await RunningService.start(directory, 0, ['--dashboards-port', '0']);
  const files = ['--students', studentsFile, '--gate', gateFile, '--till', till, '--opening-kop', '0'];
  const to = ['--data', directory, '--url', service.ready.stream, '--out', join(home, 'region')];
  const { json } = await requireLoadTool(['replay', ...files, ...to]);
  return { report: json as FleetReport, ask: askOverHttp(service.ready.dashboards!, adminToken(directory)) };
}

interface Status {
  readonly sink: { readonly backlog_records: number };
  readonly derive: { readonly backlog_days: number; readonly scanning: boolean } | null;
}

/** Days that are over are derived half a minute after their last tap came in. */
async function derived(): Promise<void> {
  const deadlineMs = Date.now() + derivedWithinMs;
  for (;;) {
    const { sink, derive } = (await requireServiceCli(['status', '--data', join(home, 'data')])).json as Status;
    if (sink.backlog_records === 0 && derive?.backlog_days === 0 && !derive.scanning) return;
    if (Date.now() > deadlineMs) throw new Error(`not derived: ${JSON.stringify(derive)}`);
    await sleep(500);
  }
}

test.skipIf(!isPresent)(
  'two real weeks of doors: entries, exits and people inside are those of an independent calculation',
  async () => {
    const taps = readGateTaps(gateFile);
    const students = readStudents(studentsFile);
    const holders = new Map<string, number>();
    for (const { uid } of students) holders.set(uid, (holders.get(uid) ?? 0) + 1);
    const known = new Set([...holders].filter(([, pupils]) => pupils === 1).map(([uid]) => uid));
    const { passages, flows } = calculate(taps, known);
    const { report, ask } = await replay();
    expect(report).toMatchObject({ made: taps.length, acked: taps.length, unacked: 0, ok: true });
    await derived();

    const places = new Map(
      replayReaders({ students, gate: taps, till: [] }).map(({ key, place }) => [key.readerId, place.split(' ')[0]]),
    );
    const days = [...new Set(passages.map(({ day }) => day))].sort();
    const school = String(gateSchool);
    const told = new Map<string, Flow>();
    for (const row of await ask('gate_flow', { from: days[0], to: days[days.length - 1], school })) {
      const key = `${row['school_day']} ${places.get(Number(row['reader_id']))}`;
      const flow = told.get(key) ?? { entries: 0, exits: 0, strangers: 0 };
      told.set(key, flow);
      for (const name of ['entries', 'exits', 'strangers'] as const) flow[name] += Number(row[name]);
    }
    for (const [key, flow] of told) expect([key, flow]).toEqual([key, flows.get(key)]);
    expect([...told.keys()].sort()).toEqual([...flows.keys()].sort());
    for (const day of days) {
      const rows = await ask('presence_5m', { day, school });
      const found = new Map(rows.map((row) => [Number(row['slot']), Number(row['inside'])]));
      expect([day, found]).toEqual([day, insideBySlot(passages.filter((one) => one.day === day))]);
    }
    const sum = (of: (flow: Flow) => number): number =>
      [...flows.values()].reduce((total, flow) => total + of(flow), 0);
    const sums = {
      entries: sum((one) => one.entries),
      exits: sum((one) => one.exits),
      strangers: sum((one) => one.strangers),
    };
    process.stderr.write(`real gates: ${days.length} days, ${flows.size} days of doors, ${JSON.stringify(sums)}\n`);
    expect(sums.entries).toBeGreaterThan(1_000);
  },
  240_000,
);
