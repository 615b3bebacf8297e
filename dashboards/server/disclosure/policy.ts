import type { NamedQuery } from '../../../analytics/queries/define.ts';

/** How an answer is told to those who see groups only. */
export interface Policy {
  /** Columns that name the group of a row, and its day. */
  readonly school: string | undefined;
  readonly class: string | undefined;
  readonly day: string | undefined;
  readonly measures: readonly string[];
  readonly size: string | undefined;
  readonly within: readonly string[] | undefined;
  /** Its rows or its filter are single readers, which are a school's: hidden schools are not asked at all. */
  readonly isByReader: boolean;
}

/** Columns of queries about machines and rows that count what pupils did all the same. */
const deeds = new Set(
  ['n', 'kop', 'taps', 'refused', 'offline', 'late', 'entries', 'exits', 'inside', 'inside_change'].concat(
    ['journal', 'ledger', 'clickhouse', 'difference'].flatMap((of) => [`${of}_n`, `${of}_kop`]),
  ),
);

/** How a query's answers are told of groups; undefined where they are about no pupils. */
export function policyOf({ columns, parameters, disclosure }: NamedQuery): Policy | undefined {
  const isByReader = 'reader_id' in columns || 'reader' in parameters.shape;
  const named = (name: string) => (name in columns ? name : undefined);
  if (disclosure.about === 'groups') {
    const { schoolColumn, classColumn, dayColumn, measures, sizeColumn: size, within } = disclosure;
    return { school: schoolColumn, class: classColumn, day: dayColumn, measures, size, within, isByReader };
  }
  const measures = Object.keys(columns).filter((name) => deeds.has(name));
  if (disclosure.about === 'pupils' || measures.length === 0) return undefined;
  const school = isByReader ? undefined : named('school_id');
  return {
    school,
    class: undefined,
    day: named('school_day'),
    measures,
    size: undefined,
    within: undefined,
    isByReader,
  };
}

const weekDays = 7;
/** Queries that look further back than a week. */
const lookBack: Readonly<Record<string, number>> = { arrival_curve: 28, portion_forecast: 28 };

/** Days before the first one asked for whose figures an answer tells as well. */
export function lookBackDays({ name, columns }: NamedQuery): number {
  const tellsWeekBefore = Object.keys(columns).some((column) => /prev_week|diff_pp/.test(column));
  return lookBack[name] ?? (tellsWeekBefore ? weekDays : 0);
}
