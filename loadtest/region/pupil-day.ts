import { Kind, ReaderFlag } from '../../ingest/protocol/codes.ts';
import { minuteOf } from '../oracle/rules.ts';
import { defaults } from './defaults.ts';
import { buffetKop, item } from './menu.ts';
import type { Pupil, School } from './model.ts';
import type { Random } from './random.ts';

export type Presence = 'came' | 'absent' | 'without_card';

/** Something a pupil wants to do: minutes after local midnight, before any queue. `readerId` null: any turnstile. */
export interface Wish {
  readonly minute: number;
  readonly pupil: Pupil;
  readonly readerId: number | null;
  readonly kind: number;
  readonly amountKop: number;
  readonly ref: number;
  readonly flags: number;
}

export interface PupilDay {
  readonly presence: Presence;
  readonly bellMinute: number;
  /** When the pupil came to the school's door; null for who stayed away. */
  readonly cameMinute: number | null;
  readonly wishes: readonly Wish[];
}

function arrivalMinute(random: Random, bellMinute: number): number {
  const draw = random.next();
  if (draw < defaults.arrivalUsual) {
    const { mean, deviation } = defaults.arrivalUsualMinutes;
    return bellMinute + random.normal(mean, deviation);
  }
  const early = draw < defaults.arrivalUsual + defaults.arrivalEarly;
  const { from, to } = early ? defaults.arrivalEarlyMinutes : defaults.arrivalLateMinutes;
  return bellMinute + random.between(from, to);
}

/** The minute at which lesson `lesson` (from 1) ends. */
export function lessonEnd(bellMinute: number, lesson: number): number {
  const breaks = defaults.breakMinutes.slice(0, lesson - 1).reduce((sum, minutes) => sum + minutes, 0);
  return bellMinute + lesson * defaults.lessonMinutes + breaks;
}

/** What one pupil does on one day, drawn from the defaults. */
export function dayOfPupil(random: Random, school: School, pupil: Pupil, absence: number): PupilDay {
  const bellMinute = school.bells[pupil.schoolClass.shift];
  if (random.chance(absence)) return { presence: 'absent', bellMinute, cameMinute: null, wishes: [] };
  const cameMinute = arrivalMinute(random, bellMinute);
  if (random.chance(defaults.cardForgotten)) return { presence: 'without_card', bellMinute, cameMinute, wishes: [] };
  const lessons = defaults.lessonsByGrade[pupil.schoolClass.grade - 1];
  const stays = random.chance(defaults.leavesEarly) ? random.integer(1, lessons - 1) : lessons;
  const leavesMinute =
    Math.max(lessonEnd(bellMinute, stays), cameMinute + 30) + 2 + random.exponential(defaults.leavingMinutesMean);
  const wishes = [
    ...comings(random, school, pupil, cameMinute),
    ...meals(random, school, pupil, { bellMinute, cameMinute }),
    ...leavings(random, school, pupil, leavesMinute),
  ];
  return { presence: 'came', bellMinute, cameMinute, wishes: wishes.filter(within(cameMinute, leavesMinute)) };
}

/** Meals before the pupil came or after the pupil left do not happen. */
function within(cameMinute: number, leavesMinute: number): (wish: Wish) => boolean {
  return ({ kind, minute }) =>
    (kind !== Kind.meal && kind !== Kind.buffet) || (minute > cameMinute + 2 && minute < leavesMinute - 5);
}

function wish(pupil: Pupil, minute: number, readerId: number | null, kind: number, amountKop = 0, ref = 0): Wish {
  return { pupil, minute, readerId, kind, amountKop, ref, flags: 0 };
}

/** The one locker reader of a school stands behind the ids of its pupils' tills and is filled in by the queue. */
export const lockerReader = -1;

