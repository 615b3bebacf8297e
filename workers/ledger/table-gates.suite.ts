import { ReaderFlag, TapFlag } from './kinds.ts';
import { gateIn, gateOut, lockerClose, lockerOpen, meal, send, type TableRow, type TableWorld } from './table.suite.ts';
import { noon } from './taps.suite.ts';

/* Cards, gates and lockers: a row for each rule, in the order in which they speak, and where two would, the earlier. */

const { byHand } = ReaderFlag;
const { passback, wrongPlace } = TapFlag;
const dayHours = (world: TableWorld) => world.rules({ gate: { hours: ['07:00', '18:00'] } });

export const cardRows: readonly TableRow[] = [
  { what: 'a meal by an unknown card', tap: { card: 'unknown', amountKop: 7 }, code: 40 },
  { what: 'a meal by a card of nobody', tap: { card: 'nobodys', amountKop: 7 }, code: 40 },
  { what: 'a meal by a card number 0', tap: { card: 'none', amountKop: 7 }, code: 40 },
  { what: 'a meal by a replaced card, expired as well', tap: { card: 'replaced', amountKop: 7 }, code: 40 },
  { what: 'a meal by a blocked card, expired as well', tap: { card: 'blocked', amountKop: 7 }, code: 41 },
  { what: 'a meal by an expired card', tap: { card: 'expired', amountKop: 7 }, code: 42 },
  {
    what: 'a meal by an expired card of one who has left',
    given: (world) => world.holder(1, { active: false }),
    tap: { card: 'expired', amountKop: 7 },
    code: 42,
  },
  { what: 'a meal by one who has left', tap: { card: 'left', amountKop: 7 }, code: 43 },
  {
    what: 'a way in by a blocked card, by hand',
    tap: { kind: gateIn, card: 'blocked', readerFlags: byHand },
    code: 41,
  },
  { what: 'a way out by an unknown card', tap: { kind: gateOut, card: 'unknown' }, code: 40 },
  { what: 'a way out by a replaced card', tap: { kind: gateOut, card: 'replaced' }, code: 40 },
  { what: 'a way out by a blocked card', tap: { kind: gateOut, card: 'blocked' }, code: 41 },
  { what: 'a way out by an expired card', tap: { kind: gateOut, card: 'expired' }, code: 42 },
  { what: 'a way out by one who has left', tap: { kind: gateOut, card: 'left' }, code: 43 },
  { what: 'an expired card does so with a doubtful clock too', tap: { card: 'expired', clockQuality: 3 }, code: 42 },
];

const gateBefore = (tap: object) => (world: TableWorld) => {
  send(world, { kind: gateIn, readerId: 8, seq: 1, at: noon, ...tap });
};

export const gateRows: readonly TableRow[] = [
  { what: 'a way in', tap: { kind: gateIn }, code: 10 },
  { what: 'a way out', tap: { kind: gateOut }, code: 10 },
  { what: 'a way in, the clock doubtful', tap: { kind: gateIn, clockQuality: 3 }, code: 10 },
  { what: 'a way in by hand', tap: { kind: gateIn, readerFlags: byHand }, code: 14 },
  { what: 'a way out by hand', tap: { kind: gateOut, readerFlags: byHand }, code: 14 },
  { what: 'by hand at another school', tap: { kind: gateIn, card: 'foreign', readerFlags: byHand }, code: 14 },
  {
    what: 'by hand at night',
    given: dayHours,
    tap: { kind: gateIn, localMinute: 0, readerFlags: byHand },
    code: 14,
  },
  { what: 'a way in at another school', tap: { kind: gateIn, card: 'foreign' }, code: 44 },
  { what: 'a way out at another school', tap: { kind: gateOut, card: 'foreign' }, code: 44 },
  {
    what: 'another school at night',
    given: dayHours,
    tap: { kind: gateIn, card: 'foreign', localMinute: 0 },
    code: 44,
  },
  { what: 'the minute before the hours', given: dayHours, tap: { kind: gateIn, localMinute: 419 }, code: 45 },
  { what: 'the first minute of the hours', given: dayHours, tap: { kind: gateIn, localMinute: 420 }, code: 10 },
  { what: 'the last minute of the hours', given: dayHours, tap: { kind: gateOut, localMinute: 1_079 }, code: 10 },
  { what: 'the minute after the hours', given: dayHours, tap: { kind: gateOut, localMinute: 1_080 }, code: 45 },
  {
    what: 'outside the hours by a doubtful clock',
    given: dayHours,
    tap: { kind: gateIn, localMinute: 0, clockQuality: 3 },
    code: 10,
  },
  {
    what: 'the same way within 5 min',
    given: gateBefore({}),
    tap: { kind: gateIn, at: noon + 299_999 },
    code: 10,
    flags: passback,
  },
  {
    what: 'the same way within 5 min before, sent later',
    given: gateBefore({}),
    tap: { kind: gateIn, at: noon - 299_999 },
    code: 10,
    flags: passback,
  },
  { what: 'the same way after 5 min', given: gateBefore({}), tap: { kind: gateIn, at: noon + 300_000 }, code: 10 },
  { what: 'the other way', given: gateBefore({}), tap: { kind: gateOut, at: noon + 1 }, code: 10 },
  {
    what: 'the same way, the clock doubtful',
    given: gateBefore({}),
    tap: { kind: gateIn, at: noon + 1, clockQuality: 3 },
    code: 10,
  },
  {
    what: 'the same way as by a doubtful clock',
    given: gateBefore({ clockQuality: 3 }),
    tap: { kind: gateIn, at: noon + 1 },
    code: 10,
  },
  {
    what: 'two schools within a minute',
    given: gateBefore({ schoolId: 10 }),
    tap: { kind: gateOut, at: noon + 59_999 },
    code: 10,
    flags: wrongPlace,
  },
  {
    what: 'two schools after a minute',
    given: gateBefore({ schoolId: 10 }),
    tap: { kind: gateOut, at: noon + 60_000 },
    code: 10,
  },
  {
    what: 'the same way at two schools within a minute',
    given: gateBefore({ schoolId: 10 }),
    tap: { kind: gateIn, at: noon - 59_999 },
    code: 10,
    flags: passback | wrongPlace,
  },
  {
    what: 'an older tap that came late is not the last one',
    given: (world) => {
      gateBefore({})(world);
      gateBefore({ kind: gateOut, seq: 2, at: noon - 400_000 })(world);
    },
    tap: { kind: gateIn, at: noon + 1 },
    code: 10,
    flags: passback,
  },
  {
    what: 'of two of one moment the second is the last one',
    given: (world) => {
      gateBefore({})(world);
      gateBefore({ kind: gateOut, seq: 2 })(world);
    },
    tap: { kind: gateIn, at: noon + 1 },
    code: 10,
  },
  {
    what: 'a blocked card is not the last one',
    given: gateBefore({ card: 'blocked' }),
    tap: { kind: gateIn, at: noon + 1 },
    code: 10,
  },
];

