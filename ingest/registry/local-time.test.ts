import { describe, expect, test, vi } from 'vitest';
import { seededRandom } from './fixtures.suite.ts';
import { LocalClock } from './local-time.ts';

const dayMs = 86_400_000;

const russianZones = [
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

const oddZones = [
  'Europe/Berlin',
  'Asia/Kathmandu',
  'Australia/Lord_Howe',
  'America/St_Johns',
  'Pacific/Apia',
  'Africa/Casablanca',
  'UTC',
];

/** What Intl says, by another way than the clock's own: its text form. */
function oracle(timeZone: string): (atMs: number) => { schoolDay: number; localMinute: number } {
  const format = new Intl.DateTimeFormat('sv-SE', { timeZone, dateStyle: 'short', timeStyle: 'medium' });
  return (atMs) => {
    const localMs = Date.parse(`${format.format(atMs).replace(' ', 'T')}Z`);
    const schoolDay = Math.floor(localMs / dayMs);
    return { schoolDay, localMinute: Math.floor((localMs - schoolDay * dayMs) / 60_000) };
  };
}

function read(clock: LocalClock, atMs: number): { schoolDay: number; localMinute: number } {
  return { schoolDay: clock.schoolDay(atMs), localMinute: clock.localMinute(atMs) };
}

describe('LocalClock', () => {
  test.each([...russianZones, ...oddZones])('%s reads like Intl, 1901 to 2100', (timeZone) => {
    const random = seededRandom(timeZone.length);
    const clock = new LocalClock(timeZone);
    const expected = oracle(timeZone);
    const fromMs = Date.UTC(1901, 0, 1);
    const spanMs = Date.UTC(2101, 0, 1) - fromMs;
    for (let sample = 0; sample < 3_000; sample++) {
      const atMs = fromMs + random(spanMs);
      expect(read(clock, atMs), `${timeZone} ${atMs}`).toEqual(expected(atMs));
    }
  });

  test.each(oddZones)('%s reads like Intl on every quarter of an hour of two years', (timeZone) => {
    const clock = new LocalClock(timeZone);
    const expected = oracle(timeZone);
    for (const year of [2011, 2024]) {
      for (let atMs = Date.UTC(year, 0, 1) - 1; atMs < Date.UTC(year + 1, 0, 1); atMs += dayMs / 96) {
        expect(read(clock, atMs)).toEqual(expected(atMs));
      }
    }
  });

  test('changes to the millisecond, in both directions, in any order of asking', () => {
    const spring = Date.UTC(2024, 2, 31, 1);
    const autumn = Date.UTC(2024, 9, 27, 1);
    const clock = new LocalClock('Europe/Berlin');
    for (const [atMs, offsetMinutes] of [
      [spring, 120],
      [autumn - 1, 120],
      [spring - 1, 60],
      [autumn, 60],
    ]) {
      expect(clock.offsetMinutes(atMs)).toBe(offsetMinutes);
    }
    expect(new LocalClock('Asia/Kathmandu').offsetMinutes(autumn)).toBe(345);
  });

  test('turns the day at local midnight', () => {
    const clock = new LocalClock('Asia/Irkutsk');
    const midnight = Date.UTC(2024, 8, 1) - 8 * 3_600_000;
    expect([clock.schoolDay(midnight - 1), clock.localMinute(midnight - 1)]).toEqual([19_966, 1_439]);
    expect([clock.schoolDay(midnight), clock.localMinute(midnight)]).toEqual([19_967, 0]);
  });

  test.each([NaN, Infinity, -Infinity, 9e15, -9e15, Number.MAX_VALUE, 0.5, -1])('never throws, not for %d', (atMs) => {
    const clock = new LocalClock('Europe/Moscow');
    expect(Number.isFinite(clock.schoolDay(atMs))).toBe(true);
    expect(clock.localMinute(atMs)).toBeGreaterThanOrEqual(0);
    expect(clock.localMinute(atMs)).toBeLessThan(1_440);
  });

  test('asks Intl nothing within a span that it knows', () => {
    const clock = new LocalClock('Europe/Moscow');
    const atMs = Date.UTC(2024, 8, 2, 5);
    clock.schoolDay(atMs);
    const asked = vi.spyOn(Intl.DateTimeFormat.prototype, 'formatToParts');
    expect(clock.localMinute(atMs + 3_600_000)).toBe(9 * 60);
    expect(asked).not.toHaveBeenCalled();
    asked.mockRestore();
  });

  test.each([...russianZones, ...oddZones, 'Africa/Cairo', 'America/Sao_Paulo'])(
    '%s: the instant of a local time shows that time, and none before it does; skipped times move on',
    (timeZone) => {
      const clock = new LocalClock(timeZone);
      const shownAt = (atMs: number): number => clock.schoolDay(atMs) * 1_440 + clock.localMinute(atMs);
      const wrong: number[] = [];
      let skipped = 0;
      for (let day = Date.UTC(2010, 0, 1) / dayMs; day < Date.UTC(2019, 0, 1) / dayMs; day++) {
        for (const minute of [0, 90, 125, 179, 420, 840, 1_439]) {
          const atMs = clock.instantMs(day, minute);
          const late = shownAt(atMs) - (day * 1_440 + minute);
          if (late > 0) skipped++;
          // Where clocks went back it is the first: the same time was not shown within the three hours before.
          const first = [30, 60, 90, 120, 150, 180].every((back) => shownAt(atMs - back * 60_000) !== shownAt(atMs));
          if (late < 0 || (late === 0 && !first)) wrong.push(atMs);
        }
      }
      expect(wrong).toEqual([]);
      expect(skipped > 0).toBe(!['Asia/Kathmandu', 'UTC'].includes(timeZone));
    },
  );

  test('a school day of 23 or 25 hours begins at its midnight', () => {
    const clock = new LocalClock('Europe/Berlin');
    const day = (date: string) => Date.parse(date) / dayMs;
    expect(clock.instantMs(day('2024-03-31'), 0)).toBe(Date.UTC(2024, 2, 30, 23));
    expect(clock.instantMs(day('2024-03-31'), 150)).toBe(Date.UTC(2024, 2, 31, 1, 30));
    expect(clock.instantMs(day('2024-03-31'), 1_440)).toBe(Date.UTC(2024, 2, 31, 22));
    expect(clock.instantMs(day('2024-10-27'), 150)).toBe(Date.UTC(2024, 9, 27, 0, 30));
    expect(clock.instantMs(day('2024-10-27'), 1_440)).toBe(Date.UTC(2024, 9, 27, 23));
    // A midnight that does not exist.
    expect(new LocalClock('America/Sao_Paulo').instantMs(day('2018-11-04'), 0)).toBe(Date.UTC(2018, 10, 4, 3));
  });
});
