import { defaults } from './defaults.ts';
import { classCount, readerCounts } from './layout.ts';
import type { PlannedReader, Pupil, RegionOptions, School, SchoolClass, SchoolPlan } from './model.ts';
import { className, pupilName } from './names.ts';
import { Random } from './random.ts';

/** Cards of the region never begin with this byte: a UID that does is known to nobody. */
export const unknownUidFirstByte = 0xff;
const kindsWords = {
  turnstile: 'gate-in gate-out',
  till: 'meal buffet',
  locker: 'locker-open locker-close',
  bus: 'fare',
} as const;

export function kindsOf(role: PlannedReader['role']): string {
  return kindsWords[role];
}

/** Builds one school with everybody in it. `uids` holds the UIDs taken in its district, which grow by the school's. */
export function buildSchool(plan: SchoolPlan, options: RegionOptions, uids: Set<string>): School {
  const random = new Random(options.seed, 'school', plan.schoolId);
  const firstBell = random.pick(defaults.firstBells);
  const twoShifts = random.chance(defaults.secondShiftSchools);
  const classes = buildClasses(plan, twoShifts);
  const readers = buildReaders(plan);
  const kopecks = ({ from, to }: { from: number; to: number }): number => random.integer(from, to) * 100;
  return {
    ...plan,
    name: `Школа № ${plan.schoolId}`,
    bells: { 1: firstBell, 2: random.pick(defaults.secondShiftBells) },
    breakfastKop: kopecks(defaults.breakfastRubles),
    lunchKop: kopecks(defaults.lunchRubles),
    classes,
    readers,
    pupilList: buildPupils(plan, classes, readers, { random, uids, days: options.days.length }),
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
      readers.push({ readerId: plan.firstReaderId + readers.length, role, place: `${names[role]} ${place}` });
    }
  }
  return readers;
}

interface PupilSource {
  readonly random: Random;
  readonly uids: Set<string>;
  /** Days that the opening balances have to last. */
  readonly days: number;
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
      tillId: random.pick(tills),
      busId: ridesBus ? random.pick(buses) : null,
      locker: random.chance(defaults.lockerShare) ? place + 1 : null,
      purses: openingPurses(random, days, ridesBus),
    };
  });
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
