import { TapFlag } from './kinds.ts';
import type { MealWindowRule, RuleLayer } from './rule-set.ts';
import { buffet, send, type TableRow, type TableTap, type TableWorld } from './table.suite.ts';
import { noon, today } from './taps.suite.ts';

/* Meals and the buffet: a row for each rule, in the order in which they speak, and where two would, the earlier. */

const { overLimit } = TapFlag;
const rules = (region: RuleLayer) => (world: TableWorld) => world.rules(region);
/** An earlier tap of another till. */
const earlier = (tap: TableTap) => (world: TableWorld) => {
  send(world, { readerId: 8, at: noon - 60_000, ...tap });
};
const all =
  (...steps: ((world: TableWorld) => void)[]) =>
  (world: TableWorld) => {
    for (const step of steps) step(world);
  };

const lunch: MealWindowRule = { window: 2, from: '10:00', to: '12:00' };
const dinner: MealWindowRule = { window: 3, from: '12:00', to: '14:00', entitlement: false };
const secondLunch: MealWindowRule = { window: 15, from: '13:00', to: '15:00', shifts: [2] };
const windowsWithoutEntitlement = rules({ meal: { windows: [{ ...lunch, entitlement: false }] } });
const windows = rules({ meal: { windows: [lunch, dinner, secondLunch] } });
/** Every rule before the last of them has something to say as well. */
const closedAndMore = rules({ meal: { hours: ['07:00', '18:00'], windows: [lunch] }, closed_weekdays: [1] });

const orderRows: readonly TableRow[] = [
  {
    what: 'a meal at night, at another price, forbidden, on a closed day',
    given: all(rules({ meal: { hours: ['07:00', '18:00'] }, prices: { 5: 900 }, closed_weekdays: [1] }), (world) =>
      world.forbid(1, 5),
    ),
    tap: { localMinute: 1_080, ref: 5, amountKop: 800 },
    code: 45,
  },
  {
    what: 'a meal at another price, forbidden, on a closed day',
    given: all(rules({ prices: { 5: 900 }, closed_weekdays: [1] }), (world) => world.forbid(1, 5)),
    tap: { ref: 5, amountKop: 800 },
    code: 54,
  },
  {
    what: 'a forbidden item on a closed day',
    given: all(closedAndMore, (world) => world.forbid(1, 5)),
    tap: { ref: 5, amountKop: 800 },
    code: 48,
  },
  {
    what: 'a closed day, an entitled pupil',
    given: closedAndMore,
    tap: { card: 'entitled', amountKop: 800 },
    code: 50,
  },
  {
    what: 'no window, an entitled pupil',
    given: windows,
    tap: { card: 'entitled', amountKop: 8, localMinute: 599 },
    code: 50,
  },
  {
    what: 'an entitlement that was taken, and nothing to pay with',
    given: earlier({ card: 'entitled', amountKop: 800 }),
    tap: { card: 'entitled', amountKop: 30_001 },
    code: 49,
    deedFlags: overLimit,
  },
  { what: 'too dear, and above the limit', tap: { amountKop: 30_001 }, code: 46, deedFlags: overLimit },
];

const priceRows: readonly TableRow[] = [
  { what: 'a price off the list', given: rules({ prices: { 5: 900 } }), tap: { ref: 6, amountKop: 800 }, code: 10 },
  { what: 'the price of the list', given: rules({ prices: { 5: 900 } }), tap: { ref: 5, amountKop: 900 }, code: 10 },
  { what: 'no price sent: the list', given: rules({ prices: { 5: 900 } }), tap: { ref: 5 }, code: 10, kop: 900 },
  { what: 'no price sent, and none in the list', tap: { ref: 5 }, code: 10, kop: 0 },
  {
    what: 'a buffet sale at another price',
    given: rules({ prices: { 5: 900 } }),
    tap: { kind: buffet, ref: 5, amountKop: 901 },
    code: 54,
  },
  { what: 'a forbidden item', given: (world) => world.forbid(1, 5), tap: { ref: 5, amountKop: 1 }, code: 48 },
  {
    what: "another pupil's forbidden item",
    given: (world) => world.forbid(3, 5),
    tap: { ref: 5, amountKop: 1 },
    code: 10,
  },
  {
    what: 'an item that is allowed again',
    given: (world) => {
      world.forbid(1, 5);
      world.mustDo({ type: 'item', pupilId: 1, item: 5, forbidden: false });
    },
    tap: { ref: 5, amountKop: 1 },
    code: 10,
  },
];

