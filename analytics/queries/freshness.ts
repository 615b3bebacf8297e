import type { ClickHouseClient } from '../clickhouse/client.ts';

/** How far what is derived of some schools and days is. */
export interface Freshness {
  /** Changes whenever one of the days is derived anew. */
  readonly revision: string;
  /** When the newest of them was derived, ISO 8601; null where nothing is. */
  readonly asOf: string | null;
  /** School days that are derived. */
  readonly schoolDays: number;
  /** Percent of the time between doors and bell + 30 min that the gates were alive; null without a gate or a day. */
  readonly coveragePct: number | null;
}

// A day's own revisions grow, one day's need not be above another's (a clock that was put back): their sum tells every change.
const sql = `
SELECT concat(toString(max(d.revision)), '-', toString(sum(d.revision))) AS revision, toUnixTimestamp64Milli(max(h.at)) AS at_ms, count() AS school_days,
  if(sum(d.due_ms) = 0, NULL, round(100 * sum(d.alive_ms) / sum(d.due_ms), 2)) AS coverage_pct
FROM v_school_day AS d INNER JOIN v_derive_head AS h USING (school_id, school_day)
WHERE d.school_id IN {schools:Array(UInt32)} AND d.school_day BETWEEN {from:Date} AND {to:Date}`;

/** Asks how fresh schools' days, `YYYY-MM-DD`, both included, are. */
export async function readFreshness(
  client: ClickHouseClient,
  { schools, from, to }: { readonly schools: readonly number[]; readonly from: string; readonly to: string },
): Promise<Freshness> {
  const answer = await client.query({
    query: sql,
    query_params: { schools: [...schools], from, to },
    format: 'JSONEachRow',
    clickhouse_settings: { output_format_json_quote_64bit_integers: 0 },
  });
  const [row] = await answer.json<{
    revision: string;
    at_ms: number;
    school_days: number;
    coverage_pct: number | null;
  }>();
  return {
    revision: row.revision,
    asOf: row.school_days === 0 ? null : new Date(row.at_ms).toISOString(),
    schoolDays: row.school_days,
    coveragePct: row.coverage_pct,
  };
}
