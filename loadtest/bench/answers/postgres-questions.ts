import type { Cell } from '../../../analytics/queries/columns.ts';
import type { Question, Scope, Window } from './questions.ts';

/** One of the questions that PostgreSQL answers as well, from taps, transfers, rosters and the calendar. */
export interface PostgresQuestion {
  readonly name: string;
  readonly window: Window;
  readonly scope: Scope;
  /** Columns of the named query, in the order in which the SQL gives them. */
  readonly columns: readonly string[];
  /** Takes its values from `valuesOf`. */
  readonly sql: string;
  readonly values: readonly ('schools' | 'day' | 'from' | 'to' | 'pupil' | 'now' | 'limit')[];
}

const schools = 'school_id = ANY($1)';
const throughTheGate = `kind IN (1, 2) AND pupil_id <> 0 AND code <> 71 AND (reader_flags & 1 <> 0
      OR (reader_flags & 2 = 0 AND (code BETWEEN 10 AND 39 OR (kind = 2 AND code BETWEEN 40 AND 45))))`;

/** Each pupil of the roster on each of the days: expected, arrived, late. */
const pupils = (days: string) => `
  passed AS (
    SELECT school_id, school_day, pupil_id, min(at) FILTER (WHERE kind = 1) AS first_in,
      min(at) FILTER (WHERE kind = 1 AND clock_quality = 3) AS first_doubtful
    FROM tap WHERE ${schools} AND ${days} AND ${throughTheGate}
    GROUP BY school_id, school_day, pupil_id),
  pupils AS (
    SELECT r.school_id, r.school_day, r.class_id, r.pupil_id, r.bell_at, r.end_at, r.excused, NOT c.is_open AS is_closed,
      c.is_open AND (p.pupil_id IS NOT NULL OR NOT r.excused) AS is_expected,
      c.is_open AND p.first_in IS NOT NULL AS is_arrived,
      c.is_open AND NOT r.excused AND p.first_in > r.bell_at AND p.first_doubtful IS DISTINCT FROM p.first_in AS is_late
    FROM roster_day AS r JOIN calendar_day AS c USING (school_id, school_day)
    LEFT JOIN passed AS p USING (school_id, school_day, pupil_id)
    WHERE r.${schools} AND r.${days})`;

const count = (condition: string) => `(count(*) FILTER (WHERE ${condition}))::int`;
const percent = (part: string, whole: string) => `round(100.0 * ${part} / nullif(${whole}, 0), 2)::float8`;
const dayText = (day: string) => `to_char(${day}, 'YYYY-MM-DD')`;
const kindText = `(ARRAY['gate-in', 'gate-out', 'meal', 'buffet', 'locker-open', 'locker-close', 'fare'])[kind]`;

const sums = `${count('is_expected')} AS expected, ${count('is_arrived')} AS arrived, ${count('is_late')} AS late`;
const dayAndWeekBefore = 'school_day IN ($2::date, $2::date - 7)';
const daysAndWeekBefore = 'school_day BETWEEN $2::date - 7 AND $3::date';
const days = 'school_day BETWEEN $2::date AND $3::date';

const overview: PostgresQuestion = {
  name: 'overview_today',
  window: 'day',
  scope: 'region',
  columns: ['expected', 'arrived', 'late', 'pct', 'pct_prev_week'],
  values: ['schools', 'day'],
  sql: `WITH ${pupils(dayAndWeekBefore)}, days AS (SELECT school_day, ${sums} FROM pupils GROUP BY school_day)
    SELECT n.expected, n.arrived, n.late, ${percent('n.arrived', 'n.expected')}, ${percent('b.arrived', 'b.expected')}
    FROM days AS n LEFT JOIN days AS b ON b.school_day = n.school_day - 7 WHERE n.school_day = $2::date`,
};

const schoolCompare: PostgresQuestion = {
  name: 'school_compare',
  window: 'day',
  scope: 'region',
  columns: ['school_id', 'expected', 'arrived', 'late', 'pct', 'pct_prev_week', 'deviation_pp'],
  values: ['schools', 'day'],
  sql: `WITH ${pupils(dayAndWeekBefore)},
    schools AS (SELECT school_id, school_day, ${sums} FROM pupils GROUP BY school_id, school_day)
    SELECT n.school_id, n.expected, n.arrived, n.late, ${percent('n.arrived', 'n.expected')}, ${percent('b.arrived', 'b.expected')},
      ${percent('n.arrived', 'n.expected')} - ${percent('sum(n.arrived) OVER ()', 'sum(n.expected) OVER ()')}
    FROM schools AS n LEFT JOIN schools AS b ON b.school_id = n.school_id AND b.school_day = n.school_day - 7
    WHERE n.school_day = $2::date ORDER BY n.school_id`,
};

