const daysMax = 65_536;

/** Month of each day since 1970 as `toYYYYMM` gives it, e.g. 202611: the partition that ClickHouse puts a row in. */
const monthOfDay = buildMonthOfDay();

function buildMonthOfDay(): Uint32Array {
  const months = new Uint32Array(daysMax);
  const date = new Date(0);
  for (let day = 0; day < daysMax; day++) {
    months[day] = date.getUTCFullYear() * 100 + date.getUTCMonth() + 1;
    date.setUTCDate(date.getUTCDate() + 1);
  }
  return months;
}

/** Records of one month, whole. `bytes` may be a view of the input. */
export interface MonthRows {
  /** E.g. 202611. */
  readonly month: number;
  readonly rows: number;
  readonly bytes: Uint8Array;
  /** First and last school day among the rows, days since 1970. */
  readonly firstDay: number;
  readonly lastDay: number;
}

/**
 * Splits records by the month of their school day, months in ascending order, rows in their own order: the same bytes
 * always give the same parts. `dayOffset` is the offset of the u16 school day; rows of days before `firstDay` are left
 * out. One month costs no copy.
 */
export function splitByMonth(bytes: Uint8Array, recordBytes: number, dayOffset: number, firstDay = 0): MonthRows[] {
  const tallies = tallyMonths(bytes, recordBytes, dayOffset, firstDay);
  const [only] = tallies.values();
  if (tallies.size === 0 || (tallies.size === 1 && only.rows * recordBytes === bytes.byteLength))
    return [...tallies.values()].map((tally) => ({ ...tally, bytes }));
  const copies = new Map<number, { bytes: Uint8Array; used: number }>();
  for (const { month, rows } of tallies.values()) {
    copies.set(month, { bytes: new Uint8Array(rows * recordBytes), used: 0 });
  }
  for (let start = 0; start < bytes.byteLength; start += recordBytes) {
    const day = dayAt(bytes, start + dayOffset);
    if (day < firstDay) continue;
    const copy = copies.get(monthOfDay[day])!;
    copy.bytes.set(bytes.subarray(start, start + recordBytes), copy.used);
    copy.used += recordBytes;
  }
  const ordered = [...tallies.values()].sort((left, right) => left.month - right.month);
  return ordered.map((tally) => ({ ...tally, bytes: copies.get(tally.month)!.bytes }));
}

interface Tally {
  month: number;
  rows: number;
  firstDay: number;
  lastDay: number;
}

function tallyMonths(bytes: Uint8Array, recordBytes: number, dayOffset: number, firstDay: number): Map<number, Tally> {
  const tallies = new Map<number, Tally>();
  let last: Tally | undefined;
  for (let start = dayOffset; start < bytes.byteLength; start += recordBytes) {
    const day = dayAt(bytes, start);
    if (day < firstDay) continue;
    const month = monthOfDay[day];
    if (last?.month !== month) {
      last = tallies.get(month) ?? { month, rows: 0, firstDay: day, lastDay: day };
      tallies.set(month, last);
    }
    last.rows += 1;
    if (day < last.firstDay) last.firstDay = day;
    if (day > last.lastDay) last.lastDay = day;
  }
  return tallies;
}

function dayAt(bytes: Uint8Array, offset: number): number {
  return bytes[offset] + bytes[offset + 1] * 256;
}
