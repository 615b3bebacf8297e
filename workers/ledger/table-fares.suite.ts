import { TapFlag } from './kinds.ts';
import type { FareRules } from './rule-set.ts';
import { fare, send, type TableRow, type TableTap, type TableWorld } from './table.suite.ts';
import { noon, today } from './taps.suite.ts';

/* Fares: a row for each rule, in the order in which they speak, and where two would, the earlier. */

const { overLimit } = TapFlag;
const rules = (rules: Partial<FareRules>) => (world: TableWorld) => world.rules({ fare: rules });
const debt = (world: TableWorld) => {
  send(world, { kind: fare, readerId: 9, seq: 1, at: noon - 90_000_000, amountKop: 3_001, readerFlags: 1, ref: 99 });
};
/** A ride on route 71 an hour less a millisecond ago, in another bus. */
const ridden =
  (...rides: TableTap[]) =>
  (world: TableWorld) => {
    rides.forEach((ride, index) => {
      send(world, { kind: fare, readerId: 8, seq: index + 1, at: noon - 3_599_999, amountKop: 100, ref: 71, ...ride });
    });
  };
const all =
  (...steps: ((world: TableWorld) => void)[]) =>
  (world: TableWorld) => {
    for (const step of steps) step(world);
  };

const ride = { kind: fare, ref: 72, amountKop: 2_000 };
const free = { code: 12, payer: 'nobody' as const };

const orderRows: readonly TableRow[] = [
  { what: 'a ride for all that there is', tap: { ...ride, amountKop: 3_000 }, code: 10 },
  { what: 'a ride one kopeck over', tap: { ...ride, amountKop: 3_001 }, code: 46 },
  { what: 'a ride for nothing', tap: { ...ride, amountKop: 0 }, code: 10 },
  {
    what: 'a ride at night, in debt',
    given: all(debt, rules({ hours: ['05:00', '23:00'] })),
    tap: { ...ride, localMinute: 1_380 },
    code: 45,
  },
  {
    what: 'a ride at night by a doubtful clock',
    given: rules({ hours: ['05:00', '23:00'] }),
    tap: { ...ride, localMinute: 0, clockQuality: 3 },
    code: 10,
  },
  { what: 'a debt of a kopeck', given: debt, tap: { ...ride, amountKop: 0 }, code: 53 },
  {
    what: 'a debt that a top-up released',
    given: all(debt, (world) => world.topUp(1, 3, 1)),
    tap: { ...ride, amountKop: 0 },
    code: 10,
  },
  {
    what: 'a debt before a transfer',
    given: ridden({ amountKop: 3_001, readerFlags: 1 }),
    tap: ride,
    code: 53,
  },
  { what: 'above a limit', given: rules({ daily_limit_kop: 1_999 }), tap: ride, code: 47, deedFlags: overLimit },
  { what: 'up to a limit', given: (world) => world.limit(1, 3, 2_000), tap: ride, code: 10 },
  {
    what: 'too dear, and above a limit',
    given: rules({ daily_limit_kop: 1 }),
    tap: { ...ride, amountKop: 3_001 },
    code: 46,
    deedFlags: overLimit,
  },
];

const transferRows: readonly TableRow[] = [
  { what: 'another route within the hour', given: ridden({}), tap: ride, ...free },
  { what: 'another route at the same moment', given: ridden({ at: noon }), tap: ride, ...free },
  { what: 'another route after an hour', given: ridden({ at: noon - 3_600_000 }), tap: ride, code: 10 },
  { what: 'another route before the ride', given: ridden({ at: noon + 1 }), tap: ride, code: 10 },
  { what: 'the same route', given: ridden({}), tap: { ...ride, ref: 71 }, code: 10 },
  { what: 'from no route', given: ridden({ ref: 0 }), tap: ride, code: 10 },
  { what: 'to no route', given: ridden({}), tap: { ...ride, ref: 0 }, code: 10 },
  {
    what: 'a transfer to a route that the purse does not hold',
    given: ridden({}),
    tap: { ...ride, amountKop: 9_000 },
    ...free,
  },
  {
    what: 'a second transfer of one ride',
    given: ridden({}, { ref: 73, at: noon - 1_000_000 }),
    tap: ride,
    code: 10,
  },
  {
    what: 'a transfer that the reader refused is left',
    given: ridden({}, { ref: 73, at: noon - 1_000_000, readerFlags: 2 }),
    tap: ride,
    ...free,
  },
  {
    what: 'a transfer of the ride after the second transfer',
    given: ridden({}, { ref: 73, at: noon - 2_000_000 }, { ref: 73, at: noon - 1_000_000 }),
    tap: ride,
    ...free,
  },
  {
    what: 'the second of two rides of one moment gives one',
    given: ridden({ ref: 0, at: noon - 1_000 }, { at: noon - 1_000, readerId: 9 }),
    tap: ride,
    ...free,
  },
  { what: 'a refused ride gives none', given: ridden({ amountKop: 3_001 }), tap: ride, code: 10 },
  { what: 'a ride that the reader refused gives none', given: ridden({ readerFlags: 2 }), tap: ride, code: 10 },
  {
    what: 'a ride that the reader gave gives one',
    given: all(ridden({ amountKop: 3_001, readerFlags: 1 }), (world) => world.topUp(1, 3, 1)),
    tap: ride,
    ...free,
  },
  { what: "another pupil's ride", given: ridden({ card: 'entitled' }), tap: ride, code: 10 },
  {
    what: 'a transfer time of its own',
    given: all(rules({ transfer_min: 10 }), ridden({ at: noon - 600_000 })),
    tap: ride,
    code: 10,
  },
];

