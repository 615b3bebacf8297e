import type { NamedQuery } from '../../../analytics/queries/define.ts';
import { queryLimits } from '../../../analytics/queries/limits.ts';
import { AnswerError, parameterInvalid, whyNot } from './errors.ts';

/** How an answer is to look: not of the question. */
const presentation = new Set(['format', 'lang', 'head']);
/** Of every question, whatever the query takes. `day` stands for a range of one day. */
const common = new Set(['district', 'school', 'reason']);
const idMax = 4_294_967_295;
const dayMs = 86_400_000;
const usualDays = 28;
/** Days that ClickHouse can hold, and nobody misses any before. */
const [dayMin, dayMax] = ['2000-01-01', '2099-12-31'];

/** What was said beside the query's own parameters. Throws PARAMETER_INVALID. */
export function saidOf(said: Readonly<Record<string, string>>, query: NamedQuery) {
  const { shape } = query.parameters;
  for (const name of Object.keys(said)) {
    const isTaken = presentation.has(name) || common.has(name) || name in shape || (name === 'day' && 'from' in shape);
    if (isTaken) continue;
    const taken = ['district', 'school', ...Object.keys(shape)].join(', ');
    const remedy = `It takes ${taken}.`;
    throw new AnswerError(400, 'PARAMETER_INVALID', `${query.name} does not take one of these parameters`, remedy);
  }
  const id = (name: string) => (said[name] === undefined ? undefined : idOf(name, said[name]));
  const reason = said.reason?.trim();
  return {
    districtId: id('district'),
    schoolId: id('school'),
    classId: id('class'),
    pupilId: id('pupil'),
    reason: reason === undefined || reason === '' ? null : reason.slice(0, reasonCharactersMax),
  };
}

const reasonCharactersMax = 500;

function idOf(name: string, text: string): number {
  const value = /^\d{1,10}$/.test(text) ? Number(text) : 0;
  if (value < 1 || value > idMax) throw parameterInvalid(name, `is no number from 1 to ${idMax}`);
  return value;
}

/**
 * The query's own parameters with their defaults: today, and the four weeks up to the last day. `today` is the schools' own,
 * `YYYY-MM-DD`. Throws PARAMETER_INVALID, DAYS_INVALID.
 */
export function parametersOf(
  said: Readonly<Record<string, string>>,
  { query, today }: { readonly query: NamedQuery; readonly today: string },
): Readonly<Record<string, unknown>> {
  const { shape } = query.parameters;
  const own: Record<string, string> = Object.fromEntries(Object.entries(said).filter(([name]) => name in shape));
  checkDay('day', said.day);
  if ('day' in shape) own.day ??= today;
  if ('from' in shape) {
    own.to ??= said.day ?? (said.from !== undefined && said.from > today ? said.from : today);
    checkDay('to', own.to);
    own.from ??= said.day ?? dayBefore(own.to, usualDays - 1);
    checkDay('from', own.from);
  }
  const parsed = query.parameters.safeParse(own);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    const name = String(issue.path[0] ?? 'parameters');
    throw parameterInvalid(name, name in own ? whyNot(issue) : 'is missing');
  }
  checkRange(own);
  return parsed.data;
}

/** The day some days before, `YYYY-MM-DD`. */
export function dayBefore(day: string, days: number): string {
  return new Date(Date.parse(day) - days * dayMs).toISOString().slice(0, 10);
}

function checkDay(name: string, day: string | undefined): void {
  if (day === undefined) return;
  const isDay = /^\d{4}-\d{2}-\d{2}$/.test(day) && !Number.isNaN(Date.parse(day)) && dayBefore(day, 0) === day;
  if (!isDay || day < dayMin || day > dayMax) throw parameterInvalid(name, 'is no day YYYY-MM-DD of this century');
}

function checkRange({ from, to }: Readonly<Record<string, string>>): void {
  if (from === undefined || to === undefined) return;
  const days = (Date.parse(to) - Date.parse(from)) / dayMs + 1;
  if (days >= 1 && days <= queryLimits.daysMax) return;
  const message = days < 1 ? '"to" is before "from"' : 'these are too many days';
  throw new AnswerError(400, 'DAYS_INVALID', message, `Ask for 1 to ${queryLimits.daysMax} days.`);
}

/** The local day of a moment. */
export function localDay(nowMs: number, timeZone: string): string {
  return new Intl.DateTimeFormat('sv-SE', { timeZone, dateStyle: 'short' }).format(nowMs);
}