function comings(random: Random, school: School, pupil: Pupil, cameMinute: number): Wish[] {
  const wishes = [wish(pupil, cameMinute, null, Kind.gateIn)];
  const { hours } = school.rules.gate;
  const opensMinute = hours === null ? 0 : minuteOf(hours[0]);
  if (cameMinute < opensMinute) wishes.push(wish(pupil, opensMinute + random.between(0.2, 4), null, Kind.gateIn));
  if (pupil.busId !== null) {
    const morning = ride(school, pupil, cameMinute - random.between(15, 35), pupil.busId);
    const isOnTrust = pupil.purses.transport === 0 && random.chance(defaults.ridesOnTrust);
    wishes.push({ ...morning, flags: isOnTrust ? ReaderFlag.letThrough : 0 });
  }
  if (pupil.locker !== null) wishes.push(...lockerUse(random, pupil, cameMinute + random.between(2, 5)));
  return wishes;
}

function leavings(random: Random, school: School, pupil: Pupil, leavesMinute: number): Wish[] {
  const wishes: Wish[] = [];
  if (!random.chance(defaults.leavesWithoutTap)) wishes.push(wish(pupil, leavesMinute, null, Kind.gateOut));
  if (pupil.locker !== null) wishes.push(...lockerUse(random, pupil, leavesMinute - random.between(2, 4)));
  if (pupil.busId !== null) wishes.push(...ridesHome(random, school, pupil, leavesMinute + random.between(4, 20)));
  return wishes;
}

function ride(school: School, pupil: Pupil, minute: number, busId: number): Wish {
  const route = school.readers.find(({ readerId }) => readerId === busId)?.route ?? 0;
  return wish(pupil, minute, busId, Kind.fare, defaults.fareRubles * 100, route);
}

/** Home on the own bus; some change to another. */
function ridesHome(random: Random, school: School, pupil: Pupil, minute: number): Wish[] {
  const busId = pupil.busId ?? 0;
  const rides = [ride(school, pupil, minute, busId)];
  if (!random.chance(defaults.ridesWithChange)) return rides;
  const others = school.readers.filter(({ role, readerId }) => role === 'bus' && readerId !== busId);
  return [...rides, ride(school, pupil, minute + random.between(8, 75), random.pick(others).readerId)];
}

function lockerUse(random: Random, pupil: Pupil, minute: number): Wish[] {
  const open = wish(pupil, minute, lockerReader, Kind.lockerOpen, 0, pupil.locker ?? 0);
  return [open, { ...open, minute: minute + random.between(0.3, 0.9), kind: Kind.lockerClose }];
}

function meals(
  random: Random,
  school: School,
  pupil: Pupil,
  { bellMinute, cameMinute }: { bellMinute: number; cameMinute: number },
): Wish[] {
  const young = pupil.schoolClass.grade <= defaults.entitledGradeMax;
  const draw = random.next();
  const two = draw < defaults.twoMeals;
  const one = draw < defaults.twoMeals + defaults.oneMeal;
  const breakfast = two || (one && random.chance(0.5));
  const lunch = two || (one && !breakfast);
  const at = (lesson: number): number => lessonEnd(bellMinute, lesson) + 1 + random.exponential(2);
  const wishes: Wish[] = [];
  const till = pupil.tillId;
  const eat = (minute: number, ref: number): unknown =>
    wishes.push(wish(pupil, minute, till, Kind.meal, school.rules.prices[ref], ref));
  if (breakfast) eat(at(young ? 1 : 2), item.breakfast);
  if (lunch) eat(at(young ? 3 : 4), item.lunch);
  if (random.chance(defaults.triesBeforeWindow)) eat(cameMinute + random.between(3, 6), item.breakfast);
  if (random.chance(defaults.buffetShare)) {
    const ref = random.integer(item.buffetFirst, item.buffetLast);
    const kop = ref <= item.buffetListed ? school.rules.prices[ref] : buffetKop(random);
    wishes.push(wish(pupil, at(random.integer(2, young ? 3 : 5)), till, Kind.buffet, kop, ref));
  }
  for (const ref of pupil.forbidden) {
    wishes.push(wish(pupil, at(2), till, Kind.buffet, school.rules.prices[ref], ref));
  }
  return wishes;
}
