import { expect, test } from 'vitest';
import { schoolDays } from './calendar.ts';
import { dayMinuteToUtcMs, localTextToUtcMs } from './zones.ts';

test.each([
  ['2019-04-01T00:00', 'Asia/Irkutsk', '2019-03-31T16:00:00.000Z'],
  ['2022-11-07T11:03', 'Europe/Berlin', '2022-11-07T10:03:00.000Z'],
  ['2022-07-07T11:03', 'Europe/Berlin', '2022-07-07T09:03:00.000Z'],
  ['2025-09-08T08:00', 'Asia/Kamchatka', '2025-09-07T20:00:00.000Z'],
  ['2022-10-30T01:59', 'Europe/Berlin', '2022-10-29T23:59:00.000Z'],
  // Twice there: the first. Never there: after the jump.
  ['2022-10-30T02:30', 'Europe/Berlin', '2022-10-30T00:30:00.000Z'],
  ['2022-03-27T02:30', 'Europe/Berlin', '2022-03-27T01:30:00.000Z'],
])('%s in %s is %s', (local, zone, utc) => {
  expect(new Date(localTextToUtcMs(local, zone)).toISOString()).toBe(utc);
});

test('a minute of a school day is counted in its zone', () => {
  expect(new Date(dayMinuteToUtcMs('2025-09-08', 8 * 60 + 30, 'Asia/Yekaterinburg')).toISOString()).toBe(
    '2025-09-08T03:30:00.000Z',
  );
});

test('school days leave out weekends and holidays', () => {
  expect(schoolDays('2025-10-31', 3)).toEqual(['2025-10-31', '2025-11-03', '2025-11-05']);
});
