import type { Ask } from './derived/read-inputs.ts';

/** Taps of one kind, or transfers of one cause, of a school's day. */
export interface DayLine {
  readonly table: 'tap' | 'transfer';
  readonly school: number;
  /** Days since 1970. */
  readonly day: number;
  /** Of taps the kind, of transfers the cause. */
  readonly number: number;
  n: number;
  /** Debited by the taps, moved by the transfers. */
  kop: number;
  /** A weighed sum of the fields that anything is derived of: what was changed in a row shows here. */
  fields: number;
}

const upTo = (column: string) =>
  `${column} <= transform(shard, {shards:Array(UInt16)}, {positions:Array(UInt64)}, toUInt64(0))`;

const lines = `
SELECT 'tap' AS table, school_id AS school, toUInt16(school_day) AS day, kind AS number, count() AS n, sum(debited_kop) AS kop,
  sum(toUnixTimestamp64Milli(at) - toInt64(toUInt16(school_day)) * 86400000 + 3 * toInt64(pupil_id) + 5 * toInt64(class_id)
    + 7 * local_minute + 11 * code + 13 * toInt64(ref) + 17 * amount_kop + 19 * flags + 23 * reader_flags + 29 * basis
    + 31 * toInt64(home_school_id) + 37 * toInt64(toInt8(clock_quality))) AS fields
FROM tap WHERE ${upTo('position')} GROUP BY school, day, number
UNION ALL
SELECT 'transfer' AS table, school_id AS school, toUInt16(school_day) AS day, cause AS number, count() AS n, sum(transfer.kop) AS kop,
  sum(3 * toInt64(pupil_id) + 5 * purse + 7 * toInt64(bitAnd(reverses, 0xFFFFFFFF))
    + 11 * toInt64(bitShiftRight(debit_account, 40)) + 13 * toInt64(bitAnd(debit_account, 0xFFFFFFFF))
    + 17 * toInt64(bitShiftRight(credit_account, 40)) + 19 * toInt64(bitAnd(credit_account, 0xFFFFFFFF))) AS fields
FROM transfer WHERE ${upTo('cause_position')} GROUP BY school, day, number`;

/** What ClickHouse holds of the shards' journals up to a position of each. */
export async function readStoredLines(ask: Ask, positions: readonly number[]): Promise<DayLine[]> {
  return await ask<DayLine>(lines, { shards: positions.map((_, shard) => shard), positions });
}