const first = { kind: lockerOpen, ref: 31 };
const reserved = (world: TableWorld) => {
  world.reserve(1, 31, 0, 3_600_000);
  world.reserve(1, 32, 0, 3_600_000, 10);
};

export const lockerRows: readonly TableRow[] = [
  { what: 'a locker opened by hand', tap: { ...first, readerFlags: byHand }, code: 14 },
  {
    what: 'a locker opened by hand at night',
    given: (world) => world.rules({ locker: { hours: ['07:00', '18:00'] } }),
    tap: { ...first, localMinute: 0, readerFlags: byHand },
    code: 14,
  },
  {
    what: 'a locker at night, and not reserved',
    given: (world) => world.rules({ locker: { hours: ['07:00', '18:00'] } }),
    tap: { ...first, localMinute: 0 },
    code: 45,
  },
  {
    what: 'a locker that needs no reservation',
    given: (world) => world.rules({ locker: { reservation_required: false } }),
    tap: first,
    code: 10,
  },
  { what: 'a locker at the first moment', given: reserved, tap: { ...first, at: noon }, code: 10 },
  { what: 'a locker at the last moment', given: reserved, tap: { ...first, at: noon + 3_599_999 }, code: 10 },
  { what: 'a locker closed', given: reserved, tap: { ...first, kind: lockerClose }, code: 10 },
  { what: 'a locker after the end', given: reserved, tap: { ...first, at: noon + 3_600_000 }, code: 52 },
  { what: 'a locker before the beginning', given: reserved, tap: { ...first, at: noon - 1 }, code: 51 },
  {
    what: 'a locker after the end, by a doubtful clock',
    given: reserved,
    tap: { ...first, at: noon + 9_000_000, clockQuality: 3 },
    code: 10,
  },
  { what: 'a locker of nobody, by a doubtful clock', tap: { ...first, clockQuality: 3 }, code: 51 },
  { what: 'another locker', given: reserved, tap: { ...first, ref: 33 }, code: 51 },
  { what: 'a locker reserved at another school', given: reserved, tap: { ...first, ref: 32 }, code: 51 },
  { what: "another pupil's locker", given: reserved, tap: { ...first, card: 'entitled' }, code: 51 },
  {
    what: 'a locker reserved again after the end',
    given: (world) => {
      reserved(world);
      world.reserve(1, 31, 3_600_000, 7_200_000);
    },
    tap: { ...first, at: noon + 3_600_000 },
    code: 10,
  },
  {
    what: 'a locker whose reservation was made shorter',
    given: (world) => {
      reserved(world);
      world.reserve(1, 31, 0, 1_000);
    },
    tap: { ...first, at: noon + 1_000 },
    code: 52,
  },
  {
    what: 'a locker whose reservation was taken back',
    given: (world) => {
      reserved(world);
      world.reserve(1, 31, 0, 0);
    },
    tap: first,
    code: 51,
  },
];

/** The same tap again: the rest is in `repeats.test.ts`. */
export const bounceRows: readonly TableRow[] = [
  {
    what: 'the same meal at once, and too dear by now',
    given: (world) => {
      send(world, { readerId: 8, amountKop: 9_000 });
      world.limit(1, 1, 0);
    },
    tap: { kind: meal, readerId: 8, amountKop: 9_000, at: noon + 1 },
    code: 71,
  },
];