const attendanceDaily: PostgresQuestion = {
  name: 'attendance_daily',
  window: '28 days',
  scope: 'region',
  columns: ['school_day', 'expected', 'arrived', 'late', 'pct', 'pct_prev_week'],
  values: ['schools', 'from', 'to'],
  sql: `WITH ${pupils(daysAndWeekBefore)}, days AS (SELECT school_day, ${sums} FROM pupils GROUP BY school_day)
    SELECT ${dayText('n.school_day')}, n.expected, n.arrived, n.late, ${percent('n.arrived', 'n.expected')},
      ${percent('b.arrived', 'b.expected')}
    FROM days AS n LEFT JOIN days AS b ON b.school_day = n.school_day - 7 WHERE n.${days} ORDER BY n.school_day`,
};

const attendanceHeat: PostgresQuestion = {
  name: 'attendance_heat',
  window: 'year',
  scope: 'region',
  columns: ['school_id', 'school_day', 'expected', 'arrived', 'is_closed'],
  values: ['schools', 'from', 'to'],
  sql: `WITH ${pupils(days)}
    SELECT school_id, ${dayText('school_day')}, ${count('is_expected')}, ${count('is_arrived')}, bool_or(is_closed)
    FROM pupils GROUP BY school_id, school_day ORDER BY school_id, school_day`,
};

const notArrived: PostgresQuestion = {
  name: 'not_arrived',
  window: 'day',
  scope: 'school',
  columns: ['school_id', 'class_id', 'pupil_id', 'bell_at', 'minutes_past_bell'],
  values: ['schools', 'day', 'now'],
  sql: `WITH ${pupils('school_day = $2::date')}
    SELECT school_id, class_id, pupil_id, bell_at, floor(extract(epoch FROM least($3::timestamptz, end_at) - bell_at) / 60)::int
    FROM pupils WHERE is_expected AND NOT is_arrived AND NOT excused AND bell_at <= $3::timestamptz
    ORDER BY school_id, class_id, pupil_id`,
};

const presence: PostgresQuestion = {
  name: 'presence_5m',
  window: 'day',
  scope: 'region',
  columns: ['slot', 'inside'],
  values: ['schools', 'day'],
  sql: `WITH
    passages AS (
      SELECT school_id, local_minute / 5 AS slot, (kind = 1)::int
        - (coalesce(lag(kind) OVER (PARTITION BY school_id, pupil_id ORDER BY at, kind), 2) = 1)::int AS change
      FROM tap WHERE ${schools} AND school_day = $2::date AND ${throughTheGate}),
    changes AS (SELECT school_id, slot, sum(change) AS change FROM passages WHERE change <> 0 GROUP BY school_id, slot),
    spans AS (SELECT school_id, generate_series(min(slot), max(slot)) AS slot FROM changes GROUP BY school_id),
    insides AS (
      SELECT slot, greatest(0, sum(coalesce(change, 0)) OVER (PARTITION BY school_id ORDER BY slot)) AS inside
      FROM spans LEFT JOIN changes USING (school_id, slot))
    SELECT slot, sum(inside)::int FROM insides GROUP BY slot ORDER BY slot`,
};

/** Sales and what was taken back, each by the tap behind the sale. */
const sold = (when: string) => `
  moved AS (
    SELECT school_day, school_day AS sold_on, school_id, shard, cause_position, purse, kop, 1 AS sign
    FROM transfer WHERE ${schools} AND ${when} AND cause = 1
    UNION ALL
    SELECT b.school_day, s.school_day, s.school_id, s.shard, s.cause_position, s.purse, s.kop, -1
    FROM transfer AS b JOIN transfer AS s ON s.transfer_id = b.reverses
    WHERE b.${schools} AND b.${when} AND b.cause = 4),
  sales AS (
    SELECT m.school_day, t.kind, t.ref, m.purse, m.sign, m.sign * m.kop AS kop
    FROM moved AS m JOIN tap AS t ON t.shard = m.shard AND t.position = m.cause_position
      AND t.school_id = m.school_id AND t.school_day = m.sold_on)`;

