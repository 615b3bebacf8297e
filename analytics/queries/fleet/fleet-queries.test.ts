import { describe, expect, it } from 'vitest';
import { kindNames } from '../../../workers/ledger/kinds.ts';
import { randomFrom, testSeed } from '../../../workers/random.suite.ts';
import { useMigratedEngine } from '../../clickhouse/migrated-engine.suite.ts';
import { engineMissing, temporaryFolder } from '../../clickhouse/testing.suite.ts';
import { naiveCoverage } from '../../derive/naive.suite.ts';
import { dateOf, timeOf } from '../../derive/world-rows.suite.ts';
import { asOfMs, derivedWorld, grouped, percentOf } from '../money/derived-world.suite.ts';
import { readMigrations } from '../../schema/migrate.ts';
import { askNamed } from '../query-engine.suite.ts';
import { coverage } from './coverage.ts';
import { fleetHealth } from './fleet-health.ts';
import { gateFlow } from './gate-flow.ts';
import { lateArrivals } from './late-arrivals.ts';
import { dayMs, type FleetTap, insertFleet, minuteMs, randomFleet } from './random-fleet.suite.ts';
import { readerTimeline } from './reader-timeline.ts';
import { tapRate } from './tap-rate.ts';

const missing = engineMissing();
const hourMs = 60 * minuteMs;
const zones: [string, number][] = [
  ['Europe/Moscow', 3 * hourMs],
  ['Asia/Irkutsk', 8 * hourMs],
];
/** Of these days: minutes are kept for 400. */
const today = Math.floor(Date.now() / dayMs);
const firstDay = today - 40;
const iso = (ms: number): string => new Date(ms).toISOString();

