import { rulesOf, type RulesFile } from '../oracle/rules.ts';
import { defaults } from './defaults.ts';
import { classCount, readerCounts } from './layout.ts';
import { item, routes } from './menu.ts';
import type {
  PlannedReader,
  PlannedReservation,
  Pupil,
  RegionOptions,
  School,
  SchoolClass,
  SchoolPlan,
} from './model.ts';
import { className, pupilName } from './names.ts';
import { Random } from './random.ts';

/** Cards of the region never begin with this byte: a UID that does is known to nobody. */
export const unknownUidFirstByte = 0xff;
const dayMs = 86_400_000;
/** Places from one special case of the first school to the next. */
const specialEvery = 30;
const kindsWords = {
  turnstile: 'gate-in gate-out',
  till: 'meal buffet',
  locker: 'locker-open locker-close',
  bus: 'fare',
} as const;

export function kindsOf(role: PlannedReader['role']): string {
  return kindsWords[role];
}

/** What a school is built from, beside its plan. `uids` holds the UIDs taken in its district, which grow by the school's. */
export interface SchoolSource {
  readonly options: RegionOptions;
  readonly rules: RulesFile;
  readonly uids: Set<string>;
  /** The next school of the region. */
  readonly next: SchoolPlan | undefined;
}

/** Builds one school with everybody in it. */
export function buildSchool(plan: SchoolPlan, { options, rules, uids, next }: SchoolSource): School {
  const random = new Random(options.seed, 'school', plan.schoolId);
  const firstBell = random.pick(defaults.firstBells);
  const twoShifts = random.chance(defaults.secondShiftSchools);
  const classes = buildClasses(plan, twoShifts);
  const readers = buildReaders(plan);
  const hasNeighbour = next?.districtId === plan.districtId;
  return {
    ...plan,
    name: `Школа № ${plan.schoolId}`,
    bells: { 1: firstBell, 2: random.pick(defaults.secondShiftBells) },
    rules: rulesOf(rules, plan.districtId, plan.schoolId),
    neighbour: hasNeighbour ? { readerId: next.firstReaderId, schoolId: next.schoolId } : null,
    classes,
    readers,
    pupilList: buildPupils(plan, classes, readers, { random, uids, days: options.days }),
  };
}

function buildClasses(plan: SchoolPlan, twoShifts: boolean): SchoolClass[] {
  const count = classCount(plan.pupils);
  const placesByGrade = new Map<number, number>();
  return Array.from({ length: count }, (_, place) => {
    const grade = 1 + Math.floor((place * 11) / count);
    const placeInGrade = placesByGrade.get(grade) ?? 0;
    placesByGrade.set(grade, placeInGrade + 1);
    const second = twoShifts && (defaults.secondShiftGrades as readonly number[]).includes(grade);
    return {
      classId: plan.firstClassId + place,
      grade,
      name: className(grade, placeInGrade),
      shift: second ? 2 : 1,
      pupils: Math.floor(plan.pupils / count) + (place < plan.pupils % count ? 1 : 0),
    };
  });
}

function buildReaders(plan: SchoolPlan): PlannedReader[] {
  const counts = readerCounts(plan.pupils);
  const names = { turnstile: 'Турникет', till: 'Касса', locker: 'Шкафчики', bus: 'Автобус' } as const;
  const readers: PlannedReader[] = [];
  for (const role of ['turnstile', 'till', 'locker', 'bus'] as const) {
    const count = counts[role] + (role === 'turnstile' ? plan.extraTurnstiles : 0);
    for (let place = 1; place <= count; place++) {
      const readerId = plan.firstReaderId + readers.length;
      const route = role === 'bus' ? routes.first + (readerId % routes.last) : 0;
      readers.push({ readerId, role, place: `${names[role]} ${place}`, route });
    }
  }
  return readers;
}

interface PupilSource {
  readonly random: Random;
  readonly uids: Set<string>;
  /** Days that the opening balances have to last. */
  readonly days: readonly string[];
}

