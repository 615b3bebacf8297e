import type { Random } from '../random.suite.ts';
import type { Hours, MealWindowRule, RuleLayer, RulesDocument } from './rule-set.ts';
import { noon, type TestTap, today } from './taps.suite.ts';

/*
 * What a random world wishes to happen next. Everything is small and stands at a bound of some rule, so that every rule is
 * come by often. Which identity and time a tap gets depends on what was sent before, so a wish is not yet a tap.
 */

export const pupilIds = [1, 2, 3, 4];
export const cardIds = [501, 502, 503, 504, 505, 506];
/** School of each reader; 9 and 10 are of one district, nobody has told of which 12 is. */
export const schoolOfReader: Record<number, number> = { 70_001: 9, 70_002: 9, 70_003: 10, 70_004: 11, 70_005: 12 };
const schoolIds = [9, 9, 9, 10, 11];
const readerIds = Object.keys(schoolOfReader).map(Number);
const strangerId = 9;

const sums = [1, 700, 3_000, 5_000, 9_999, 10_000, 10_001, 20_000, 20_001, 30_000, 30_001, 999_990_000, 1_000_000_000];
const prices = [0, 0, 0, 700, 700, 1_500, 3_000, 3_000, 5_000, 10_000, 20_001, 30_000, 30_001, 1_000_000_000];
const msSteps = [0, 1, 1_999, 2_000, 4_999, 5_000, 9_999, 10_000, 59_999, 60_000, 299_999, 300_000, 599_999, 600_000];
const jumpsMs = [3_599_999, 3_600_000, -1, -2_000, -6_000, -60_000, -600_000];
const minutes = [0, 419, 420, 539, 540, 541, 599, 600, 720, 839, 840, 1_439];
const clocks = ['00:00', '07:00', '09:01', '10:00', '14:00', '24:00'];

export type Identity = 'next' | 'skip' | 'late' | 'far' | 'epoch' | 'old-epoch';
type Told = Omit<TestTap, 'bootEpoch' | 'seq' | 'contentHash' | 'at' | 'schoolDay' | 'schoolId' | 'toldRules'>;
/** `daysOff` is from the day it is; `isStale`: the reader has older rules than are in force. */
export interface TapWish extends Told {
  readonly type: 'tap';
  readonly identity: Identity;
  readonly back: number;
  readonly msStep: number;
  readonly daysOff: number;
  readonly isStale: boolean;
  /** The reader's clock less ours. */
  readonly rawOffMs: number;
}

const chance = (random: Random, oneIn: number) => random(oneIn) === 0;
function pick<T>(random: Random, values: readonly T[]): T {
  return values[random(values.length)];
}

function tapWish(random: Random): TapWish {
  return {
    type: 'tap',
    readerId: pick(random, readerIds),
    identity: chance(random, 12) ? pick(random, ['skip', 'late', 'far', 'epoch', 'old-epoch']) : 'next',
    back: random(6),
    msStep: pick(random, chance(random, 4) ? jumpsMs : msSteps),
    daysOff: chance(random, 6) ? pick(random, [-4, -3, -2, -1, 1]) : 0,
    isStale: chance(random, 3),
    cardId: chance(random, 40) ? pick(random, [0, 999]) : pick(random, cardIds),
    kind: pick(random, [1, 2, 3, 3, 3, 4, 4, 5, 6, 7, 7, 7]),
    amountKop: pick(random, prices),
    ref: random(4),
    localMinute: pick(random, minutes),
    clockQuality: pick(random, [1, 1, 1, 2, 3]),
    rawOffMs: pick(random, [0, 0, 0, 3_600_000, -1_700_000_000_000]),
    readerFlags: pick(random, [0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 8, 9]),
    isReaderForbidden: chance(random, 60),
    isLate: chance(random, 4),
  };
}