describe.skipIf(missing !== undefined)('queries of the fleet, over random readers', () => {
  const engine = useMigratedEngine(temporaryFolder());
  const days = [firstDay, firstDay + 1, firstDay + 2];
  const nowMs = firstDay * dayMs + 2.3 * dayMs;
  const fleet = randomFleet(randomFrom(testSeed), nowMs, days, zones);
  const seed = `with TAPLINE_SEED=${testSeed}`;
  const asked = { schools: [1, 2], from: dateOf(days[0]), to: dateOf(days[1]) };
  const ofDays = (tap: FleetTap): boolean => tap.schoolDay <= days[1];

  it('stores the fleet', async () => {
    await insertFleet(engine.client, fleet);
    expect(fleet.taps.length).toBeGreaterThan(200);
  });

  function goesThrough({ kind, code, readerFlags }: FleetTap): boolean {
    if (code === 71) return false;
    if (readerFlags & 1) return true;
    if (readerFlags & 2) return false;
    return code < 40 || (kind === 2 && code <= 45);
  }

  it('gate_flow counts passages of known cards, and strangers apart', async () => {
    const gates = fleet.taps.filter((tap) => ofDays(tap) && tap.kind <= 2 && tap.code !== 71);
    const rows = grouped(gates, (tap) => [tap.schoolDay, tap.readerId]).map(([[day, readerId], taps]) => {
      const passages = taps.filter((tap) => tap.pupilId !== 0 && goesThrough(tap));
      const [entries, exits] = [1, 2].map((kind) => passages.filter((tap) => tap.kind === kind).length);
      return {
        school_day: dateOf(day),
        reader_id: readerId,
        entries,
        exits,
        inside_change: entries - exits,
        strangers: taps.filter(({ pupilId }) => pupilId === 0).length,
        pupils_least: Math.min(11, new Set(passages.map(({ pupilId }) => pupilId)).size),
        school_id: taps[0].schoolId,
      };
    });
    expect(await askNamed(engine.client, gateFlow, asked), seed).toEqual(rows);
    const one = rows.filter((row) => row.reader_id === 12);
    expect(await askNamed(engine.client, gateFlow, { ...asked, reader: 12 }), seed).toEqual(one);
    expect(await askNamed(engine.client, gateFlow, { ...asked, schools: [2], reader: 12 })).toEqual([]);
  });

  it('late_arrivals has every step', async () => {
    const edges = [0, 1, 5, 30, 60, 300, 900, 3_600, 21_600, 86_400, Infinity];
    const lags = fleet.taps.filter(ofDays).map((tap) => Math.max(0, tap.receivedMs - tap.atMs) / 1_000);
    const rows = edges.slice(0, -1).map((from, index) => ({
      lag_from_s: from,
      lag_to_s: edges[index + 1] === Infinity ? null : edges[index + 1],
      n: lags.filter((lag) => lag >= from && lag < edges[index + 1]).length,
    }));
    expect(await askNamed(engine.client, lateArrivals, asked), seed).toEqual(rows);
  });

  it.each([
    [1, 1, 0],
    [2, 15, 2],
    [2, 120, 30],
  ])('tap_rate counts taps as they came in (first school %i, by %i min)', async (first, minutes, more) => {
    const schools = [first, 3 - first];
    const [fromMs, toMs] = [days[0], days[1] + more + 1].map((day) => day * dayMs - zones[first - 1][1]);
    const came = fleet.taps.filter((tap) => {
      const minute = Math.floor(tap.receivedMs / minuteMs) * minuteMs;
      return minute >= fromMs && minute < toMs;
    });
    const stepMs = minutes * minuteMs;
    const rows = grouped(came, (tap) => [Math.floor(tap.receivedMs / stepMs) * stepMs, tap.kind]).map(
      ([[at, kind], taps]) => ({
        minute_at: iso(at),
        kind: kindNames[kind - 1],
        n: taps.length,
        refused: taps.filter(({ code }) => code >= 40 && code <= 54).length,
        offline: taps.filter(({ flags }) => flags & 1).length,
        late: taps.filter(({ flags }) => flags & 2).length,
        minutes,
      }),
    );
    const range = { ...asked, schools, to: dateOf(days[1] + more) };
    expect(await askNamed(engine.client, tapRate, range), seed).toEqual(rows);
  });

  it('reader_timeline joins what a reader told and what it tapped, by its own local day', async () => {
    for (const { readerId, schoolId } of fleet.readers) {
      for (const day of days) {
        const beginMs = day * dayMs - zones[schoolId - 1][1];
        const told = fleet.beats.filter(
          (beat) =>
            beat.readerId === readerId &&
            beat.event !== 'closed' &&
            beat.atMs >= beginMs &&
            beat.atMs < beginMs + dayMs,
        );
        const taps = fleet.taps.filter((tap) => tap.readerId === readerId && tap.schoolDay === day);
        const rows = grouped([...told, ...taps], ({ atMs }) => [Math.floor(atMs / minuteMs) * minuteMs]).map(
          ([[minute], all]) => {
            const beats = all.filter((one) => 'event' in one);
            const max = (of: number[]): number | null => (beats.length === 0 ? null : Math.max(...of));
            const most = max(beats.map(({ driftMs }) => driftMs));
            const least = beats.length === 0 ? null : Math.min(...beats.map(({ driftMs }) => driftMs));
            return {
              minute_at: iso(minute),
              queue: max(beats.map(({ queued }) => queued)),
              drift_ms: Math.abs(least ?? 0) > Math.abs(most ?? 0) ? least : most,
              gaps: max(beats.map(({ gaps }) => gaps)),
              rules_version: max(beats.map(({ rulesVersion }) => rulesVersion)),
              taps: all.length - beats.length,
              school_id: schoolId,
            };
          },
        );
        const question = { schools: [1, 2], day: dateOf(day), reader: readerId };
        expect(await askNamed(engine.client, readerTimeline, question), `${seed}, reader ${readerId}`).toEqual(rows);
      }
    }
    expect(await askNamed(engine.client, readerTimeline, { schools: [2], day: dateOf(days[0]), reader: 11 })).toEqual(
      [],
    );
  });

  it('fleet_health says of each reader what it told last', async () => {
    const lessons = { pupil_id: 1, class_id: 1, shift: 1, entitled: 0, excused: 0 };
    const hours = (school_id: number, revision: number, from: number, to: number) => ({
      ...lessons,
      school_id,
      revision,
      school_day: dateOf(days[2]),
      doors_at: timeOf(from),
      bell_at: timeOf(from),
      end_at: timeOf(to),
    });
    const insert = (table: string, values: object[]) => engine.client.insert({ table, values, format: 'JSONEachRow' });
    const health = (schools: number[]) => askNamed(engine.client, fleetHealth, { schools, nowMs });
    // The newest freeze counts: school 1 is open, school 2 was by an older one only.
    const open = [nowMs - hourMs, nowMs + hourMs] as const;
    const older = { ...hours(2, 1, ...open), pupil_id: 2 };
    await insert('roster_day', [hours(1, 2, ...open), older, hours(2, 2, nowMs + 1, nowMs + hourMs)]);
    const rows = fleet.readers.map(({ readerId, schoolId, revoked }) => {
      const beats = fleet.beats.filter((beat) => beat.readerId === readerId).sort((a, b) => a.atMs - b.atMs);
      const newest = beats.at(-1);
      const seenMs = beats.findLast(({ event }) => event !== 'closed')?.atMs;
      const told = seenMs === undefined ? undefined : newest;
      const unseenMs = nowMs - (seenMs ?? 0);
      let [state, condition] = ['silent', 'silent'];
      if (revoked) state = condition = 'revoked';
      else if (seenMs === undefined) state = condition = 'never_seen';
      else if (unseenMs < 90_000) [state, condition] = told!.queued > 0 ? ['late', 'behind'] : ['online', 'online'];
      else if (unseenMs <= 600_000) [state, condition] = ['late', 'offline'];
      return {
        reader_id: readerId,
        school_id: schoolId,
        place: `door ${readerId}`,
        state,
        last_seen: seenMs === undefined ? null : iso(seenMs),
        queue: told?.queued ?? null,
        oldest_at: told === undefined || told.oldestMs === null ? null : iso(told.oldestMs),
        gaps: told?.gaps ?? null,
        drift_ms: told?.driftMs ?? null,
        rules_version: told?.rulesVersion ?? null,
        firmware: told === undefined || told.firmware === '' ? null : told.firmware,
        condition,
        in_hours: schoolId === 1,
      };
    });
    expect(await health([1, 2]), seed).toEqual(rows);
    const closed = { school_id: 1, school_day: dateOf(days[2]), is_open: 0, revision: 3 };
    await insert('calendar_day', [{ ...closed, is_open: 1, revision: 2 }, closed]);
    const outOfHours = rows.filter((row) => row.school_id === 1).map((row) => ({ ...row, in_hours: false }));
    expect(await health([1]), seed).toEqual(outOfHours);
    // A database whose beats are older than the table, and a step that was cut off and is taken again.
    await engine.client.command({ query: 'TRUNCATE TABLE reader_newest' });
    const { statements } = readMigrations().find(({ name }) => name === '0006_questions_of_money_and_readers')!;
    for (const query of [...statements, ...statements]) await engine.client.command({ query });
    expect(await health([1]), seed).toEqual(outOfHours);
  });

  it('coverage is that of the derived days', async () => {
    const shiftDays = [20_900, 20_901];
    const { world, schools } = await derivedWorld({ client: engine.client, url: engine.engine.url }, 5, shiftDays, 6);
    const rows = schools.flatMap((schoolId) =>
      shiftDays.map((day) => {
        const windows = naiveCoverage(world, schoolId, day, asOfMs(day));
        const sum = (name: 'alive_ms' | 'due_ms') => windows.reduce((total, window) => total + window[name], 0);
        return {
          school_id: schoolId,
          school_day: dateOf(day),
          readers: windows[0].readers,
          alive_minutes: Math.floor(sum('alive_ms') / minuteMs),
          due_minutes: Math.floor(sum('due_ms') / minuteMs),
          coverage: percentOf(sum('alive_ms'), sum('due_ms')),
        };
      }),
    );
    const range = { schools, from: dateOf(shiftDays[0]), to: dateOf(shiftDays[1]) };
    expect(await askNamed(engine.client, coverage, range), seed).toEqual(rows);
  });
});
