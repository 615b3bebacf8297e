import { ClickHouseDeriveStore } from '../../../analytics/derive/derive-store.ts';
import { localMs, minuteMs, WorldMaker } from '../../../analytics/derive/random-world.suite.ts';
import {
  dateOf,
  insertRoster,
  insertSchools,
  insertTaps,
  insertTransfers,
} from '../../../analytics/derive/world-rows.suite.ts';
import type { EmbeddedClickHouse } from '../../../analytics/clickhouse/embedded.ts';
import type { ClickHouseClient } from '../../../analytics/clickhouse/client.ts';
import { randomFrom } from '../../../workers/random.suite.ts';
import type { Caller, RegistryView, SchoolEntry } from '../types.ts';

/** A Monday, the Monday before it, and the days that follow. */
export const monday = 20_780;
export const days = [monday - 7, monday, monday + 1, monday + 2, monday + 3];
export const dayTexts = days.map(dateOf);
export const nowMs = localMs(monday + 3, 20);

const timeZone = 'Europe/Moscow';
export const schools: readonly SchoolEntry[] = [
  { schoolId: 1, districtId: 1, name: 'Школа № 1', timeZone },
  { schoolId: 2, districtId: 1, name: 'Школа № 2', timeZone },
  { schoolId: 3, districtId: 1, name: 'Малая школа', timeZone },
  { schoolId: 4, districtId: 1, name: 'Школа № 4', timeZone },
  { schoolId: 5, districtId: 1, name: 'Школа № 5', timeZone },
  { schoolId: 9, districtId: 2, name: 'Другой район', timeZone },
];

/** Pupils by class: one of seven; nine beside ten; a school of eight; one that was nine a week ago. The number of a class begins with its school's. */
const sizes: Readonly<Record<number, number>> = {
  11: 7,
  12: 20,
  13: 25,
  21: 9,
  22: 10,
  23: 24,
  31: 8,
  41: 12,
  42: 15,
  51: 12,
  52: 15,
  53: 30,
  91: 5,
};
export const classIds = Object.keys(sizes).map(Number);
export const schoolOfClass = (classId: number): number => Math.floor(classId / 10);
const classNames: Readonly<Record<number, string>> = {
  11: '10А',
  12: '2Б',
  13: '1В',
  21: '9А',
  22: '9Б',
  23: '11А',
  31: '1',
  41: '1А',
  42: '1Б',
  51: '2А',
  52: '2Б',
  53: '10А',
  91: '1А',
};

/** The pupils that two worlds may swap: of the class of seven and of the one that is hidden beside it, on all days. */
export const swapped = [1_101, 1_203] as const;

export interface PupilDay {
  readonly pupilId: number;
  readonly classId: number;
  readonly day: number;
}

/** Who is in which class on which day: some move, so that classes are small on some days and not on others. */
export function pupilDays(): PupilDay[] {
  return classIds.flatMap((classId) =>
    Array.from({ length: sizes[classId] }, (_, index) => classId * 100 + 1 + index).flatMap((pupilId, index) =>
      days.map((day) => ({ pupilId, classId: classOn(classId, index, day), day })),
    ),
  );
}

function classOn(home: number, index: number, day: number): number {
  if (home === 52 && index < 6 && day === monday - 7) return 51;
  if (home === 23 && index < 2 && day >= monday + 2) return 21;
  return home;
}

export interface WorldOptions {
  readonly seed: number;
  /** The two pupils of `swapped` do what the other does. */
  readonly isSwapped?: boolean;
}

