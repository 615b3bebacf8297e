import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { engineMissing } from '../../analytics/clickhouse/testing.suite.ts';
import { RunningRegion, type School } from './running-region.suite.ts';

/** Three hours before Greenwich, with bells at 8:30; one of its two gates is offline. */
const school: School = { id: 10, zone: 'Europe/Moscow', pupils: [1, 2, 3, 4, 5, 6, 7], readers: [1, 2] };
const [gate, offlineGate] = school.readers;
const yesterday = '2026-09-01';
const today = '2026-09-02';
/** What the contract promises of a running day. */
const publishedWithinMs = 5_000;

const statuses = (day: string) =>
  `SELECT pupil_id AS pupil, status, late_minutes AS late FROM v_student_day WHERE school_day = '${day}' ORDER BY pupil`;
const rows = (...of: (readonly [pupil: number, status: string, late?: number])[]) =>
  of.map(([pupil, status, late = 0]) => ({ pupil, status, late }));
const newestLine = (day: string) =>
  `SELECT cause, before_expected, before_arrived, before_late, after_expected, after_arrived, after_late,
     toString(toDate(at, 'Europe/Moscow')) AS changed_on
   FROM derive_log WHERE school_day = '${day}' ORDER BY revision DESC LIMIT 1`;

describe.skipIf(engineMissing() !== undefined)('a gate that was offline', () => {
  let region: RunningRegion;
  beforeAll(async () => {
    region = await RunningRegion.start([school], `${yesterday}T06:50:00+03:00`);
  });
  afterAll(() => region?.end());

  it('leaves its pupils without a word of where they are, and no word against them', async () => {
    await region.tap(gate, [
      { pupil: 1, at: `${yesterday}T06:49:00+03:00` },
      { pupil: 2, at: `${yesterday}T06:49:30+03:00` },
    ]);
    await region.until(statuses(yesterday), rows([1, 'on_time'], [2, 'on_time'], ...uncoveredOf(3, 4, 5, 6, 7)));
    await region.leave(gate);
    // A day goes by.
    await region.moveTo(`${today}T06:59:00+03:00`, { [today]: [school] });
    await region.aliveUntil(gate, `${today}T08:10:00+03:00`);
    await region.tap(gate, [
      { pupil: 1, at: `${today}T08:09:58+03:00` },
      { pupil: 2, at: `${today}T08:09:59+03:00` },
    ]);
    await region.aliveUntil(gate, `${today}T09:05:00+03:00`);
    await region.service.sink.deriveNow(school.id, dayNumber(today));
    await region.until(statuses(today), rows([1, 'on_time'], [2, 'on_time'], ...uncoveredOf(3, 4, 5, 6, 7)));
    const [{ coverage }] = await region.ask<{ coverage: number }>(
      `SELECT coverage FROM v_coverage_day WHERE school_day = '${today}'`,
    );
    expect(coverage).toBe(0.5);
  });

  it('changes them within seconds when its taps arrive at 12:05, with a line that says so', async () => {
    await region.moveTo(`${today}T12:05:00+03:00`);
    const published: number[] = [];
    await region.tap(offlineGate, [{ pupil: 3, at: `${today}T08:05:00+03:00` }]);
    published.push(
      await region.until(
        statuses(today),
        rows([1, 'on_time'], [2, 'on_time'], [3, 'on_time'], ...uncoveredOf(4, 5, 6, 7)),
      ),
    );
    await region.until(newestLine(today), [line([7, 2, 0], [7, 3, 0])]);

    // On the bell is on time; a second later is a minute late.
    await region.tap(offlineGate, [
      { pupil: 4, at: `${today}T08:30:00+03:00` },
      { pupil: 5, at: `${today}T08:30:01+03:00` },
    ]);
    const known = rows([1, 'on_time'], [2, 'on_time'], [3, 'on_time'], [4, 'on_time'], [5, 'late', 1]);
    published.push(await region.until(statuses(today), [...known, ...rows(...uncoveredOf(6, 7))]));
    await region.until(newestLine(today), [line([7, 3, 0], [7, 5, 1])]);

    await region.tap(offlineGate, [{ pupil: 6, at: `${today}T08:20:00+03:00` }]);
    published.push(await region.until(statuses(today), [...known, ...rows([6, 'on_time'], ...uncoveredOf(7))]));
    await region.until(newestLine(today), [line([7, 5, 1], [7, 6, 1])]);
    // The machine may have been busy with something else, but not each time.
    expect(Math.min(...published)).toBeLessThan(publishedWithinMs);
  });

  it('changes yesterday when taps of yesterday arrive today, for good and to be seen', async () => {
    await region.tap(offlineGate, [
      { pupil: 6, at: `${yesterday}T08:29:00+03:00` },
      { pupil: 7, at: `${yesterday}T08:43:10+03:00` },
    ]);
    await region.until(
      statuses(yesterday),
      rows([1, 'on_time'], [2, 'on_time'], ...uncoveredOf(3, 4, 5), [6, 'on_time'], [7, 'late', 14]),
    );
    await region.until(newestLine(yesterday), [line([7, 2, 0], [7, 4, 1])]);
    // Today is as it was.
    await region.until(newestLine(today), [line([7, 5, 1], [7, 6, 1])]);
  });
});

function uncoveredOf(...pupils: number[]): (readonly [number, string])[] {
  return pupils.map((pupil) => [pupil, 'no_tap_uncovered'] as const);
}

/** Of the log, written today by taps: expected, arrived, late. */
function line(before: readonly [number, number, number], after: readonly [number, number, number]) {
  return {
    cause: 'taps',
    before_expected: before[0],
    before_arrived: before[1],
    before_late: before[2],
    after_expected: after[0],
    after_arrived: after[1],
    after_late: after[2],
    changed_on: today,
  };
}

function dayNumber(day: string): number {
  return Date.parse(day) / 86_400_000;
}