const spendDaily: PostgresQuestion = {
  name: 'spend_daily',
  window: '28 days',
  scope: 'region',
  columns: ['school_day', 'kind', 'purse', 'n', 'kop', 'prev_week_kop'],
  values: ['schools', 'from', 'to'],
  sql: `WITH ${sold(daysAndWeekBefore)},
    days AS (SELECT school_day, kind, purse, sum(sign)::int AS n, sum(kop)::float8 AS kop FROM sales GROUP BY school_day, kind, purse)
    SELECT ${dayText('d.school_day')}, ${kindText.replace('[kind]', '[d.kind]')},
      (ARRAY['entitlement', 'meal', 'buffet', 'transport', 'services'])[d.purse + 1], d.n, d.kop,
      CASE WHEN EXISTS (SELECT FROM calendar_day AS c WHERE c.${schools} AND c.school_day = d.school_day - 7) THEN coalesce(b.kop, 0) END
    FROM days AS d LEFT JOIN days AS b ON b.school_day = d.school_day - 7 AND b.kind = d.kind AND b.purse = d.purse
    WHERE d.${days} ORDER BY d.school_day, d.kind, d.purse`,
};

const topItems: PostgresQuestion = {
  name: 'top_items',
  window: '28 days',
  scope: 'region',
  columns: ['kind', 'item_id', 'n', 'kop', 'pct'],
  values: ['schools', 'from', 'to', 'limit'],
  sql: `WITH ${sold(days)},
    items AS (SELECT kind, ref, sum(sign)::int AS n, sum(kop) AS kop FROM sales GROUP BY kind, ref)
    SELECT ${kindText}, ref, n, kop::float8, ${percent('kop', 'sum(kop) OVER (PARTITION BY kind)')}
    FROM items ORDER BY kop DESC, kind, ref LIMIT $4`,
};

const refusals: PostgresQuestion = {
  name: 'refusals',
  window: '28 days',
  scope: 'region',
  columns: ['kind', 'code', 'n', 'distinct_pupils'],
  values: ['schools', 'from', 'to'],
  sql: `SELECT ${kindText}, code, count(*)::int, (count(DISTINCT pupil_id) FILTER (WHERE pupil_id <> 0))::int
    FROM tap WHERE ${schools} AND ${days} AND code >= 40 AND code BETWEEN 40 AND 54 AND reader_flags & 1 = 0
      AND NOT (kind = 2 AND code <= 45 AND reader_flags & 2 = 0)
    GROUP BY kind, code ORDER BY kind, code`,
};

const pupilTimeline: PostgresQuestion = {
  name: 'pupil_timeline',
  window: 'year',
  scope: 'school',
  columns: ['at', 'received_at', 'school_day', 'reader_id', 'kind', 'code', 'amount_kop', 'debited_kop', 'seq'],
  values: ['schools', 'from', 'to', 'pupil'],
  sql: `SELECT at, received_at, ${dayText('school_day')}, reader_id, ${kindText}, code, amount_kop::float8, debited_kop::float8, seq
    FROM tap WHERE ${schools} AND ${days} AND pupil_id = $4 ORDER BY at, reader_id, boot_epoch, seq`,
};

export const postgresQuestions: readonly PostgresQuestion[] = [
  overview,
  schoolCompare,
  attendanceDaily,
  attendanceHeat,
  notArrived,
  presence,
  spendDaily,
  topItems,
  refusals,
  pupilTimeline,
];

/** What is bound to the SQL: the same as the named query was asked with. */
export function valuesOf({ values }: PostgresQuestion, { asked }: Question): unknown[] {
  const { schools: ids, nowMs, parameters } = asked;
  const known: Record<string, unknown> = { ...parameters, schools: ids, now: new Date(nowMs).toISOString() };
  return values.map((name) => known[name]);
}

/** Percentages are rounded by two engines in two ways, and a difference of two of them twice. */
const roundingMax = 0.021;

function isSameCell(a: Cell, b: Cell): boolean {
  if (typeof a !== 'number' || typeof b !== 'number') return a === b;
  return Number.isInteger(a) && Number.isInteger(b) ? a === b : Math.abs(a - b) <= roundingMax;
}

/** The first difference between two answers, in words; undefined where there is none. */
export function differenceOf(
  left: readonly (readonly Cell[])[],
  right: readonly (readonly Cell[])[],
): string | undefined {
  if (left.length !== right.length) return `${left.length} rows and ${right.length}`;
  for (const [place, row] of left.entries()) {
    const other = right[place];
    const column = row.findIndex((cell, index) => !isSameCell(cell, other[index]));
    if (column >= 0) return `row ${place + 1}, column ${column + 1}: ${row[column]} and ${other[column]}`;
  }
  return undefined;
}
