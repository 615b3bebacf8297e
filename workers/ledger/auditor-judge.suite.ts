import {
  type Card,
  dateOf,
  kindNames,
  type LastTap,
  minuteOf,
  monthOf,
  type Pupil,
  purseOfKind,
  type Rules,
  type World,
} from './auditor-world.suite.ts';
import type { RouteFare } from './rule-set.ts';
import type { TestTap } from './taps.suite.ts';

/** What the auditor thinks of a tap, before it asks what the reader did. */
export interface Verdict {
  readonly code: number;
  /** The price; 0 for what sells nothing. */
  readonly kop: number;
  /** The purse that pays if something moves, unless the code is 11 or 12; 0 for what sells nothing. */
  readonly purse: number;
  /** Code 11: the window whose entitlement pays. */
  readonly window: number;
  readonly isReduced: boolean;
}

export interface Case {
  readonly world: World;
  readonly tap: TestTap;
  readonly pupil: Pupil;
  readonly rules: Rules;
  readonly kind: string;
  readonly kop: number;
  readonly isDoubtful: boolean;
}

export function judge(world: World, tap: TestTap): Verdict {
  const holder = (world.cards[tap.cardId] as Card | undefined)?.pupilId ?? 0;
  const pupil = world.pupils[holder] as Pupil | undefined;
  if (pupil === undefined) return { code: 40, kop: tap.amountKop, purse: 0, window: 0, isReduced: false };
  const [code, window] = codeOf(caseOf(world, tap, pupil));
  return { ...chargeOf(world, tap, pupil), code, window };
}

/** What a tap costs by the rules in force, and which purse would pay it now. */
export function chargeOf(world: World, tap: TestTap, pupil: Pupil) {
  const charged = caseOf(world, tap, pupil);
  const { kop, isReduced } = priceOf(world, tap, pupil);
  return { kop, isReduced, purse: payerOf(charged) ?? purseOfKind[charged.kind] ?? 0 };
}

function caseOf(world: World, tap: TestTap, pupil: Pupil): Case {
  const { kop } = priceOf(world, tap, pupil);
  const isDoubtful = tap.clockQuality === 3;
  return { world, tap, pupil, rules: world.rules(tap.schoolId), kind: kindNames[tap.kind], kop, isDoubtful };
}

function codeOf(judged: Case): [code: number, window: number] {
  const { world, tap, pupil, kind } = judged;
  const card = world.cards[tap.cardId];
  if (card.status !== 'active') return [card.status === 'blocked' ? 41 : 40, 0];
  if (card.expiresDay > 0 && card.expiresDay < tap.schoolDay) return [42, 0];
  if (!pupil.active) return [43, 0];
  if (isBounce(judged)) return [71, 0];
  if (kind.startsWith('gate')) return [gateCode(judged), 0];
  if (kind.startsWith('locker')) return [lockerCode(judged), 0];
  return kind === 'fare' ? [fareCode(judged), 0] : mealCode(judged);
}

/** Where the reader named no amount, the price list speaks; on a bus the list of fares always does. */
function priceOf(world: World, tap: TestTap, pupil: Pupil): { kop: number; isReduced: boolean } {
  const rules = world.rules(tap.schoolId);
  const kind = kindNames[tap.kind];
  if (kind === 'meal' || kind === 'buffet') {
    const listed = tap.ref > 0 ? rules.prices[tap.ref] : undefined;
    return { kop: tap.amountKop > 0 ? tap.amountKop : (listed ?? 0), isReduced: false };
  }
  if (kind !== 'fare') return { kop: 0, isReduced: false };
  const { routes, reduced_for: reducedFor, reduced_rides_per_month: ridesMax } = rules.fare;
  const route = tap.ref > 0 ? (routes[tap.ref] as RouteFare | undefined) : undefined;
  if (route === undefined) return { kop: tap.amountKop, isReduced: false };
  const isOfThose = reducedFor === 'all' || (reducedFor === 'entitled' && pupil.entitled);
  const rides = reducedRides(pupil, tap.schoolDay);
  const isReduced = route.reduced_kop !== undefined && isOfThose && (ridesMax === null || rides < ridesMax);
  return { kop: (isReduced ? route.reduced_kop : undefined) ?? route.kop, isReduced };
}

/** Reduced rides in the month of a day: only the newest month's are known. */
function reducedRides(pupil: Pupil, schoolDay: number): number {
  return pupil.reduced.month === monthOf(schoolDay) ? pupil.reduced.rides : 0;
}

function isBounce({ world, tap, rules, kind, kop, isDoubtful }: Case): boolean {
  const last = world.lastTaps[`${tap.cardId} ${kind}`] as LastTap | undefined;
  if (last === undefined || last.readerId !== tap.readerId) return false;
  if (!last.served && (tap.readerFlags & 1) > 0) return false;
  const group = kind.split('-')[0] as 'gate' | 'meal' | 'buffet' | 'locker' | 'fare';
  let apartMs = Math.abs(last.at - tap.at);
  if (isDoubtful || last.doubtful) {
    apartMs = last.epoch === tap.bootEpoch ? Math.abs(last.atRaw - (tap.atRaw ?? tap.at)) : Infinity;
  }
  if (apartMs >= rules[group].bounce_s * 1000) return false;
  return (kind !== 'meal' && kind !== 'buffet') || last.kop === kop;
}

