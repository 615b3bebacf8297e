import { randomFrom, testSeed, type Random } from '../../../workers/random.suite.ts';
import type { ClickHouseClient } from '../../clickhouse/client.ts';
import { ClickHouseDeriveStore } from '../../derive/derive-store.ts';
import {
  naiveEntitlements,
  naiveSpending,
  naiveStudents,
  type TransferRow,
  type World,
} from '../../derive/naive.suite.ts';
import { localMs, WorldMaker } from '../../derive/random-world.suite.ts';
import { insertRoster, insertSchools, insertTaps, insertTransfers } from '../../derive/world-rows.suite.ts';

/** A random world of some schools and days, stored and derived at 22:00 of each day. */
export interface DerivedWorld {
  readonly world: World;
  readonly schools: readonly number[];
  /** In order. */
  readonly days: readonly number[];
  readonly random: Random;
  readonly movements: readonly Movement[];
  readonly meals: readonly Meals[];
  /** Pupils expected at a school on a day, 0 for a day that is not derived. */
  readonly expectedOf: (schoolId: number, day: number) => number;
}

/** Free meals of a class and window on a day. */
export type Meals = ReturnType<typeof naiveEntitlements>[number] & {
  readonly schoolId: number;
  readonly schoolDay: number;
};

/** What a sale or a reversal moved, on the day on which it was booked. */
export interface Movement {
  readonly schoolId: number;
  readonly schoolDay: number;
  readonly pupilId: number;
  readonly kind: number;
  readonly purse: number;
  readonly item: number;
  readonly n: number;
  readonly kop: number;
  /** A sale that was not taken back on its day. */
  readonly stands: boolean;
}

export const asOfMs = (day: number): number => localMs(day, 22);

/** `round` keeps worlds of one engine apart: schools from `round · 10 + 1`. */
export async function derivedWorld(
  { client, url }: { readonly client: ClickHouseClient; readonly url: string },
  round: number,
  days: readonly number[],
  pupils = 24,
): Promise<DerivedWorld> {
  const random = randomFrom(testSeed + round);
  const schools = [1, 2, 3].map((school) => round * 10 + school);
  const world = new WorldMaker(random, { schools, days, pupils, after: round * 1_000_000 }).make();
  await insertTaps(client, world.taps);
  await insertTransfers(client, world.transfers);
  for (const revision of [1, 2])
    await insertRoster(
      client,
      world.roster.filter((row) => row.revision === revision),
    );
  await insertSchools(client, world);
  const store = new ClickHouseDeriveStore(url, 60_000, new AbortController().signal);
  for (const schoolDay of days) {
    const run = schools.map((schoolId) => ({ schoolId, cause: 'taps' }));
    await store.derive({ schoolDay, schools: run, asOfMs: asOfMs(schoolDay) });
  }
  await store.close();
  const movements = movementsOf(world).filter(({ schoolDay }) => days.includes(schoolDay));
  const keys = schools.flatMap((schoolId) => days.map((schoolDay) => ({ schoolId, schoolDay })));
  const meals = keys.flatMap((key) =>
    naiveEntitlements(world, key.schoolId, key.schoolDay).map((row) => ({ ...key, ...row })),
  );
  const expected = new Map(keys.map((key) => [`${key.schoolId}:${key.schoolDay}`, expectedOn(world, key)]));
  const expectedOf = (schoolId: number, day: number): number => expected.get(`${schoolId}:${day}`) ?? 0;
  return { world, schools, days, random, movements, meals, expectedOf };
}

function expectedOn(world: World, { schoolId, schoolDay }: { schoolId: number; schoolDay: number }): number {
  const students = naiveStudents(world, schoolId, schoolDay, asOfMs(schoolDay));
  return students.filter(({ status }) => status !== 'excused' && status !== 'closed').length;
}

const saleCauses = [1, 7];

function movementsOf(world: World): Movement[] {
  const sales = new Map(
    world.transfers.filter(({ cause }) => saleCauses.includes(cause)).map((sale) => [sale.transferId, sale]),
  );
  const takenBack = world.transfers.filter(({ cause }) => cause === 4);
  return [
    ...[...sales.values()].map((sale) => {
      const isBack = takenBack.some((back) => back.reverses === sale.transferId && back.schoolDay === sale.schoolDay);
      return movementOf(world, sale, sale, !isBack);
    }),
    ...takenBack.map((back) => movementOf(world, sales.get(back.reverses)!, back, false)),
  ];
}

function movementOf(world: World, sale: TransferRow, booked: TransferRow, stands: boolean): Movement {
  const [{ kind, item }] = naiveSpending({ ...world, transfers: [sale] }, sale.schoolId, sale.schoolDay);
  const { schoolId, schoolDay } = booked;
  const sign = sale === booked ? 1 : -1;
  const { pupilId, purse, kop } = sale;
  return { schoolId, schoolDay, pupilId, kind, purse, item, n: sign, kop: sign * kop, stands };
}

/**
 * Sums of movements and the different pupils behind them. Whom the derivation keeps as taken back are, for one day, kind,
 * purse and item, those without a sale that stands.
 */
export function summed(movements: readonly Movement[]) {
  const different = (of: readonly Movement[]) => new Set(of.map(({ pupilId }) => pupilId)).size;
  const rows = grouped(movements, (one) => [one.schoolId, one.schoolDay, one.kind, one.purse, one.item]);
  const takenBack = rows.flatMap(([, ofRow]) =>
    ofRow.filter((one) => !ofRow.some((other) => other.stands && other.pupilId === one.pupilId)),
  );
  const eaters = different(movements.filter(({ stands }) => stands));
  return {
    n: movements.reduce((sum, { n }) => sum + n, 0),
    kop: movements.reduce((sum, { kop }) => sum + kop, 0),
    eaters,
    pupils: Math.max(eaters, different(takenBack)),
  };
}

/** Groups in the order of their keys, which are numbers. */
export function grouped<T>(items: readonly T[], keyOf: (item: T) => readonly number[]): [readonly number[], T[]][] {
  const groups = new Map<string, [readonly number[], T[]]>();
  for (const item of items) {
    const key = keyOf(item);
    const group = groups.get(key.join(':')) ?? [key, []];
    group[1].push(item);
    groups.set(key.join(':'), group);
  }
  return [...groups.values()].sort(([a], [b]) => {
    const place = a.findIndex((part, index) => part !== b[index]);
    return place < 0 ? 0 : a[place] - b[place];
  });
}

/** Two decimals, ties to even, as ClickHouse rounds; null of nothing. */
export function percentOf(part: number, whole: number): number | null {
  if (whole === 0) return null;
  const hundredths = ((100 * part) / whole) * 100;
  const low = Math.floor(hundredths);
  const rest = hundredths - low;
  const isUp = rest > 0.5 || (rest === 0.5 && low % 2 !== 0);
  return (isUp ? low + 1 : low) / 100;
}