function repeatWish(random: Random) {
  const how = pick(random, ['same', 'conflict', 'anew', 'anew'] as const);
  return { type: 'repeat' as const, back: random(how === 'anew' ? 4 : 30), how, msStep: pick(random, msSteps) };
}

function moneyWish(random: Random) {
  return {
    type: pick(random, ['topup', 'topup', 'topup', 'refund', 'move', 'adjust'] as const),
    key: chance(random, 30) ? pick(random, ['', 'k'.repeat(129), 'a\ud800']) : String(random(400)),
    pupilId: chance(random, 20) ? strangerId : pick(random, pupilIds),
    purse: chance(random, 20) ? pick(random, [0, 5, 1.5]) : pick(random, [1, 1, 2, 2, 3, 3, 4]),
    toPurse: chance(random, 20) ? pick(random, [0, 5]) : 1 + random(4),
    kop: chance(random, 20) ? pick(random, [0, -5, 0.5, 1_000_000_001]) : pick(random, sums),
    isTaken: chance(random, 2),
    schoolId: pick(random, schoolIds),
    against: pick(random, ['adjustments', 'canteen', 'carrier'] as const),
  };
}

function afterwardsWish(random: Random) {
  const back = random(12);
  if (chance(random, 8)) return { type: 'again' as const, back };
  if (chance(random, 2)) return { type: 'outcome' as const, back, deed: chance(random, 2) };
  const key = chance(random, 2) ? '' : `r${random(40)}`;
  return { type: 'reverse' as const, back, key, daysLater: random(2) };
}

function settingWish(random: Random) {
  const pupilId = chance(random, 30) ? strangerId : pick(random, pupilIds);
  const purse = chance(random, 30) ? 5 : 1 + random(4);
  const limitKop = pick(random, [null, 'default' as const, 0, 700, 5_000, 30_000, 1_000_000_000]);
  const from = noon + pick(random, [-86_400_000, -600_000, 0, 600_000]);
  const to = from + pick(random, [0, 1, 600_000, 86_400_000, 864_000_000]);
  const isRide = chance(random, 3);
  return pick(random, [
    { type: 'closeDay' as const, isRide, schoolId: pick(random, schoolIds), daysOff: -random(3) },
    { type: 'limit' as const, pupilId, purse, limitKop },
    { type: 'item' as const, pupilId, item: 1 + random(3), forbidden: chance(random, 3) },
    { type: 'locker' as const, pupilId, schoolId: pick(random, schoolIds), locker: 1 + random(3), from, to },
  ]);
}

function registryWish(random: Random) {
  const pupilId = pick(random, pupilIds);
  const schoolId = pick(random, schoolIds);
  const [active, entitled] = [!chance(random, 12), chance(random, 2)];
  const status = chance(random, 4) ? pick(random, ['blocked', 'replaced'] as const) : ('active' as const);
  const holder = { type: 'holder' as const, pupilId, schoolId, active, entitled, shift: 1 + random(3) };
  const cardPupilId = chance(random, 10) ? strangerId : pupilId;
  const expiresDay = pick(random, [0, 0, 0, today, today + 1]);
  return pick(random, [
    holder,
    holder,
    { type: 'card' as const, cardId: pick(random, cardIds), pupilId: cardPupilId, status, expiresDay },
    { type: 'card' as const, cardId: pick(random, cardIds), pupilId, status: 'active' as const, expiresDay: 0 },
    { type: 'card' as const, cardId: pick(random, cardIds), pupilId, status: 'active' as const, expiresDay: 0 },
    { type: 'school' as const, schoolId: pick(random, [...schoolIds, 12]), districtId: 1 + random(2) },
    { type: 'rules' as const, document: documentOf(random) },
    { type: 'day' as const, days: pick(random, [1, 1, 1, 1, 30]) },
  ]);
}

function documentOf(random: Random): RulesDocument {
  const layer = () => (chance(random, 3) ? {} : layerOf(random));
  if (chance(random, 8)) return {};
  return { region: layer(), districts: { 1: layer(), 2: layer() }, schools: { 9: layer(), 10: layer() } };
}

