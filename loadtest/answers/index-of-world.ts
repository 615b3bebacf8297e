import { schoolDays, type SchoolDay, type StudentDay } from './student-days.ts';
import { addDays, type Fact, type Movement, type World } from './world.ts';

export type Cell = string | number | boolean | null;
export type AnswerRow = Readonly<Record<string, Cell>>;

/** A question: which schools, and what beside. `nowMs`: the service's clock when it is asked. */
export interface Asked {
  readonly schools: readonly number[];
  readonly nowMs: number;
  readonly day?: string;
  readonly from?: string;
  readonly to?: string;
  readonly class?: number;
  readonly kind?: string;
  readonly pupil?: number;
  readonly reader?: number;
  readonly limit?: number;
}

/** The world by school and day. */
export class WorldIndex {
  readonly world: World;
  readonly #days = new Map<string, SchoolDay>();
  readonly #facts: Map<string, Fact[]>;
  readonly #movements: Map<string, Movement[]>;

  constructor(world: World) {
    this.world = world;
    for (const one of schoolDays(world)) this.#days.set(keyOf(one.schoolId, one.day), one);
    this.#facts = grouped(world.facts);
    this.#movements = grouped(world.movements);
  }

  schoolDay(schoolId: number, day: string): SchoolDay | undefined {
    return this.#days.get(keyOf(schoolId, day));
  }

  /** Days of the schools, school by school within a day; from `from` less `more` days on. */
  schoolDays({ schools, day, from, to }: Asked, more = 0): SchoolDay[] {
    return this.#each(schools, addDays((day ?? from)!, -more), (day ?? to)!, (school, one) => {
      const found = this.schoolDay(school, one);
      return found === undefined ? [] : [found];
    });
  }

  /** Pupils' days of the schools, of one class if asked. */
  students(asked: Asked, more = 0): StudentDay[] {
    const all = this.schoolDays(asked, more).flatMap(({ students }) => students);
    return asked.class === undefined ? all : all.filter(({ pupil }) => pupil.classId === asked.class);
  }

  facts({ schools, day, from, to }: Asked): Fact[] {
    return this.#each(
      schools,
      (day ?? from)!,
      (day ?? to)!,
      (school, one) => this.#facts.get(keyOf(school, one)) ?? [],
    );
  }

  movements({ schools, day, from, to }: Asked, more = 0): Movement[] {
    return this.#each(schools, addDays((day ?? from)!, -more), (day ?? to)!, (school, one) => {
      return this.#movements.get(keyOf(school, one)) ?? [];
    });
  }

  #each<T>(
    schools: readonly number[],
    from: string,
    to: string,
    of: (school: number, day: string) => readonly T[],
  ): T[] {
    const all: T[] = [];
    for (let day = from; day <= to; day = addDays(day, 1)) {
      for (const school of schools) for (const one of of(school, day)) all.push(one);
    }
    return all;
  }
}

function keyOf(schoolId: number, day: string): string {
  return `${schoolId} ${day}`;
}

function grouped<T extends { readonly schoolId: number; readonly day: string }>(items: readonly T[]): Map<string, T[]> {
  return groupBy(items, ({ schoolId, day }) => keyOf(schoolId, day));
}

export function groupBy<T, K>(items: Iterable<T>, keyOf: (item: T) => K): Map<K, T[]> {
  const groups = new Map<K, T[]>();
  for (const item of items) {
    const key = keyOf(item);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [item]);
    else group.push(item);
  }
  return groups;
}

export function count<T>(items: Iterable<T>, holds: (item: T) => boolean): number {
  let n = 0;
  for (const item of items) if (holds(item)) n++;
  return n;
}

export function sum<T>(items: Iterable<T>, of: (item: T) => number): number {
  let total = 0;
  for (const item of items) total += of(item);
  return total;
}

/** Percent, two decimals; null of nothing. */
export function percent(part: number, whole: number): number | null {
  return whole === 0 ? null : Math.round((10_000 * part) / whole) / 100;
}

export function timeOf(ms: number): string;
export function timeOf(ms: number | null): string | null;
export function timeOf(ms: number | null): string | null {
  return ms === null ? null : new Date(ms).toISOString();
}