const routes = { 71: { kop: 1_000, reduced_kop: 400 }, 72: { kop: 2_100 }, 73: { kop: 1_000, reduced_kop: 0 } };
const child = { kind: fare, card: 'entitled' as const, ref: 71 };
/** So many reduced rides before, each a day apart so that none gives a transfer. */
const reduced = (days: readonly number[], tap: TableTap = {}) =>
  ridden(
    ...days.map((day, index) => ({
      ...child,
      amountKop: 0,
      at: noon - 9e9 + index * 1e8,
      schoolDay: today + day,
      ...tap,
    })),
  );

const priceRows: readonly TableRow[] = [
  { what: 'the fare of the route, whatever was asked', given: rules({ routes }), tap: ride, code: 10, kop: 2_100 },
  {
    what: 'the fare of the route where none was asked',
    given: rules({ routes }),
    tap: { ...ride, amountKop: 0 },
    code: 10,
    kop: 2_100,
  },
  {
    what: 'what was asked on a route that is not listed',
    given: rules({ routes }),
    tap: { ...ride, ref: 74 },
    code: 10,
  },
  {
    what: 'full for one without entitlement',
    given: rules({ routes }),
    tap: { kind: fare, ref: 71 },
    code: 10,
    kop: 1_000,
  },
  { what: 'reduced for an entitled pupil', given: rules({ routes }), tap: child, code: 10, kop: 400 },
  {
    what: 'reduced for all',
    given: rules({ routes, reduced_for: 'all' }),
    tap: { kind: fare, ref: 71 },
    code: 10,
    kop: 400,
  },
  { what: 'reduced for none', given: rules({ routes, reduced_for: 'none' }), tap: child, code: 10, kop: 1_000 },
  { what: 'reduced to nothing', given: rules({ routes }), tap: { ...child, ref: 73 }, code: 10, kop: 0 },
  {
    what: 'a route without a reduced fare',
    given: rules({ routes }),
    tap: { ...child, ref: 72 },
    code: 10,
    kop: 2_100,
  },
];

const two = rules({ routes, reduced_rides_per_month: 2 });
const quotaRows: readonly TableRow[] = [
  { what: 'the last reduced ride of the month', given: all(two, reduced([0])), tap: child, code: 10, kop: 400 },
  { what: 'one more than the month has', given: all(two, reduced([0, 0])), tap: child, code: 10, kop: 1_000 },
  {
    what: 'one more than none',
    given: rules({ routes, reduced_rides_per_month: 0 }),
    tap: child,
    code: 10,
    kop: 1_000,
  },
  {
    what: 'the next month',
    given: all(two, reduced([0, 9])),
    tap: { ...child, schoolDay: today + 10 },
    code: 10,
    kop: 400,
  },
  {
    what: 'the month before',
    given: all(two, reduced([0, 0])),
    tap: { ...child, schoolDay: today - 21 },
    code: 10,
    kop: 400,
  },
  {
    what: 'the last day of the month',
    given: all(two, reduced([-20, 9])),
    tap: { ...child, schoolDay: today + 9 },
    code: 10,
    kop: 1_000,
  },
  {
    what: 'rides that a reader refused count nothing',
    given: all(two, reduced([0, 0], { readerFlags: 2 })),
    tap: child,
    code: 10,
    kop: 400,
  },
  {
    what: 'full fares count nothing',
    given: all(two, reduced([0, 0, 0], { ref: 72 })),
    tap: child,
    code: 10,
    kop: 400,
  },
  {
    what: 'rides of an older month count nothing once there are newer ones',
    given: all(two, reduced([10, 0, 0])),
    tap: { ...child, schoolDay: today + 10 },
    code: 10,
    kop: 400,
  },
];

export const fareRows: readonly TableRow[] = [...orderRows, ...transferRows, ...priceRows, ...quotaRows];