/** Puts the district's days into the engine and derives them. */
export async function insertDistrict(
  { client, engine }: { readonly client: ClickHouseClient; readonly engine: EmbeddedClickHouse },
  { seed, isSwapped = false }: WorldOptions,
): Promise<void> {
  const random = randomFrom(seed);
  const maker = new WorldMaker(random, { schools: [], days: [], pupils: 0, after: 0 });
  for (const { schoolId } of schools) {
    const beatsMs = days.flatMap((day) =>
      Array.from({ length: 420 }, (_, minute) => localMs(day, 6.9) + minute * minuteMs),
    );
    maker.world.gates.push(
      { schoolId, readerId: schoolId * 10, beatsMs },
      { schoolId, readerId: schoolId * 10 + 1, beatsMs },
    );
  }
  const all = pupilDays();
  const classOf = new Map(all.map((of) => [`${of.pupilId}:${of.day}`, of.classId]));
  for (const { pupilId, classId, day } of all) {
    const [doorsMs, bellMs, endMs] = [7, 8.5, 14].map((hour) => localMs(day, hour));
    const pupil = { pupilId, classId, shift: 1, entitled: pupilId % 2, excused: random(12) === 0 ? 1 : 0, revision: 1 };
    const at = swapped.indexOf(pupilId as never);
    // What is on the roster is no deed: the two are told apart by nothing else.
    const excused = at >= 0 ? 0 : pupil.excused;
    maker.world.roster.push({
      ...pupil,
      entitled: at >= 0 ? 1 : pupil.entitled,
      excused,
      schoolId: schoolOfClass(classId),
      schoolDay: day,
      doorsMs,
      bellMs,
      endMs,
    });
    const doer = isSwapped && at >= 0 ? swapped[1 - at] : pupilId;
    addDeeds(maker, { pupilId: doer, classId: classOf.get(`${doer}:${day}`)!, day }, random);
  }
  await insertTaps(withReaders(client), maker.world.taps);
  await insertTransfers(client, maker.world.transfers);
  await insertRoster(client, maker.world.roster);
  await insertSchools(client, maker.world);
  const store = new ClickHouseDeriveStore(engine.url, 60_000, new AbortController().signal);
  for (const day of days) {
    const run = schools.map(({ schoolId }) => ({ schoolId, cause: 'asked' }));
    await store.derive({ schoolDay: day, schools: run, asOfMs: nowMs });
  }
  await store.close();
}

/** Taps of a world have no readers: each school has two. */
function withReaders(client: ClickHouseClient): ClickHouseClient {
  const insert: ClickHouseClient['insert'] = ({ values, ...rest }) => {
    const rows = (values as unknown as { school_id: number; pupil_id: number }[]).map((row) => ({
      ...row,
      reader_id: row.school_id * 10 + (row.pupil_id % 2),
    }));
    return client.insert({ ...rest, values: rows });
  };
  return { insert } as ClickHouseClient;
}

function addDeeds(maker: WorldMaker, { pupilId, classId, day }: PupilDay, random: (below: number) => number): void {
  const schoolId = schoolOfClass(classId);
  const of = { schoolId, schoolDay: day, pupilId, classId };
  const come = random(10);
  if (come > 0) {
    const atMs = localMs(day, 8) + random(come === 1 ? 60 : 29) * minuteMs;
    maker.tap({ ...of, kind: 1, atMs });
    if (random(3) > 0) maker.tap({ ...of, kind: 2, atMs: localMs(day, 13) + random(90) * minuteMs });
    if (random(2) === 0) maker.tap({ ...of, kind: 1, atMs: localMs(day, 15), code: 41 + random(3) });
  }
  if (random(3) === 0)
    maker.tap({ ...of, kind: 4, atMs: localMs(day, 10), code: 46 + random(2), ref: 1, amountKop: 100 });
  const sale = { ...of, atMs: localMs(day, 11), ref: 1 + random(4), amountKop: 1_000 + random(500) };
  const kind = 3 + random(2);
  if (random(2) === 0) maker.transfer(maker.tap({ ...sale, kind }), { purse: 1 + random(2) });
  if (random(3) === 0) maker.transfer(maker.tap({ ...sale, kind: 3, code: 11, basis: 1 }), { purse: 0 });
}

/** The registry of the district's tests. */
export const registry: RegistryView = {
  districts: () => Promise.resolve([1, 2, 3].map((districtId) => ({ districtId, name: `Район ${districtId}` }))),
  schools: () => Promise.resolve(schools),
  classes: (schoolId) =>
    Promise.resolve(
      classIds
        .filter((classId) => schoolOfClass(classId) === schoolId)
        .map((classId) => ({ classId, name: classNames[classId], shift: 1 })),
    ),
  classSchool: (classId) => Promise.resolve(classId in sizes ? schoolOfClass(classId) : undefined),
  classNames: (ids) => Promise.resolve(new Map(ids.filter((id) => id in classNames).map((id) => [id, classNames[id]]))),
  pupilNames: (ids) => Promise.resolve(new Map(ids.map((id) => [id, { lastName: `Фамилия${id}`, firstName: 'Имя' }]))),
  pupil: (id) => {
    const classId = Math.floor(id / 100);
    const isThere = id % 100 >= 1 && id % 100 <= (sizes[classId] ?? 0);
    return Promise.resolve(isThere ? { classId, schoolId: schoolOfClass(classId) } : undefined);
  },
  rulesVersion: () => Promise.resolve(3),
};

export function caller(role: Caller['role'], scope: Partial<Caller> = {}): Caller {
  return { name: 'tester', role, districtId: null, schoolId: null, classId: null, ...scope };
}

export const ofDistrict = caller('district', { districtId: 1 });