function isOutside({ rules, tap, isDoubtful }: Case, group: 'gate' | 'meal' | 'buffet' | 'locker' | 'fare'): boolean {
  const { hours } = rules[group];
  if (hours === null || isDoubtful) return false;
  return tap.localMinute < minuteOf(hours[0]) || tap.localMinute >= minuteOf(hours[1]);
}

function gateCode(judged: Case): number {
  const { tap, pupil } = judged;
  if ((tap.readerFlags & 8) > 0) return 14;
  if (pupil.schoolId !== tap.schoolId) return 44;
  return isOutside(judged, 'gate') ? 45 : 10;
}

function lockerCode(judged: Case): number {
  const { tap, pupil, rules, isDoubtful } = judged;
  if ((tap.readerFlags & 8) > 0) return 14;
  if (isOutside(judged, 'locker')) return 45;
  if (!rules.locker.reservation_required) return 10;
  const mine = [...pupil.lockers.values()].filter((one) => one.schoolId === tap.schoolId && one.locker === tap.ref);
  if (mine.some(({ from, to }) => isDoubtful || (from <= tap.at && tap.at < to))) return 10;
  return mine.some(({ to }) => to <= tap.at) ? 52 : 51;
}

function mealCode(judged: Case): [code: number, window: number] {
  const { tap, pupil, rules, kind, isDoubtful } = judged;
  if (isOutside(judged, kind as 'meal' | 'buffet')) return [45, 0];
  const listed = tap.ref > 0 ? rules.prices[tap.ref] : undefined;
  if (tap.amountKop > 0 && listed !== undefined && listed !== tap.amountKop) return [54, 0];
  if (pupil.forbidden.has(tap.ref)) return [48, 0];
  const weekday = new Date(tap.schoolDay * 86_400_000).getUTCDay() || 7;
  const isClosed = rules.closed_days.includes(dateOf(tap.schoolDay)) || rules.closed_weekdays.includes(weekday);
  if (isClosed && !isDoubtful) return [50, 0];
  return kind === 'meal' ? entitledCode(judged) : [fundsCode(judged), 0];
}

function entitledCode(judged: Case): [code: number, window: number] {
  const { world, tap, pupil, rules, isDoubtful } = judged;
  const all = rules.meal.windows.length > 0 ? rules.meal.windows : [{ window: 1, from: '00:00', to: '24:00' }];
  const ofShift = all.filter(({ shifts }) => shifts === undefined || shifts.includes(pupil.shift));
  const open = ofShift.find(({ from, to }) => minuteOf(from) <= tap.localMinute && tap.localMinute < minuteOf(to));
  if (open === undefined && !isDoubtful) return [50, 0];
  if (!pupil.entitled) return [fundsCode(judged), 0];
  const taken = world.day(pupil, tap.schoolDay)?.taken ?? [];
  const gives = ofShift.filter(({ entitlement }) => entitlement !== false);
  const left = gives.filter(({ window }) => !taken.includes(window));
  if (open !== undefined && left.includes(open)) return [11, open.window];
  if (isDoubtful && gives.length === 0) return [fundsCode(judged), 0];
  if (isDoubtful) return left.length > 0 ? [11, left[0].window] : [49, 0];
  return open !== undefined && gives.includes(open) ? [49, 0] : [fundsCode(judged), 0];
}

function fareCode(judged: Case): number {
  const { world, tap, pupil, rules } = judged;
  if (isOutside(judged, 'fare')) return 45;
  if (world.purseKop(pupil, 3) < 0) return 53;
  const last = pupil.lastRide;
  if (
    tap.ref > 0 &&
    last !== undefined &&
    last.route > 0 &&
    last.route !== tap.ref &&
    last.transferGivenAt === undefined
  ) {
    const sinceMs = tap.at - last.at;
    if (sinceMs >= 0 && sinceMs < rules.fare.transfer_min * 60_000) return 12;
  }
  return fundsCode(judged);
}

function fundsCode(judged: Case): number {
  const { world, tap, pupil, kop } = judged;
  if (kop === 0) return 10;
  const purse = payerOf(judged);
  if (purse === undefined) return 46;
  if (isOverLimit(world, pupil, tap, purse, kop)) return 47;
  return world.purseKop(pupil, purse) >= kop ? 10 : 13;
}

/** The purse that would pay; undefined if none can. */
function payerOf({ world, pupil, rules, kind, kop }: Case): number | undefined {
  const [mealKop, buffetKop, transportKop] = [1, 2, 3].map((purse) => world.purseKop(pupil, purse));
  if (kind === 'fare') return transportKop >= kop ? 3 : undefined;
  if (kind === 'buffet') return buffetKop >= kop ? 2 : undefined;
  if (kind !== 'meal') return undefined;
  if (mealKop >= kop) return 1;
  if (buffetKop >= kop) return 2;
  return mealKop - kop >= -rules.meal.overdraft_kop ? 1 : undefined;
}

export function isOverLimit(world: World, pupil: Pupil, tap: TestTap, purse: number, kop: number): boolean {
  const limitKop = world.limitKop(pupil, purse, tap.schoolId);
  return limitKop !== null && world.spentKop(pupil, purse, tap.schoolDay) + kop > limitKop;
}