const dayRows: readonly TableRow[] = [
  { what: 'a closed date', given: rules({ closed_days: ['2026-09-21'] }), tap: { amountKop: 1 }, code: 50 },
  {
    what: 'a closed date, buffet',
    given: rules({ closed_days: ['2026-09-21'] }),
    tap: { kind: buffet, amountKop: 1 },
    code: 50,
  },
  { what: 'another closed date', given: rules({ closed_days: ['2026-09-22'] }), tap: { amountKop: 1 }, code: 10 },
  { what: 'a closed Monday', given: rules({ closed_weekdays: [1] }), tap: { amountKop: 1 }, code: 50 },
  {
    what: 'a closed Sunday',
    given: rules({ closed_weekdays: [7] }),
    tap: { amountKop: 1, schoolDay: today + 6 },
    code: 50,
  },
  { what: 'another closed weekday', given: rules({ closed_weekdays: [2, 7] }), tap: { amountKop: 1 }, code: 10 },
  {
    what: 'a closed day by a doubtful clock',
    given: rules({ closed_days: ['2026-09-21'], closed_weekdays: [1] }),
    tap: { amountKop: 1, clockQuality: 3 },
    code: 10,
  },
  {
    what: 'a meal at night by a doubtful clock',
    given: rules({ meal: { hours: ['07:00', '18:00'] } }),
    tap: { amountKop: 1, clockQuality: 3, localMinute: 0 },
    code: 10,
  },
];

const entitled = { card: 'entitled' as const, amountKop: 9_000 };
const lateShift = { card: 'secondShift' as const, amountKop: 9_000 };
const takenAt = (localMinute: number, tap: TableTap = entitled) => earlier({ ...tap, localMinute });
const fund = { payer: 'fund' as const };

const windowRows: readonly TableRow[] = [
  { what: 'the minute before a window', given: windows, tap: { amountKop: 1, localMinute: 599 }, code: 50 },
  { what: 'the first minute of a window', given: windows, tap: { amountKop: 1, localMinute: 600 }, code: 10 },
  { what: 'the last minute of a window', given: windows, tap: { amountKop: 1, localMinute: 839 }, code: 10 },
  { what: 'the minute after a window', given: windows, tap: { amountKop: 1, localMinute: 840 }, code: 50 },
  { what: "another shift's window", given: windows, tap: { ...entitled, localMinute: 850 }, code: 50 },
  { what: "one's own shift's window", given: windows, tap: { ...lateShift, localMinute: 850 }, code: 11, ...fund },
  {
    what: 'no window by a doubtful clock',
    given: windows,
    tap: { amountKop: 1, localMinute: 0, clockQuality: 3 },
    code: 10,
  },
  { what: 'the buffet needs no window', given: windows, tap: { kind: buffet, amountKop: 1, localMinute: 0 }, code: 10 },
];

const entitlementRows: readonly TableRow[] = [
  { what: 'an entitlement', tap: entitled, code: 11, ...fund },
  { what: 'an entitlement to what the pupil cannot pay', tap: { ...entitled, amountKop: 900_000 }, code: 11, ...fund },
  { what: 'an entitlement at no price', tap: { ...entitled, amountKop: 0 }, code: 11, ...fund },
  { what: 'no entitlement at the buffet', tap: { ...entitled, kind: buffet, amountKop: 5_000 }, code: 10 },
  { what: 'an entitlement that was taken', given: takenAt(720), tap: entitled, code: 49 },
  {
    what: 'an entitlement that was taken at no price',
    given: earlier({ ...entitled, amountKop: 0 }),
    tap: entitled,
    code: 49,
  },
  {
    what: 'one that a reader refused',
    given: earlier({ ...entitled, readerFlags: 2 }),
    tap: entitled,
    code: 11,
    ...fund,
  },
  { what: 'one that a reader gave', given: earlier({ ...entitled, readerFlags: 1 }), tap: entitled, code: 49 },
  {
    what: 'one taken the day before',
    given: earlier({ ...entitled, schoolDay: today - 1 }),
    tap: entitled,
    code: 11,
    ...fund,
  },
  {
    what: 'of two open windows the first, which gives none',
    given: windows,
    tap: { ...lateShift, localMinute: 800 },
    code: 10,
  },
  { what: 'a window without entitlement', given: windows, tap: { ...entitled, localMinute: 720 }, code: 10 },
  {
    what: 'one taken in the last minute of its window, in the first',
    given: all(windows, takenAt(719)),
    tap: { ...entitled, localMinute: 600 },
    code: 49,
  },
  {
    what: 'an entitlement by a doubtful clock, no window open',
    given: windows,
    tap: { ...entitled, localMinute: 0, clockQuality: 3 },
    code: 11,
    ...fund,
  },
  {
    what: 'a doubtful clock takes the window that is left',
    given: all(windows, takenAt(600, lateShift)),
    tap: { ...lateShift, localMinute: 600, clockQuality: 3 },
    code: 11,
    ...fund,
  },
  {
    what: 'a doubtful clock where no window gives an entitlement',
    given: windowsWithoutEntitlement,
    tap: { ...entitled, amountKop: 1, localMinute: 0, clockQuality: 3 },
    code: 10,
  },
  {
    what: 'a doubtful clock, all windows taken',
    given: all(windows, takenAt(600)),
    tap: { ...entitled, localMinute: 600, clockQuality: 3 },
    code: 49,
  },
];

