import {
  defaultRules,
  type Hours,
  type MealWindowRule,
  type RouteFare,
  type RuleLayer,
  type RulesDocument,
} from '../rule-set.ts';

/** Minutes of the local day, from up to, not including, to. */
export interface MinuteRange {
  readonly from: number;
  readonly to: number;
}

export interface MealWindow extends MinuteRange {
  /** 1 to 15. */
  readonly window: number;
  readonly name: string;
  /** Bit by shift: 1 << shift. */
  readonly shiftsMask: number;
  readonly givesEntitlement: boolean;
}

/** The rules of one school as the shard looks them up: layers merged, texts read into numbers. Times are ms. */
export interface SchoolRules {
  readonly districtId: number;
  /** By kind of tap: when its readers are open; undefined for always. */
  readonly hours: readonly (MinuteRange | undefined)[];
  /** By kind of tap, ms. */
  readonly bounceMs: readonly number[];
  readonly passbackMs: number;
  readonly twoPlacesMs: number;
  readonly overdraftKop: number;
  /** By purse: kopecks a school day, Infinity for none. */
  readonly dailyLimitKop: readonly number[];
  readonly windows: readonly MealWindow[];
  readonly isReservationRequired: boolean;
  readonly transferMs: number;
  readonly routes: ReadonlyMap<number, RouteFare>;
  readonly reducedFor: 'none' | 'entitled' | 'all';
  readonly reducedRidesPerMonth: number;
  readonly prices: ReadonlyMap<number, number>;
  /** Days since 1970. */
  readonly closedDays: ReadonlySet<number>;
  /** Bit by weekday: 1 << weekday, 1 Monday … 7 Sunday. */
  readonly closedWeekdaysMask: number;
}

const dayMs = 86_400_000;

/** Merges the layers that concern a school, the nearest last, and reads them. Takes a document that was checked. */
export function rulesOfSchool(document: RulesDocument, districtId: number, schoolId: number): SchoolRules {
  const layers = [document.region, document.districts?.[String(districtId)], document.schools?.[String(schoolId)]];
  const known = layers.filter((layer) => layer !== undefined);
  const gate = merged(known, 'gate', defaultRules.gate);
  const meal = merged(known, 'meal', defaultRules.meal);
  const buffet = merged(known, 'buffet', defaultRules.buffet);
  const locker = merged(known, 'locker', defaultRules.locker);
  const fare = merged(known, 'fare', defaultRules.fare);
  const perKind = [gate, gate, meal, buffet, locker, locker, fare];
  const prices = known.flatMap((layer) => Object.entries(layer.prices ?? {}));
  const limits = [null, meal.daily_limit_kop, buffet.daily_limit_kop, fare.daily_limit_kop, null];
  return {
    districtId,
    hours: [undefined, ...perKind.map(({ hours }) => rangeOf(hours))],
    bounceMs: [0, ...perKind.map(({ bounce_s }) => bounce_s * 1000)],
    passbackMs: gate.passback_s * 1000,
    twoPlacesMs: gate.two_places_s * 1000,
    overdraftKop: meal.overdraft_kop,
    dailyLimitKop: limits.map((kop) => kop ?? Infinity),
    windows: meal.windows.map(windowOf),
    isReservationRequired: locker.reservation_required,
    transferMs: fare.transfer_min * 60_000,
    routes: numbered(Object.entries(fare.routes)),
    reducedFor: fare.reduced_for,
    reducedRidesPerMonth: fare.reduced_rides_per_month ?? Infinity,
    prices: numbered(prices),
    closedDays: new Set((nearest(known, 'closed_days') ?? []).map((date) => Date.parse(date) / dayMs)),
    closedWeekdaysMask: (nearest(known, 'closed_weekdays') ?? []).reduce((mask, day) => mask | (1 << day), 0),
  };
}

type Section = 'gate' | 'meal' | 'buffet' | 'locker' | 'fare';

function merged<T>(layers: readonly RuleLayer[], section: Section, defaults: T): T {
  return Object.assign({}, defaults, ...layers.map((layer) => layer[section])) as T;
}

function nearest<K extends 'closed_days' | 'closed_weekdays'>(
  layers: readonly RuleLayer[],
  field: K,
): RuleLayer[K] | undefined {
  return layers.findLast((layer) => layer[field] !== undefined)?.[field];
}

function numbered<T>(entries: readonly (readonly [string, T])[]): ReadonlyMap<number, T> {
  return new Map(entries.map(([key, value]) => [Number(key), value]));
}

function rangeOf(hours: Hours): MinuteRange | undefined {
  return hours === null ? undefined : { from: minuteOf(hours[0]), to: minuteOf(hours[1]) };
}

function windowOf(rule: MealWindowRule): MealWindow {
  const { window, name = '', from, to, shifts = [1, 2, 3], entitlement = true } = rule;
  const shiftsMask = shifts.reduce((mask, shift) => mask | (1 << shift), 0);
  return { window, name, from: minuteOf(from), to: minuteOf(to), shiftsMask, givesEntitlement: entitlement };
}

function minuteOf(time: string): number {
  const [hour, minute] = time.split(':').map(Number);
  return hour * 60 + minute;
}
