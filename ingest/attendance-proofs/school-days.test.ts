import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { engineMissing } from '../../analytics/clickhouse/testing.suite.ts';
import { RunningRegion, type GateTap, type School } from './running-region.suite.ts';

const zones = [
  'Europe/Kaliningrad',
  'Europe/Moscow',
  'Europe/Samara',
  'Asia/Yekaterinburg',
  'Asia/Omsk',
  'Asia/Krasnoyarsk',
  'Asia/Irkutsk',
  'Asia/Yakutsk',
  'Asia/Vladivostok',
  'Asia/Magadan',
  'Asia/Kamchatka',
];
/** Schools 20 to 30, from west to east. School `n` has gate `n` and pupils `10n + 1` to `10n + 9`. */
const byZone = zones.map((zone, index): School => schoolOf(20 + index, { zone }));
const [moscow, kamchatka] = [byZone[1], byZone[10]];
const secondShift = schoolOf(40, { shift: 2 });
/** Its term ends on Thursday. */
const termEnds = schoolOf(41, { districtId: 2 });
/** It works on Saturday. */
const openSaturday = schoolOf(42, { districtId: 2 });
const schools = [...byZone, secondShift, termEnds, openSaturday];

function schoolOf(id: number, more: Partial<School> = {}): School {
  const pupils = Array.from({ length: 9 }, (_, index) => 10 * id + 1 + index);
  return { id, zone: 'Europe/Moscow', pupils, readers: [id], ...more };
}

const bells = ['school_id,shift,doors,first,last', '40,2,13:20,14:00,19:10'];
const calendar = [
  'district_id,school_id,from,to,kind',
  '2,41,2026-09-11,2026-09-20,holiday',
  '2,42,2026-09-12,2026-09-12,open',
];

/** What a tap has to become; all written by hand. */
interface Case {
  readonly of: School;
  /** The first entry of pupil `10 × school + n`. */
  readonly n: number;
  readonly at: string;
  readonly day: string;
  readonly minute: number;
  readonly status: string;
  readonly late: number;
}

const onTime = { day: '2026-09-10', minute: 509, status: 'on_time', late: 0 };
const late = { day: '2026-09-10', minute: 511, status: 'late', late: 1 };

/** 8:29:59 and 8:31:00 of 10 September in each zone; the bell is at 8:30. */
const mornings: readonly Case[] = [
  { of: byZone[0], n: 1, at: '2026-09-10T06:29:59Z', ...onTime },
  { of: byZone[0], n: 2, at: '2026-09-10T06:31:00Z', ...late },
  { of: byZone[1], n: 1, at: '2026-09-10T05:29:59Z', ...onTime },
  { of: byZone[1], n: 2, at: '2026-09-10T05:31:00Z', ...late },
  { of: byZone[2], n: 1, at: '2026-09-10T04:29:59Z', ...onTime },
  { of: byZone[2], n: 2, at: '2026-09-10T04:31:00Z', ...late },
  { of: byZone[3], n: 1, at: '2026-09-10T03:29:59Z', ...onTime },
  { of: byZone[3], n: 2, at: '2026-09-10T03:31:00Z', ...late },
  { of: byZone[4], n: 1, at: '2026-09-10T02:29:59Z', ...onTime },
  { of: byZone[4], n: 2, at: '2026-09-10T02:31:00Z', ...late },
  { of: byZone[5], n: 1, at: '2026-09-10T01:29:59Z', ...onTime },
  { of: byZone[5], n: 2, at: '2026-09-10T01:31:00Z', ...late },
  { of: byZone[6], n: 1, at: '2026-09-10T00:29:59Z', ...onTime },
  { of: byZone[6], n: 2, at: '2026-09-10T00:31:00Z', ...late },
  { of: byZone[7], n: 1, at: '2026-09-09T23:29:59Z', ...onTime },
  { of: byZone[7], n: 2, at: '2026-09-09T23:31:00Z', ...late },
  { of: byZone[8], n: 1, at: '2026-09-09T22:29:59Z', ...onTime },
  { of: byZone[8], n: 2, at: '2026-09-09T22:31:00Z', ...late },
  { of: byZone[9], n: 1, at: '2026-09-09T21:29:59Z', ...onTime },
  { of: byZone[9], n: 2, at: '2026-09-09T21:31:00Z', ...late },
  { of: byZone[10], n: 1, at: '2026-09-09T20:29:59Z', ...onTime },
  { of: byZone[10], n: 2, at: '2026-09-09T20:31:00Z', ...late },
];

/** The second before midnight is the old day's, 15 h 30 min after its bell; midnight is the new day's. */
const midnights: readonly Case[] = [
  { of: moscow, n: 3, at: '2026-09-09T20:59:59Z', day: '2026-09-09', minute: 1439, status: 'late', late: 930 },
  { of: moscow, n: 4, at: '2026-09-09T21:00:00Z', day: '2026-09-10', minute: 0, status: 'on_time', late: 0 },
  { of: kamchatka, n: 3, at: '2026-09-09T11:59:59Z', day: '2026-09-09', minute: 1439, status: 'late', late: 930 },
  { of: kamchatka, n: 4, at: '2026-09-09T12:00:00Z', day: '2026-09-10', minute: 0, status: 'on_time', late: 0 },
];

