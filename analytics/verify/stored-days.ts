import type { ClickHouseClient } from '../clickhouse/client.ts';

/** What ClickHouse holds of a school's day, counted as the journal's side is. */
export interface StoredDay {
  readonly schoolId: number;
  /** Days since 1970. */
  readonly schoolDay: number;
  /** Taps of all kinds. */
  readonly taps: number;
  /** Of them: meals, buffet and rides that were served or refused; no bounces. */
  readonly sales: number;
  /** What transfers brought the school's canteen and carrier, less what they gave back, kopecks. */
  readonly takingsKop: number;
}

const ofTheDays = 'school_day BETWEEN toDate({from_day:UInt16}) AND toDate({to_day:UInt16})';

/** A leg is [account, kopecks that it received]; accounts are owner × 2⁴⁰ + school, owner 2 the canteen, 3 the carrier. */
const storedDays = `
SELECT school_id AS schoolId, toUInt32(toUInt16(school_day)) AS schoolDay, toUInt32(sum(t)) AS taps, toUInt32(sum(s)) AS sales,
  toString(sum(k)) AS takings
FROM (
  SELECT school_id, school_day, count() AS t, countIf(kind IN (3, 4, 7) AND code != 71
    AND (code >= 40 OR (bitAnd(reader_flags, 3) != 2 AND home_school_id != 0))) AS s, toInt64(0) AS k
  FROM tap WHERE school_id IN {schools:Array(UInt32)} AND ${ofTheDays} GROUP BY school_id, school_day
  UNION ALL
  SELECT toUInt32(bitAnd(leg.1, 0xFFFFFFFF)) AS seller, school_day, toUInt64(0) AS t, toUInt64(0) AS s, sum(leg.2) AS k
  FROM transfer ARRAY JOIN [(credit_account, kop), (debit_account, -kop)] AS leg
  WHERE ${ofTheDays} AND bitShiftRight(leg.1, 40) IN (2, 3) AND seller IN {schools:Array(UInt32)}
  GROUP BY seller, school_day)
GROUP BY schoolId, schoolDay`;

export interface DaysAsked {
  /** Days since 1970, both included. */
  readonly fromDay: number;
  readonly toDay: number;
  readonly schools: readonly number[];
}

/** The days that hold anything, in no order. */
export async function readStoredDays(
  client: ClickHouseClient,
  { fromDay, toDay, schools }: DaysAsked,
): Promise<StoredDay[]> {
  const answer = await client.query({
    query: storedDays,
    query_params: { from_day: fromDay, to_day: toDay, schools },
    format: 'JSONEachRow',
  });
  const rows = await answer.json<Omit<StoredDay, 'takingsKop'> & { takings: string }>();
  return rows.map(({ takings, ...row }) => ({ ...row, takingsKop: Number(takings) }));
}
