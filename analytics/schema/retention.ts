import type { ClickHouseClient } from '../clickhouse/client.ts';
import type { ClusterPlace } from './cluster.ts';
import { quoteName } from './quoting.ts';

/** How long a table keeps its rows; `days` undefined: for good. */
export interface Retention {
  readonly table: string;
  readonly days: number | undefined;
  /** The day or the moment that the days are counted from. */
  readonly column?: string;
  /** Rows that it is about, where not all; as the server writes it. */
  readonly only?: string;
  readonly why: string;
}

/** What every table keeps. */
export const retentions: readonly Retention[] = [
  // The operator may say less: `--tap-retention-days`.
  { table: 'tap', days: undefined, column: 'school_day', why: 'the evidence of attendance; the journal has it too' },
  {
    table: 'transfer',
    days: undefined,
    why: 'money: a reversal names a transfer of any day, and balances are their sum',
  },
  { table: 'dim_school', days: undefined, why: 'one row a school' },
  { table: 'dim_class', days: undefined, why: 'one row a class' },
  { table: 'dim_reader', days: undefined, why: 'one row a reader' },
  { table: 'calendar_day', days: undefined, why: 'what a day was; older days are compared with' },
  { table: 'roster_day', days: undefined, why: 'who was expected: without it no day can be derived again' },
  { table: 'reader_beat', days: 90, column: 'stored_at', why: 'many; the coverage that they gave stays published' },
  {
    table: 'derive_log',
    days: 90,
    column: 'stored_at',
    only: 'toDate(at) <= (school_day + 1)',
    why: 'a running day is derived every few seconds; what changed a day afterwards is kept for good',
  },
  ...['derive_head', 'student_day', 'coverage_day', 'presence_5m', 'spend_day', 'entitlement_day', 'district_day'].map(
    (table) => ({ table, days: undefined, why: 'what was published: a year is compared with the year before' }),
  ),
  { table: 'tap_minute', days: 400, column: 'minute', why: 'telemetry: a year, so that a day can be compared' },
  { table: 'reader_minute', days: 400, column: 'minute', why: 'telemetry: a year, so that a day can be compared' },
  { table: 'reader_newest', days: undefined, why: 'one row a reader' },
];

/** Taps are kept at least so long, so that a day can be compared with that of the year before. */
export const tapRetentionDaysMin = 400;

const dayMs = 86_400_000;
/** The server drops by its own clock and in its own zone: what is about to go counts as gone. */
const marginDays = 2;

/** The first school day, days since 1970, of which every tap is kept. */
export function firstDayKept(tapDaysKept: number | undefined, nowMs = Date.now()): number {
  return tapDaysKept === undefined ? 0 : Math.max(0, Math.floor(nowMs / dayMs) - tapDaysKept + 1 + marginDays);
}

export interface RetentionOptions {
  readonly place: ClusterPlace | undefined;
  /** 0 for good; undefined leaves it as it is. */
  readonly tapRetentionDays: number | undefined;
}

/** Brings each table that is there to what is declared, where it differs; gives the days that taps are kept. */
export async function applyRetention(client: ClickHouseClient, options: RetentionOptions): Promise<number | undefined> {
  const { place, tapRetentionDays } = options;
  const suffix = place === undefined ? '' : '_local';
  const found = await storedRetentions(client);
  for (const retention of retentions) {
    const name = `${retention.table}${suffix}`;
    const stored = found.get(name);
    const isTap = retention.table === 'tap';
    if (stored === undefined || (isTap && tapRetentionDays === undefined)) continue;
    const wanted = expressionOf(isTap ? { ...retention, days: tapRetentionDays || undefined } : retention);
    if (stored === wanted) continue;
    const table = place === undefined ? name : `${name} ON CLUSTER ${quoteName(place.cluster)}`;
    // A part goes whole, when all its rows are due: nothing is rewritten for it.
    if (wanted !== '') await client.command({ query: `ALTER TABLE ${table} MODIFY SETTING ttl_only_drop_parts = 1` });
    await client.command({ query: `ALTER TABLE ${table} ${wanted === '' ? 'REMOVE TTL' : `MODIFY TTL ${wanted}`}` });
    found.set(name, wanted);
  }
  return daysOf(found.get(`tap${suffix}`));
}

/** Days that taps are kept as the database has it; undefined: for good. */
export async function tapDaysKept(client: ClickHouseClient): Promise<number | undefined> {
  const found = await storedRetentions(client);
  return daysOf(found.get('tap_local') ?? found.get('tap'));
}

function expressionOf({ days, column, only }: Retention): string {
  if (days === undefined) return '';
  return `${column} + toIntervalDay(${days})${only === undefined ? '' : ` WHERE ${only}`}`;
}

function daysOf(expression: string | undefined): number | undefined {
  const days = /toIntervalDay\((\d+)\)/.exec(expression ?? '')?.[1];
  return days === undefined ? undefined : Number(days);
}

/** The TTL of each table, '' for none. */
async function storedRetentions(client: ClickHouseClient): Promise<Map<string, string>> {
  const query = `SELECT name, extract(engine_full, ' TTL (.*?)(?: SETTINGS |$)') AS expression
    FROM system.tables WHERE database = currentDatabase() AND endsWith(engine, 'MergeTree')`;
  const rows = await (
    await client.query({ query, format: 'JSONEachRow' })
  ).json<{ name: string; expression: string }>();
  return new Map(rows.map(({ name, expression }) => [name, expression]));
}