function buildPupils(
  plan: SchoolPlan,
  classes: readonly SchoolClass[],
  readers: readonly PlannedReader[],
  source: PupilSource,
): Pupil[] {
  const { random, uids, days } = source;
  const idsOf = (role: PlannedReader['role']): number[] =>
    readers.filter((reader) => reader.role === role).map((reader) => reader.readerId);
  const tills = idsOf('till');
  const buses = idsOf('bus');
  const seats = classes.flatMap((schoolClass) => Array.from({ length: schoolClass.pupils }, () => schoolClass));
  return seats.map((schoolClass, place) => {
    const ridesBus = random.chance(defaults.busShare);
    const entitled = schoolClass.grade <= defaults.entitledGradeMax || random.chance(defaults.entitledAbove);
    return {
      pupilId: plan.firstPupilId + place,
      schoolClass,
      ...pupilName(random),
      entitled,
      uid: freshUid(random, uids),
      blocked: random.chance(defaults.cardsBlocked),
      expires: random.chance(defaults.cardsExpired) ? shifted(days[0], -30) : null,
      ...specialOf(plan, place, entitled),
      tillId: random.pick(tills),
      busId: ridesBus ? random.pick(buses) : null,
      ...lockerOf(random, place, days),
      purses: openingPurses(random, days.length, ridesBus),
    };
  });
}

/** `YYYY-MM-DD`, so many days later. */
function shifted(day: string, days: number): string {
  return new Date(midnightUtcMs(day) + days * dayMs).toISOString().slice(0, 10);
}

function midnightUtcMs(day: string): number {
  return Date.parse(`${day}T00:00:00Z`);
}

/**
 * The first school has a few pupils for whom an operator does something by a command: who left, who may not buy an item,
 * who has a limit of its own.
 */
function specialOf(
  plan: SchoolPlan,
  place: number,
  entitled: boolean,
): Pick<Pupil, 'active' | 'forbidden' | 'limitsKop'> {
  const turn = plan.schoolId === 1 && place % specialEvery === 0 ? place / specialEvery : -1;
  return {
    active: turn < 0 || turn >= 2,
    forbidden: turn >= 2 && turn < 6 ? [item.buffetFirst + turn] : [],
    limitsKop: turn >= 6 && turn < 10 && !entitled ? { meal: turn === 9 ? null : 5_000 } : {},
  };
}

function lockerOf(random: Random, place: number, days: readonly string[]): Pick<Pupil, 'locker' | 'reservation'> {
  if (!random.chance(defaults.lockerShare)) return { locker: null, reservation: null };
  const fate = random.next();
  const { lockersNotReserved, lockersExpired } = defaults;
  const isOver = fate < lockersNotReserved + lockersExpired;
  const lastDay = isOver ? shifted(days[0], -3) : shifted(days[days.length - 1], 30);
  const reservation: PlannedReservation = {
    fromMs: midnightUtcMs(shifted(days[0], -60)),
    toMs: midnightUtcMs(lastDay),
  };
  return { locker: place + 1, reservation: fate < lockersNotReserved ? null : reservation };
}

function openingPurses(random: Random, days: number, ridesBus: boolean): Pupil['purses'] {
  const wealth = random.next();
  const { pursesEmpty, pursesShort } = defaults;
  const share = wealth < pursesEmpty ? 0 : wealth < pursesEmpty + pursesShort ? random.between(0.05, 0.5) : 1;
  const kopecks = (rublesADay: number): number => Math.round(rublesADay * days * share) * 100;
  return {
    meal: kopecks(defaults.breakfastRubles.to + defaults.lunchRubles.to),
    buffet: kopecks(defaults.buffetRubles.to),
    transport: ridesBus ? kopecks(2 * defaults.fareRubles) : 0,
  };
}

function freshUid(random: Random, taken: Set<string>): string {
  for (;;) {
    const draw = random.next();
    const [four, seven] = defaults.uidBytes;
    const bytes = draw < four.share ? 4 : draw < four.share + seven.share ? 7 : 10;
    const uid = Buffer.from(random.bytes(bytes));
    if (uid[0] === unknownUidFirstByte) continue;
    const hex = uid.toString('hex').toUpperCase();
    if (taken.has(hex)) continue;
    taken.add(hex);
    return hex;
  }
}