/** Few fields each, so that most taps still come as far as the purse. */
function layerOf(random: Random): RuleLayer {
  const hours = (): { hours?: Hours } => (chance(random, 10) ? { hours: hoursOf(random) } : {});
  const bounce = (values: readonly number[]) => (chance(random, 4) ? { bounce_s: pick(random, values) } : {});
  const limit = () => (chance(random, 4) ? { daily_limit_kop: pick(random, [null, 0, 700, 5_000, 30_000]) } : {});
  const maybe = <T extends object>(oneIn: number, value: T): T | object => (chance(random, oneIn) ? value : {});
  return {
    gate: {
      ...hours(),
      ...bounce([0, 2, 60]),
      ...maybe(4, { passback_s: pick(random, [0, 60, 600]) }),
      ...maybe(4, { two_places_s: pick(random, [0, 5, 300]) }),
    },
    meal: {
      ...hours(),
      ...bounce([0, 5]),
      ...limit(),
      ...maybe(4, { overdraft_kop: pick(random, [0, 1, 10_000]) }),
      ...maybe(2, { windows: windowsOf(random) }),
    },
    buffet: { ...hours(), ...bounce([0, 60]), ...limit() },
    locker: { ...hours(), ...bounce([0, 5]), ...maybe(5, { reservation_required: chance(random, 2) }) },
    fare: { ...hours(), ...bounce([0, 10]), ...limit(), ...faresOf(random) },
    ...maybe(2, { prices: pick(random, [{}, { 1: 700 }, { 1: 3_000, 2: 5_000 }]) }),
    ...maybe(8, { closed_days: pick(random, [[], ['2026-09-21'], ['2026-09-22', '2026-09-24']]) }),
    ...maybe(8, { closed_weekdays: pick(random, [[], [1], [2, 7]]) }),
  };
}

function faresOf(random: Random): NonNullable<RuleLayer['fare']> {
  const route = { kop: pick(random, [700, 3_000]) };
  const reduced = { ...route, reduced_kop: pick(random, [0, 350, 1_500]) };
  return {
    ...(chance(random, 2) ? { routes: pick(random, [{}, { 1: reduced, 2: route }, { 1: reduced, 2: reduced }]) } : {}),
    ...(chance(random, 3) ? { transfer_min: pick(random, [0, 10, 90]) } : {}),
    ...(chance(random, 3) ? { reduced_for: pick(random, ['none', 'entitled', 'all'] as const) } : {}),
    ...(chance(random, 3) ? { reduced_rides_per_month: pick(random, [null, 0, 1, 2]) } : {}),
  };
}

function hoursOf(random: Random): Hours {
  if (chance(random, 3)) return null;
  const first = random(clocks.length - 1);
  return [clocks[first], clocks[first + 1 + random(clocks.length - 1 - first)]];
}

function windowsOf(random: Random): MealWindowRule[] {
  return Array.from({ length: random(4) }, (_, index) => {
    const [from, to] = hoursOf(random) ?? ['00:00', '24:00'];
    const shifts = pick(random, [undefined, [1], [2], [1, 2, 3]]);
    const window = { window: pick(random, [1, 15]) === 1 ? index + 1 : 15 - index, from, to };
    const entitlement = chance(random, 3) ? { entitlement: chance(random, 3) } : {};
    return { ...window, ...(shifts && { shifts }), ...entitlement };
  });
}

/** One wish, the more often the more there is to find. */
export function wishOf(random: Random) {
  const roll = random(100);
  if (roll < 58) return tapWish(random);
  if (roll < 68) return repeatWish(random);
  if (roll < 80) return moneyWish(random);
  if (roll < 88) return afterwardsWish(random);
  if (roll < 93) return settingWish(random);
  if (roll === 93) return { type: 'restart' as const };
  return registryWish(random);
}
export type Wish = ReturnType<typeof wishOf>;
