import { setTimeout as sleep } from 'node:timers/promises';
import { firstDayKept } from '../../../analytics/schema/retention.ts';
import { checkDay, type DayCheck, type Difference } from '../../../analytics/verify/derived/check-day.ts';
import type { Ask } from '../../../analytics/verify/derived/read-inputs.ts';
import { type DerivedTable, derivedTableNames } from '../../../analytics/verify/derived/tables.ts';
import { dateOf } from '../../explain/names.ts';
import { lookPauseMs, looksMax, schoolsPerCheckMax } from './limits.ts';

export interface DerivedCheck {
  readonly rows: Record<DerivedTable, number>;
  readonly differences: Difference[];
  readonly unchecked: string[];
  schoolDays: number;
}

export interface DerivedDaysInput {
  readonly ask: Ask;
  /** School days that the journals touch, by day. */
  readonly touched: ReadonlyMap<number, ReadonlySet<number>>;
  /** Taps of days before may have been dropped. */
  readonly tapDaysKept: number | undefined;
  /** Beside a running service: comes back when what is durable now is derived. Undefined where nothing moves. */
  readonly settle: (() => Promise<unknown>) | undefined;
  readonly onProgress: (text: string) => void;
}

/** Computes every published school day anew. One that a running service changes meanwhile is looked at again. */
export async function checkDerivedDays(input: DerivedDaysInput): Promise<DerivedCheck> {
  const rows = Object.fromEntries(derivedTableNames.map((table) => [table, 0])) as Record<DerivedTable, number>;
  const check: DerivedCheck = { rows, differences: [], unchecked: [], schoolDays: 0 };
  const published = await input.ask<{ day: number; schools: number[] }>(
    'SELECT toUInt16(school_day) AS day, arraySort(groupUniqArray(school_id)) AS schools FROM derive_head GROUP BY day',
  );
  const byDay = new Map(published.map(({ day, schools }) => [day, new Set(schools)]));
  const firstDay = firstDayKept(input.tapDaysKept);
  const days = [...new Set([...byDay.keys(), ...input.touched.keys()])].sort((a, b) => a - b);
  let [dropped, uncovered] = [0, 0];
  for (const [place, day] of days.entries()) {
    const all = new Set([...(byDay.get(day) ?? []), ...(input.touched.get(day) ?? [])]);
    if (day < firstDay) {
      dropped += all.size;
      continue;
    }
    input.onProgress(`computing ${dateOf(day)} anew (${place + 1} of ${days.length})`);
    const schools = [...all].sort((a, b) => a - b);
    for (let from = 0; from < schools.length; from += schoolsPerCheckMax) {
      const part = schools.slice(from, from + schoolsPerCheckMax);
      uncovered += addTo(check, await lookPatiently(input, day, part, check.unchecked));
    }
  }
  if (dropped > 0) check.unchecked.push(`${dropped} school days are older than the taps that ClickHouse keeps`);
  if (uncovered > 0) check.unchecked.push(`coverage_day: of ${uncovered} school days beats or gates of then are gone`);
  return check;
}

/** Gives the number of schools whose coverage was not checked. */
function addTo(check: DerivedCheck, day: DayCheck): number {
  for (const table of derivedTableNames) check.rows[table] += day.rows[table];
  check.differences.push(...day.differences);
  check.schoolDays += day.heads.length;
  return day.uncheckedCoverage.length;
}

async function lookOnce(
  { ask, touched }: DerivedDaysInput,
  day: number,
  schools: readonly number[],
): Promise<DayCheck> {
  const check = await checkDay(ask, day, schools);
  const derived = new Set(check.heads.map(({ school }) => school));
  for (const school of schools) {
    if (derived.has(school) || touched.get(day)?.has(school) !== true) continue;
    check.differences.push({ table: 'derive_head', school, day, key: '', stored: null, expected: { derived: 1 } });
  }
  return check;
}

/** A difference counts when the day was derived up to what is durable and stood still between two looks. */
async function lookPatiently(
  input: DerivedDaysInput,
  day: number,
  schools: readonly number[],
  unchecked: string[],
): Promise<DayCheck> {
  let check = await lookOnce(input, day, schools);
  if (input.settle === undefined) return check;
  for (let look = 1; check.differences.length > 0; look++) {
    const before = check;
    input.onProgress(`${dateOf(day)} differs: waiting until it is derived`);
    await sleep(lookPauseMs);
    await input.settle();
    check = await lookOnce(input, day, schools);
    const moving = new Set(
      check.differences.map(({ school }) => school).filter((school) => !isStill(before, check, school)),
    );
    if (moving.size === 0) return check;
    if (look < looksMax) continue;
    unchecked.push(`${dateOf(day)}: ${moving.size} schools are still being derived`);
    return { ...check, differences: check.differences.filter(({ school }) => !moving.has(school)) };
  }
  return check;
}

/** What a bell, a roster or late taps change is derived again within this time. */
function isStill(before: DayCheck, after: DayCheck, school: number): boolean {
  const revisionOf = ({ heads }: DayCheck) => heads.find((head) => head.school === school)?.revision;
  const differencesOf = ({ differences }: DayCheck) =>
    JSON.stringify(differences.filter((one) => one.school === school));
  return revisionOf(before) === revisionOf(after) && differencesOf(before) === differencesOf(after);
}
