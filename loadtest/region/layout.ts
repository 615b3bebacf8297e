import { defaults, sizes, zones } from './defaults.ts';
import type { PlannedReader, RegionOptions, SchoolPlan } from './model.ts';
import { Random } from './random.ts';

const pupilsPerSchoolMin = 280;

/** How many pupils each school has; the sum is the region's. */
function schoolSizes(random: Random, schools: number, pupils: number): number[] {
  const weights = Array.from({ length: schools }, () => random.between(0.6, 1.5));
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  const spare = pupils - schools * pupilsPerSchoolMin;
  const counts = weights.map((weight) => pupilsPerSchoolMin + Math.floor((spare * weight) / total));
  const rest = pupils - counts.reduce((sum, count) => sum + count, 0);
  for (let place = 0; place < rest; place++) counts[place % schools]++;
  return counts;
}

export function classCount(pupils: number): number {
  return Math.max(11, Math.round(pupils / defaults.pupilsPerClass));
}

/** Readers that a school's pupils need, without the extra turnstiles. */
export function readerCounts(pupils: number): Readonly<Record<PlannedReader['role'], number>> {
  return {
    turnstile: Math.ceil(pupils / defaults.pupilsPerTurnstile),
    till: Math.ceil(pupils / defaults.pupilsPerTill),
    locker: 1,
    bus: Math.ceil((pupils * defaults.busShare) / defaults.ridersPerBus),
  };
}

function readersOf(pupils: number): number {
  return Object.values(readerCounts(pupils)).reduce((sum, count) => sum + count, 0);
}

/** Numbers the schools of a region: ids run on from school to school, schools of one district are neighbours. */
export function layOut(options: RegionOptions): SchoolPlan[] {
  const { districts, schools, pupils } = sizes[options.size];
  const counts = schoolSizes(new Random(options.seed, 'schools'), schools, pupils);
  const needed = counts.reduce((sum, count) => sum + readersOf(count), 0);
  const extra = Math.max(0, options.readersMin - needed);
  const next = { classId: 1, pupilId: 100_001, readerId: 1 };
  return counts.map((count, place) => {
    const extraTurnstiles = Math.floor(extra / schools) + (place < extra % schools ? 1 : 0);
    const districtPlace = Math.floor((place * districts) / schools);
    const plan: SchoolPlan = {
      schoolId: place + 1,
      districtId: districtPlace + 1,
      timeZone: zones[districtPlace % zones.length],
      pupils: count,
      extraTurnstiles,
      firstClassId: next.classId,
      firstPupilId: next.pupilId,
      firstReaderId: next.readerId,
    };
    next.classId += classCount(count);
    next.pupilId += count;
    next.readerId += readersOf(count) + extraTurnstiles;
    return plan;
  });
}
