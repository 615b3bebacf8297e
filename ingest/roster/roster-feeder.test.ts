import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import path from 'node:path';
import { EmbeddedClickHouse } from '../../analytics/clickhouse/embedded.ts';
import { engineMissing, temporaryFolder } from '../../analytics/clickhouse/testing.suite.ts';
import { setPupil } from '../registry/commands.ts';
import type { DirtyDay } from './roster-feeder.ts';
import { csv, dayOf, nowhere, RunningFeeder, threeSchools } from './running-feeder.suite.ts';

const missing = engineMissing();
const { folder, remove } = temporaryFolder();

const bySchoolAndDay = (one: DirtyDay, other: DirtyDay): number => {
  return one.schoolId - other.schoolId || one.schoolDay - other.schoolDay;
};

describe.skipIf(missing !== undefined)('the roster', () => {
  let engine: EmbeddedClickHouse;

  beforeAll(async () => {
    engine = await EmbeddedClickHouse.start({ directory: path.join(folder, 'clickhouse') });
  });

  afterAll(async () => {
    await engine?.stop();
    remove();
  });

  test('holds who is expected when: shifts, bells, excuses; nobody who left, and no names', async () => {
    const running = await RunningFeeder.prepare(engine.url, threeSchools, '2026-09-02T05:00:00Z');
    await running.import({
      'bells.csv': csv('school_id,shift,doors,first,last', ['10,1,07:30,08:15,13:45']),
      'absences.csv': csv('pupil_id,from,to', ['2,2026-09-01,2026-09-02', '1,2026-09-03,2026-09-05', '3,2026-08-01,']),
    });
    await setPupil(running.registry, 4, { active: false });
    running.feeder.start();
    const first = {
      class_id: 100,
      shift: 1,
      doors: '2026-09-02 04:30',
      bell: '2026-09-02 05:15',
      end: '2026-09-02 10:45',
    };
    const second = {
      class_id: 101,
      shift: 2,
      doors: '2026-09-02 10:30',
      bell: '2026-09-02 11:00',
      end: '2026-09-02 16:30',
    };
    expect(await running.roster(10, '2026-09-02')).toEqual([
      { pupil_id: 1, ...first, entitled: 1, excused: 0 },
      { pupil_id: 2, ...first, entitled: 0, excused: 1 },
      { pupil_id: 3, ...second, entitled: 0, excused: 0 },
    ]);
    expect(await running.roster(11, '2026-09-02')).toEqual([]);
    expect(await running.roster(20, '2026-09-02')).toMatchObject([{ pupil_id: 5, bell: '2026-09-02 00:30' }]);
    expect(await running.ask('SELECT * FROM school ORDER BY school_id')).toMatchObject([
      { school_id: 10, district_id: 1, tz: 'Europe/Moscow' },
      { school_id: 11 },
      { school_id: 20, district_id: 2, tz: 'Asia/Irkutsk' },
    ]);
    expect(await running.ask('SELECT class_id, school_id, name, shift FROM class WHERE shift = 2')).toEqual([
      { class_id: 101, school_id: 10, name: '2A', shift: 2 },
    ]);
    expect(await running.ask('SELECT * FROM reader')).toEqual([
      { reader_id: 1000, school_id: 10, place: 'Main gate', kinds_mask: 6, revoked: 0 },
    ]);
    expect(JSON.stringify(running.log)).not.toMatch(/Secret/);
  });

  test('a day is what the last line of the calendar says of it, then what the week says', async () => {
    const running = await RunningFeeder.prepare(engine.url, threeSchools, '2026-11-04T09:00:00Z');
    await running.import({
      'calendar.csv': csv('district_id,school_id,from,to,kind', [
        '1,,2026-11-02,2026-11-08,holiday',
        '1,10,2026-11-05,2026-11-07,open',
        '1,,2026-11-06,2026-11-06,closed',
      ]),
    });
    running.feeder.start();
    for (const day of [4, 5, 6, 7, 8, 9]) {
      running.nowMs = Date.UTC(2026, 10, day, 9);
      for (const schoolId of [10, 11, 20]) await running.frozen(schoolId, `2026-11-0${day}`);
    }
    const days = await running.calendar(18);
    const of = (schoolId: number): string[] => {
      return days.filter((line) => line.startsWith(`${schoolId}`)).map((line) => line.slice('10 2026-11-04 '.length));
    };
    const holiday = 'closed holiday 1';
    const weekday = 'open weekday 1';
    const weekend = 'closed weekend 1';
    expect(of(10)).toEqual([holiday, 'open open 1', 'closed closed 1', 'open open 1', holiday, weekday]);
    expect(of(11)).toEqual([holiday, holiday, 'closed closed 1', holiday, holiday, weekday]);
    expect(of(20)).toEqual([weekday, weekday, weekday, weekend, weekend, weekday]);
    // Who would be expected is known of closed days, too.
    expect(await running.roster(11, '2026-11-08')).toHaveLength(1);
  });

  test('changes before the last lesson has ended make a new roster; afterwards only excuses do', async () => {
    const running = await RunningFeeder.start(engine.url, threeSchools, '2026-09-02T09:00:00Z');
    await running.roster(10, '2026-09-02');
    await running.roster(11, '2026-09-02');
    // At noon pupil 2 comes to the second shift, pupil 3 to the school across the road.
    await running.import({
      'pupils.csv': csv('pupil_id,class_id,last_name,first_name,entitled', ['2,101,A,B,0', '3,110,A,B,0']),
    });
    expect(await running.roster(10, '2026-09-02', 2)).toMatchObject([
      { pupil_id: 1, class_id: 100, end: '2026-09-02 11:00' },
      { pupil_id: 2, class_id: 101, shift: 2, end: '2026-09-02 16:30' },
    ]);
    expect(await running.roster(11, '2026-09-02', 2)).toMatchObject([{ pupil_id: 3 }, { pupil_id: 4, class_id: 110 }]);
    // The last lesson of the second shift, which is the school's last, has just ended.
    running.nowMs = Date.UTC(2026, 8, 2, 16, 30);
    await running.import({
      'pupils.csv': csv('pupil_id,class_id,last_name,first_name,entitled', ['1,110,A,B,0', '2,100,A,B,1']),
      'absences.csv': csv('pupil_id,from,to', ['1,2026-09-02,2026-09-02']),
    });
    expect(await running.roster(11, '2026-09-02', 2)).toHaveLength(2);
    await expect.poll(() => running.feeder.status().waitingDays).toBe(0);
    // Pupil 1 was excused at the school that it went to afterwards: asked for again, the day of its old school knows.
    const again = await running.feeder.freeze(10, dayOf('2026-09-02'));
    expect(again).toMatchObject({ revision: 3, pupils: 2 });
    expect(await running.roster(10, '2026-09-02', 3)).toMatchObject([
      { pupil_id: 1, class_id: 100, entitled: 1, excused: 1 },
      { pupil_id: 2, class_id: 101, entitled: 0, excused: 0 },
    ]);
    await expect.poll(() => running.dirty.filter(({ schoolId }) => schoolId === 10)).toHaveLength(3);
  });

  test('excuses and holidays that come later reach past days that are frozen, and no others', async () => {
    const running = await RunningFeeder.start(engine.url, threeSchools, '2026-09-02T09:00:00Z');
    await running.roster(10, '2026-09-02');
    running.nowMs = Date.UTC(2026, 8, 4, 9);
    await running.roster(10, '2026-09-04');
    await running.import({
      'absences.csv': csv('pupil_id,from,to', ['1,2026-08-20,2026-09-02']),
      'calendar.csv': csv('district_id,school_id,from,to,kind', ['1,11,2026-08-25,2026-09-03,closed']),
    });
    expect((await running.roster(10, '2026-09-02', 2)).map(({ excused }) => excused)).toEqual([1, 0, 0]);
    await running.roster(11, '2026-09-02', 2);
    await running.roster(11, '2026-09-03', 2);
    await expect.poll(() => running.feeder.status().waitingDays).toBe(0);
    await expect
      .poll(() => running.dirty.slice(9).sort(bySchoolAndDay))
      .toEqual([
        { schoolId: 10, schoolDay: dayOf('2026-09-02'), cause: 'roster' },
        { schoolId: 11, schoolDay: dayOf('2026-09-02'), cause: 'calendar' },
        { schoolId: 11, schoolDay: dayOf('2026-09-03'), cause: 'calendar' },
      ]);
    const days = await running.calendar(9);
    expect(days.filter((line) => line.startsWith('1'))).toEqual([
      '10 2026-09-02 open weekday 2',
      '10 2026-09-03 open weekday 1',
      '10 2026-09-04 open weekday 1',
      '11 2026-09-02 closed closed 2',
      '11 2026-09-03 closed closed 2',
      '11 2026-09-04 open weekday 1',
    ]);
  });

  test('the same again is no new freeze: after a start, after changes to and fro, when asked for', async () => {
    const running = await RunningFeeder.start(engine.url, threeSchools, '2026-09-02T09:00:00Z');
    const before = await running.calendar(3);
    await expect.poll(() => running.dirty).toHaveLength(3);
    await running.restart();
    await setPupil(running.registry, 1, { entitled: false });
    await setPupil(running.registry, 1, { entitled: true });
    await running.follow();
    const asked = await Promise.all([1, 2].map(() => running.feeder.freeze(10, dayOf('2026-09-02'))));
    expect(asked).toMatchObject([1, 2].map(() => ({ revision: 1, pupils: 3, isOpen: true, cause: null })));
    expect(await running.calendar(3)).toEqual(before);
    await expect.poll(() => running.feeder.status()).toMatchObject({ waitingDays: 0, frozenDays: 0 });
    expect(running.dirty).toHaveLength(3);
    await expect(running.feeder.freeze(99, dayOf('2026-09-02'))).rejects.toMatchObject({ code: 'SCHOOL_UNKNOWN' });
    await expect(running.feeder.freeze(10, dayOf('2026-09-03'))).rejects.toMatchObject({ code: 'DAY_AHEAD' });
  });

  test('a freeze that was cut off before its line of the calendar is made again, whole', async () => {
    const running = await RunningFeeder.start(engine.url, threeSchools, '2026-09-02T09:00:00Z');
    await running.calendar(3);
    await running.feeder.stop();
    // Another roster was stored, and the service killed.
    await running.client.command({
      query: `INSERT INTO roster_day SELECT * REPLACE (class_id + 1 AS class_id, 2 AS revision) FROM roster_day
        WHERE school_id = 10 AND pupil_id IN (1, 2)`,
    });
    await running.client.command({ query: 'OPTIMIZE TABLE roster_day FINAL' });
    expect(await running.ask('SELECT revision FROM roster_day WHERE school_id = 10')).toHaveLength(3);
    await running.restart();
    expect(await running.roster(10, '2026-09-02', 3)).toMatchObject([
      { pupil_id: 1, class_id: 100 },
      { pupil_id: 2, class_id: 100 },
      { pupil_id: 3, class_id: 101 },
    ]);
    // The same once the day is over: it is still the roster of that day, not of what the registry has now.
    await running.feeder.stop();
    running.nowMs = Date.UTC(2026, 8, 2, 18);
    const cutOff = `SELECT * REPLACE (4 AS revision) FROM roster_day FINAL WHERE school_id = 10`;
    await running.client.command({ query: `INSERT INTO roster_day ${cutOff}` });
    await running.client.command({ query: 'OPTIMIZE TABLE roster_day FINAL' });
    await running.import({
      'pupils.csv': csv('pupil_id,class_id,last_name,first_name,entitled', ['1,110,A,B,0', '2,101,A,B,0']),
    });
    await running.restart();
    expect((await running.roster(10, '2026-09-02', 5)).map((row) => row.class_id)).toEqual([100, 100, 101]);
  });

  test('ClickHouse away at midnight, and days that nobody froze: frozen when it is back, in full', async () => {
    const running = await RunningFeeder.start(engine.url, threeSchools, '2026-09-02T09:00:00Z');
    await running.calendar(3);
    running.feeder.useUrl(nowhere);
    for (const day of [3, 4]) {
      running.nowMs = Date.UTC(2026, 8, day, 9);
      await expect
        .poll(() => running.feeder.status(), { timeout: 10_000 })
        .toMatchObject({ waitingDays: 3 * (day - 2) });
    }
    await expect.poll(() => running.feeder.status().lastError, { timeout: 10_000 }).toMatch(/ECONNREFUSED/);
    running.feeder.useUrl(running.url);
    expect(await running.calendar(9)).toHaveLength(9);
    // Down from Friday to Tuesday; the weekend is frozen as well.
    await running.feeder.stop();
    running.nowMs = Date.UTC(2026, 8, 8, 9);
    await running.restart();
    const days = await running.calendar(21);
    expect(days.filter((line) => line.startsWith('20'))).toEqual([
      ...['02', '03', '04'].map((day) => `20 2026-09-${day} open weekday 1`),
      ...['05', '06'].map((day) => `20 2026-09-${day} closed weekend 1`),
      ...['07', '08'].map((day) => `20 2026-09-${day} open weekday 1`),
    ]);
    const late = running.log.filter(({ reason }) => reason === 'frozen late');
    expect(late.filter(({ schoolId }) => schoolId === 10).map(({ schoolDay }) => schoolDay)).toEqual(
      ['03', '05', '06', '07'].map((day) => dayOf(`2026-09-${day}`)),
    );
    expect(running.log.filter(({ msg }) => /could not be frozen/.test(String(msg)))).toHaveLength(1);
  });

  test('days begin at the midnight of each zone, and times of day are those of the zone', async () => {
    const zones = [
      ...[
        'Europe/Kaliningrad',
        'Europe/Moscow',
        'Europe/Samara',
        'Asia/Yekaterinburg',
        'Asia/Omsk',
        'Asia/Krasnoyarsk',
      ],
      ...['Asia/Irkutsk', 'Asia/Yakutsk', 'Asia/Vladivostok', 'Asia/Magadan', 'Asia/Kamchatka', 'Europe/Berlin'],
    ];
    const ids = zones.map((_, place) => place + 1);
    const running = await RunningFeeder.prepare(
      engine.url,
      {
        'districts.csv': 'district_id,name\n1,North\n',
        'schools.csv': csv(
          'school_id,district_id,name,tz',
          ids.map((id) => `${id},1,S,${zones[id - 1]}`),
        ),
        'classes.csv': csv(
          'class_id,school_id,name,shift',
          ids.map((id) => `${id},${id},1A,1`),
        ),
        'pupils.csv': csv(
          'pupil_id,class_id,last_name,first_name,entitled',
          ids.map((id) => `${id},${id},A,B,0`),
        ),
        // Clocks in Berlin go on at 2:00 of this Sunday.
        'bells.csv': csv(
          'school_id,shift,doors,first,last',
          ids.map((id) => `${id},1,01:30,03:00,24:00`),
        ),
      },
      '2026-03-28T11:59:59Z',
    );
    running.feeder.start();
    await running.calendar(zones.length);
    const local = (atMs: number, timeZone: string): string =>
      new Intl.DateTimeFormat('sv-SE', { timeZone, dateStyle: 'short', timeStyle: 'short' }).format(atMs);
    const begun: number[] = [];
    for (let hour = 12; hour <= 23; hour++) {
      running.nowMs = Date.UTC(2026, 2, 28, hour);
      const expected = ids.filter((id) => local(running.nowMs, zones[id - 1]) >= '2026-03-29 00:00');
      const query = `SELECT school_id FROM calendar_day WHERE school_day = '2026-03-29' ORDER BY school_id`;
      const rows = await running.until<{ school_id: number }>(query, (found) => found.length >= expected.length);
      expect(rows.map((row) => row.school_id)).toEqual(expected);
      begun.push(expected.length);
    }
    expect(begun).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]);
    const rows = await running.ask<{ school_id: number; doors: string; bell: string; end: string }>(
      `SELECT school_id, toString(toUnixTimestamp64Milli(doors_at)) AS doors, toString(toUnixTimestamp64Milli(bell_at)) AS bell,
         toString(toUnixTimestamp64Milli(end_at)) AS end
       FROM roster_day WHERE school_day = '2026-03-29' ORDER BY school_id`,
    );
    for (const row of rows) {
      const shown = [row.doors, row.bell, row.end].map((text) => local(Number(text), zones[row.school_id - 1]));
      expect(shown).toEqual(['2026-03-29 01:30', '2026-03-29 03:00', '2026-03-30 00:00']);
    }
    const hours = rows.map((row) => (Number(row.end) - Number(row.doors)) / 3_600_000);
    expect(hours).toEqual([...Array.from({ length: 11 }, () => 22.5), 21.5]);
  });
});
