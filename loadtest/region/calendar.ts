import { limits } from '../limits.ts';
import { usageError } from '../errors.ts';

const dayMs = 86_400_000;
/** Public holidays with a fixed date, as MM-DD. */
const holidays = new Set(
  '01-01 01-02 01-03 01-04 01-05 01-06 01-07 01-08 02-23 03-08 05-01 05-09 06-12 11-04'.split(' '),
);
/** The four terms of a school year: first and last day, as MM-DD. */
const terms = [
  ['09-01', '10-26'],
  ['11-05', '12-28'],
  ['01-09', '03-22'],
  ['04-01', '05-26'],
] as const;
const absenceAtTermStart = 0.047;
const absenceAtTermEnd = 0.096;
const absenceMean = 0.069;

function isSchoolDay(day: string): boolean {
  const weekday = new Date(`${day}T00:00:00Z`).getUTCDay();
  return weekday !== 0 && weekday !== 6 && !holidays.has(day.slice(5));
}

/** The holidays, `YYYY-MM-DD`, of the years that the days touch. */
export function holidaysAround(days: readonly string[]): string[] {
  const years = [...new Set(days.map((day) => day.slice(0, 4)))];
  return years.flatMap((year) => [...holidays].map((holiday) => `${year}-${holiday}`));
}

/** The first `count` school days (five-day week, no holidays) from `first` on. `YYYY-MM-DD` each. */
export function schoolDays(first: string, count: number): string[] {
  let atMs = Date.parse(`${first}T00:00:00Z`);
  if (!/^\d{4}-\d{2}-\d{2}$/.test(first) || Number.isNaN(atMs)) {
    throw usageError('DAY_INVALID', `"${first}" is no day`, 'Give it as YYYY-MM-DD');
  }
  if (!Number.isInteger(count) || count < 1 || count > limits.regionDaysMax) {
    throw usageError('DAYS_INVALID', `--days ${count} is out of range`, `Give 1 to ${limits.regionDaysMax}`);
  }
  const days: string[] = [];
  for (; days.length < count; atMs += dayMs) {
    const day = new Date(atMs).toISOString().slice(0, 10);
    if (isSchoolDay(day)) days.push(day);
  }
  return days;
}

/** The share of pupils who stay away: it grows over each term; the mean outside the terms. */
export function absenceShare(day: string): number {
  const term = terms.find(([from, to]) => day.slice(5) >= from && day.slice(5) <= to);
  if (!term) return absenceMean;
  const position = (bound: string): number => Date.parse(`${day.slice(0, 5)}${bound}T00:00:00Z`);
  const done = (Date.parse(`${day}T00:00:00Z`) - position(term[0])) / (position(term[1]) - position(term[0]));
  return absenceAtTermStart + (absenceAtTermEnd - absenceAtTermStart) * done;
}