/** Bell at 14:00 in Moscow. */
const afternoon: readonly Case[] = [
  { of: secondShift, n: 1, at: '2026-09-10T10:30:00Z', day: '2026-09-10', minute: 810, status: 'on_time', late: 0 },
  { of: secondShift, n: 2, at: '2026-09-10T11:00:00Z', day: '2026-09-10', minute: 840, status: 'on_time', late: 0 },
  { of: secondShift, n: 3, at: '2026-09-10T11:00:01Z', day: '2026-09-10', minute: 840, status: 'late', late: 1 },
];

/** Thursday 10 is the last day of the term, Friday 11 a holiday; Saturday 12 a day like any other for the other school. */
const endOfTerm: readonly Case[] = [
  { of: termEnds, n: 1, at: '2026-09-10T05:00:00Z', day: '2026-09-10', minute: 480, status: 'on_time', late: 0 },
  { of: termEnds, n: 2, at: '2026-09-10T05:40:00Z', day: '2026-09-10', minute: 520, status: 'late', late: 10 },
  { of: termEnds, n: 1, at: '2026-09-11T05:40:00Z', day: '2026-09-11', minute: 520, status: 'closed', late: 0 },
  { of: openSaturday, n: 1, at: '2026-09-11T05:00:00Z', day: '2026-09-11', minute: 480, status: 'on_time', late: 0 },
  { of: termEnds, n: 1, at: '2026-09-12T05:40:00Z', day: '2026-09-12', minute: 520, status: 'closed', late: 0 },
  { of: openSaturday, n: 1, at: '2026-09-12T05:40:00Z', day: '2026-09-12', minute: 520, status: 'late', late: 10 },
];

describe.skipIf(engineMissing() !== undefined)('the day, the minute and the word of an entry', () => {
  let region: RunningRegion;

  beforeAll(async () => {
    // The afternoon of the 9th in the west, the evening in the east.
    region = await RunningRegion.start(schools, '2026-09-09T11:00:00Z', {
      'bells.csv': bells,
      'calendar.csv': calendar,
    });
    const days = (day: string, of: readonly School[]) => ({ [day]: of });
    await region.moveTo('2026-09-09T11:00:01Z', days('2026-09-09', schools));
    await region.moveTo('2026-09-10T11:30:00Z', days('2026-09-10', schools));
    await play([...mornings, ...midnights, ...afternoon, ...endOfTerm.filter(({ day }) => day === '2026-09-10')]);
    await region.moveTo('2026-09-11T06:00:00Z', days('2026-09-11', [termEnds, openSaturday]));
    await play(endOfTerm.filter(({ day }) => day === '2026-09-11'));
    await region.moveTo('2026-09-12T06:00:00Z', days('2026-09-12', [termEnds, openSaturday]));
    await play(endOfTerm.filter(({ day }) => day === '2026-09-12'));
  });
  afterAll(() => region?.end());

  /** Each gate tells its entries in one go, in their order. */
  async function play(cases: readonly Case[]): Promise<void> {
    for (const gate of new Set(cases.map(({ of }) => of.readers[0]))) {
      const own = cases.filter(({ of }) => of.readers[0] === gate);
      const taps = own.map(({ of, n, at }): GateTap => ({ pupil: 10 * of.id + n, at }));
      await region.tap(
        gate,
        taps.sort((left, right) => Date.parse(left.at) - Date.parse(right.at)),
      );
    }
  }

  it.each([
    ['8:29:59 and 8:31 in all zones', mornings],
    ['around midnight', midnights],
    ['the second shift', afternoon],
    ['the last day of a term, a holiday, a Saturday with lessons', endOfTerm],
  ])('%s', async (_, cases) => {
    // Older days would be derived by themselves within a minute.
    const days = new Map(
      cases.map(({ of, day }) => [`${of.id} ${day}`, [of.id, Date.parse(day) / 86_400_000] as const]),
    );
    await Promise.all([...days.values()].map(([id, day]) => region.service.sink.deriveNow(id, day)));
    for (const { of, n, at, day, minute, status, late: lateMinutes } of cases) {
      const who = `school_id = ${of.id} AND pupil_id = ${10 * of.id + n}`;
      const made = `toUnixTimestamp64Milli(at) = ${Date.parse(at)}`;
      const tap = `SELECT toString(school_day) AS day, local_minute AS minute FROM tap WHERE ${who} AND ${made}`;
      await region.until(tap, [{ day, minute }]);
      const student = `SELECT status, late_minutes AS late, toUnixTimestamp64Milli(first_in_at) = ${Date.parse(at)} AS by_it
        FROM v_student_day WHERE ${who} AND school_day = '${day}'`;
      await region.until(student, [{ status, late: lateMinutes, by_it: 1 }]);
    }
  });

  it('has one row for each pupil of each day, and its schools in their own days', async () => {
    const rows = await region.ask<{ day: string; schools: number; pupils: number; twice: number }>(
      `SELECT toString(school_day) AS day, toUInt32(uniqExact(school_id)) AS schools, toUInt32(uniqExact(pupil_id)) AS pupils,
         toUInt32(count() - uniqExact(pupil_id)) AS twice
       FROM v_student_day WHERE school_day IN ('2026-09-09', '2026-09-10') GROUP BY day ORDER BY day`,
    );
    expect(rows.at(-1)).toEqual({ day: '2026-09-10', schools: 14, pupils: 126, twice: 0 });
    expect(rows.every(({ twice }) => twice === 0)).toBe(true);
  });
});