const purseRows: readonly TableRow[] = [
  { what: 'a meal for all that there is', tap: { amountKop: 10_000 }, code: 10 },
  { what: 'a meal for nothing', tap: { amountKop: 0 }, code: 10 },
  {
    what: 'a meal that only the buffet purse holds',
    given: all(earlier({ amountKop: 9_000 })),
    tap: { amountKop: 5_000 },
    code: 10,
    payer: 'buffet',
  },
  {
    what: 'a meal one kopeck more than the buffet purse holds',
    given: earlier({ amountKop: 9_000 }),
    tap: { amountKop: 5_001 },
    code: 13,
  },
  { what: 'a meal one kopeck over', tap: { amountKop: 10_001 }, code: 13 },
  { what: 'a meal to the end of the overdraft', tap: { amountKop: 30_000 }, code: 13 },
  {
    what: 'a meal beyond the overdraft',
    given: (world) => world.limit(1, 1, null),
    tap: { amountKop: 30_001 },
    code: 46,
  },
  {
    what: 'a meal beyond an overdraft of nothing',
    given: rules({ meal: { overdraft_kop: 0 } }),
    tap: { amountKop: 10_001 },
    code: 46,
  },
  { what: 'a buffet sale for all that there is', tap: { kind: buffet, amountKop: 5_000 }, code: 10 },
  { what: 'a buffet sale one kopeck over, the meal purse full', tap: { kind: buffet, amountKop: 5_001 }, code: 46 },
];

const limitOf = (purse: number, kop: number | null) => (world: TableWorld) => world.limit(1, purse, kop);
const limitRows: readonly TableRow[] = [
  {
    what: 'up to the limit',
    given: all(limitOf(1, 1_000), earlier({ amountKop: 400 })),
    tap: { amountKop: 600 },
    code: 10,
  },
  {
    what: 'one kopeck above the limit',
    given: all(limitOf(1, 1_000), earlier({ amountKop: 400 })),
    tap: { amountKop: 601 },
    code: 47,
    deedFlags: overLimit,
  },
  { what: 'a limit of nothing', given: limitOf(1, 0), tap: { amountKop: 1 }, code: 47, deedFlags: overLimit },
  { what: 'a limit of nothing, nothing to pay', given: limitOf(1, 0), tap: { amountKop: 0 }, code: 10 },
  { what: 'a limit of nothing, entitled', given: (world) => world.limit(3, 1, 0), tap: entitled, code: 11, ...fund },
  {
    what: 'no limit of its own, above the default',
    given: all((world) => world.topUp(1, 2, 100_000), earlier({ kind: buffet, amountKop: 30_000 })),
    tap: { kind: buffet, amountKop: 1 },
    code: 47,
    deedFlags: overLimit,
  },
  {
    what: 'expressly none',
    given: all(limitOf(2, null), (world) => world.topUp(1, 2, 100_000)),
    tap: { kind: buffet, amountKop: 30_001 },
    code: 10,
  },
  {
    what: "a limit of the school's",
    given: rules({ buffet: { daily_limit_kop: 700 } }),
    tap: { kind: buffet, amountKop: 701 },
    code: 47,
    deedFlags: overLimit,
  },
  {
    what: 'an overdraft above the limit',
    given: limitOf(1, 10_000),
    tap: { amountKop: 10_001 },
    code: 47,
    deedFlags: overLimit,
  },
  {
    what: 'the limit of the purse that pays, not of the kind',
    given: all(earlier({ amountKop: 9_000 }), limitOf(1, 0), limitOf(2, 4_000)),
    tap: { amountKop: 4_001 },
    code: 47,
    payer: 'buffet',
    deedFlags: overLimit,
  },
  {
    what: 'spent on another day',
    given: all(limitOf(1, 1_000), earlier({ amountKop: 400, schoolDay: today - 1 })),
    tap: { amountKop: 1_000 },
    code: 10,
  },
  {
    what: 'spent in a refused sale: nothing',
    given: all(limitOf(1, 1_000), earlier({ amountKop: 1_001 }), earlier({ amountKop: 1_000, readerFlags: 2 })),
    tap: { amountKop: 1_000 },
    code: 10,
  },
  {
    what: 'a day older than three newer ones: nothing is known to be spent',
    given: all(
      limitOf(1, 1_000),
      earlier({ amountKop: 900 }),
      ...[1, 2, 3].map((days) => earlier({ amountKop: 1, schoolDay: today + days, at: noon + days * 60_000 })),
    ),
    tap: { amountKop: 1_000 },
    code: 10,
  },
];

export const mealRows: readonly TableRow[] = [
  ...orderRows,
  ...priceRows,
  ...dayRows,
  ...windowRows,
  ...entitlementRows,
  ...purseRows,
  ...limitRows,
];
