import type { DeriveRun } from './types.ts';
import { calendars, districts, heads, newestAttempt, rosters, saleDays } from './look-sql.ts';

/** Parameters of the statements in `attendance-sql.ts` and `money-sql.ts`; arrays are in the order of `schools`. */
export interface DeriveParameters extends Record<string, unknown> {
  readonly day: number;
  readonly schools: number[];
  /** The side of its tables that is not published. */
  readonly sides: number[];
  readonly causes: string[];
  /** The published revision, 0 for none. */
  readonly published: bigint[];
  /** Newest revisions of roster and calendar, 0 for none. */
  readonly rosters: bigint[];
  readonly calendars: bigint[];
  readonly districts: number[];
  /** Schools that are closed on the day. */
  readonly closed: number[];
  /** The earliest doors and the latest bell. */
  readonly doors_ms: number;
  readonly bell_ms: number;
  /** `YYYY-MM-DD`: the run's day, and others whose sales are taken back on it. */
  readonly sale_days: string[];
  readonly as_of_ms: number;
}

export type AskRows = <T>(query: string, parameters: Record<string, unknown>) => Promise<T[]>;

/** Asks what a run rests on, once for all its statements; `newest` is the newest revision of any attempt. */
export async function lookAt(
  run: DeriveRun,
  ask: AskRows,
): Promise<{ readonly parameters: DeriveParameters; readonly newest: number }> {
  const schools = run.schools.map(({ schoolId }) => schoolId);
  const of = { day: run.schoolDay, schools };
  const [head, attempts, roster, calendar, district, days] = await Promise.all([
    ask<{ schoolId: number; side: number; published: string }>(heads, of),
    ask<{ newest: string }>(newestAttempt, of),
    ask<{ schoolId: number; roster: string; doorsMs: number; bellMs: number }>(rosters, of),
    ask<{ schoolId: number; calendar: string; isOpen: number }>(calendars, of),
    ask<{ schoolId: number; district: number }>(districts, of),
    ask<{ day: string }>(saleDays, of),
  ]);
  const runDay = new Date(run.schoolDay * 86_400_000).toISOString().slice(0, 10);
  const parameters: DeriveParameters = {
    ...of,
    sides: column(schools, head, ({ side }) => 1 - side, 0),
    causes: run.schools.map(({ cause }) => cause),
    published: column(schools, head, ({ published }) => BigInt(published), 0n),
    rosters: rostersOf(schools, roster, calendar),
    calendars: column(schools, calendar, (row) => BigInt(row.calendar), 0n),
    districts: column(schools, district, (row) => row.district, 0),
    closed: calendar.filter(({ isOpen }) => isOpen === 0).map(({ schoolId }) => schoolId),
    doors_ms: roster.reduce((min, { doorsMs }) => Math.min(min, doorsMs), run.asOfMs),
    bell_ms: roster.reduce((max, { bellMs }) => Math.max(max, bellMs), 0),
    sale_days: [...new Set([runDay, ...days.map(({ day }) => day)])],
    as_of_ms: run.asOfMs,
  };
  const published = head.map((row) => Number(row.published));
  return { parameters, newest: Math.max(Number(attempts[0].newest), ...published) };
}

/** A line of the calendar follows its roster's rows; one that is above them had no rows: nobody is expected. */
function rostersOf(
  schools: readonly number[],
  roster: readonly { readonly schoolId: number; readonly roster: string }[],
  calendar: readonly { readonly schoolId: number; readonly calendar: string }[],
): bigint[] {
  const lines = column(schools, calendar, (row) => BigInt(row.calendar), 0n);
  const rows = column(schools, roster, (row) => BigInt(row.roster), 0n);
  return rows.map((revision, index) => (revision > lines[index] ? revision : lines[index]));
}

/** One value for each school, in their order. */
function column<T extends { readonly schoolId: number }, V>(
  schools: readonly number[],
  rows: readonly T[],
  valueOf: (row: T) => V,
  without: V,
): V[] {
  const bySchool = new Map(rows.map((row) => [row.schoolId, valueOf(row)]));
  return schools.map((schoolId) => bySchool.get(schoolId) ?? without);
}
