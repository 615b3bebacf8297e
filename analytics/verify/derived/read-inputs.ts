import { isRefusal } from './money.ts';
import { type DayInputs, type Elsewhere, type GateRow, placeKey, type PupilRow, refusalKey } from './rows.ts';
import type { TapRow, TransferRow } from './rows.ts';

/** Asks ClickHouse; `schools` and `day` (days since 1970) are among the parameters of each question. */
export type Ask = <T>(query: string, parameters?: Record<string, unknown>) => Promise<T[]>;

/** What is published of a school's day. */
export interface Head {
  readonly school: number;
  readonly revision: number;
  /** As of when it was derived, by the service's clock; and when it was stored, by the machine's; 0: not known any more. */
  readonly asOf: number;
  readonly storedAt: number;
}

const ofTheDay = 'school_id IN {schools:Array(UInt32)} AND school_day = toDate({day:UInt16})';
const ms = (column: string) => `toUnixTimestamp64Milli(${column})`;
/** Beats of the last moments before a derivation may not have been there for its first statement. */
const beatsSettleMs = 30_000;

export const headsOfDay = `
SELECT head.school_id AS school, head.revision AS revision, ${ms('head.at')} AS asOf, 1000 * toInt64(toUnixTimestamp(log.stored_at)) AS storedAt
FROM (SELECT * FROM v_derive_head WHERE ${ofTheDay}) AS head
LEFT JOIN (SELECT school_id, revision, stored_at FROM derive_log WHERE ${ofTheDay}) AS log
  ON head.school_id = log.school_id AND head.revision = log.revision
ORDER BY school`;

const tapColumns = `school_id AS school, toUInt16(school_day) AS day, shard, position, ${ms('tap.at')} AS at, pupil_id AS pupil,
  class_id AS class, kind, code, reader_flags AS deed, flags, toUInt8(clock_quality = 'D') AS doubtful, local_minute AS minute,
  ref AS item, amount_kop AS kop, basis AS window`;
const transferColumns = `transfer_id AS id, school_id AS school, toUInt16(school_day) AS day, shard, cause_position AS position,
  pupil_id AS pupil, cause, purse, kop, reverses, toUInt8(bitShiftRight(credit_account, 40) = 3) AS isFare`;

const tapsOfDay = `SELECT ${tapColumns} FROM tap WHERE ${ofTheDay} AND kind IN (1, 2, 3, 4, 7) ORDER BY shard, position`;
const transfersOfDay = `SELECT ${transferColumns} FROM transfer WHERE ${ofTheDay} AND cause IN (1, 4, 7)`;
const reversalsSince = `SELECT reverses AS id FROM transfer
WHERE school_id IN {schools:Array(UInt32)} AND school_day >= toDate({day:UInt16}) AND cause = 4`;
const transfersById = `SELECT ${transferColumns} FROM transfer WHERE transfer_id IN {ids:Array(UInt64)}`;
const salesOfDays = `SELECT ${tapColumns} FROM tap
WHERE school_id IN {schools:Array(UInt32)} AND toUInt16(school_day) IN {days:Array(UInt16)} AND kind IN (3, 4, 7)
ORDER BY shard, position`;
const freezes = `SELECT school_id AS school, max(revision) AS revision FROM roster_day WHERE ${ofTheDay} GROUP BY school`;
const rosterOfDay = `SELECT school_id AS school, pupil_id AS pupil, class_id AS class, shift, ${ms('doors_at')} AS doors,
  ${ms('bell_at')} AS bell, ${ms('end_at')} AS end, entitled, excused, revision
FROM roster_day FINAL WHERE ${ofTheDay}`;
const calendarOfDay = `SELECT school_id AS school, max(revision) AS newest, argMax(is_open, revision) AS isOpen
FROM calendar_day WHERE ${ofTheDay} GROUP BY school`;
const districts = `SELECT school_id AS school, district_id AS district FROM dim_school FINAL WHERE school_id IN {schools:Array(UInt32)}`;
const gatesInUse = `SELECT school_id AS school, reader_id AS reader FROM dim_reader FINAL
WHERE school_id IN {schools:Array(UInt32)} AND revoked = 0 AND bitAnd(kinds_mask, 6) != 0`;
const beatsOfDay = `SELECT school_id AS school, reader_id AS reader, arraySort(groupArray((${ms('reader_beat.at')},
  1000 * toInt64(toUnixTimestamp(stored_at))))) AS heard
FROM reader_beat WHERE school_id IN {schools:Array(UInt32)} AND event != 'closed'
  AND at BETWEEN fromUnixTimestamp64Milli({from_ms:Int64}) AND fromUnixTimestamp64Milli({to_ms:Int64})
GROUP BY school, reader`;

type Counted<T> = T & { readonly revision: number };

/** Everything that these schools' day is derived of; `heads` are what was published of it. */
export async function readInputs(ask: Ask, day: number, heads: readonly Head[]): Promise<DayInputs[]> {
  const of = { schools: heads.map(({ school }) => school), day };
  const [taps, transfers, reversals, freezeRows, rosterRows, calendar, districtRows] = await Promise.all([
    ask<TapRow>(tapsOfDay, of),
    ask<TransferRow>(transfersOfDay, of),
    ask<{ id: number }>(reversalsSince, of),
    ask<{ school: number; revision: number }>(freezes, of),
    ask<Counted<PupilRow>>(rosterOfDay, of),
    ask<{ school: number; newest: number; isOpen: number }>(calendarOfDay, of),
    ask<{ school: number; district: number }>(districts, of),
  ]);
  const takenBack = new Set(reversals.map(({ id }) => id));
  const elsewhere = await readElsewhere(ask, of, { taps, transfers, takenBack });
  const gates = await readGates(ask, of.schools, rosterRows, heads);
  const [tapsOf, transfersOf] = [bySchool(taps), bySchool(transfers)];
  const [pupilsOf, gatesOf] = [bySchool(rosterRows), bySchool(gates)];
  return heads.map(({ school, asOf }) => {
    const line = calendar.find((row) => row.school === school);
    const frozen = freezeRows.find((row) => row.school === school)?.revision ?? 0;
    // A line of the calendar that is above the roster's rows had none: nobody is expected.
    const rosterRevision = Math.max(frozen, line?.newest ?? 0);
    return {
      school,
      day,
      asOf,
      taps: tapsOf.get(school) ?? [],
      transfers: transfersOf.get(school) ?? [],
      pupils: (pupilsOf.get(school) ?? []).filter(({ revision }) => revision === rosterRevision),
      gates: gatesOf.get(school) ?? [],
      isClosed: line?.isOpen === 0,
      district: districtRows.find((row) => row.school === school)?.district ?? 0,
      rosterRevision,
      calendarRevision: line?.newest ?? 0,
      elsewhere,
    };
  });
}

/** Sales that the day's reversals take back may be of other days; so are their taps. */
async function readElsewhere(
  ask: Ask,
  of: { schools: number[]; day: number },
  own: { taps: readonly TapRow[]; transfers: readonly TransferRow[]; takenBack: ReadonlySet<number> },
): Promise<Elsewhere> {
  const ids = own.transfers.filter(({ cause }) => cause === 4).map(({ reverses }) => reverses);
  const sales = ids.length === 0 ? [] : await ask<TransferRow>(transfersById, { ids });
  const days = [...new Set(sales.map(({ day }) => day))].filter((day) => day !== of.day);
  const others = days.length === 0 ? [] : await ask<TapRow>(salesOfDays, { schools: of.schools, days });
  const taps = new Map<string, TapRow>();
  const refusals = new Map<string, TapRow[]>();
  for (const tap of [...own.taps, ...others]) {
    if (tap.kind < 3) continue;
    if (tap.code < 60) taps.set(placeKey(tap.shard, tap.position), tap);
    if (!isRefusal(tap)) continue;
    const key = refusalKey({ ...tap, isFare: tap.kind === 7 });
    refusals.set(key, [...(refusals.get(key) ?? []), tap]);
  }
  return { sales: new Map(sales.map((sale) => [sale.id, sale])), taps, refusals, takenBack: own.takenBack };
}

async function readGates(
  ask: Ask,
  schools: number[],
  pupils: readonly PupilRow[],
  heads: readonly Head[],
): Promise<GateRow[]> {
  const from_ms = pupils.reduce((min, { doors }) => Math.min(min, doors), Number.MAX_SAFE_INTEGER) - 90_000;
  const to_ms = pupils.reduce((max, { bell }) => Math.max(max, bell), 0) + 1_800_000;
  const [gates, beats] = await Promise.all([
    ask<{ school: number; reader: number }>(gatesInUse, { schools }),
    pupils.length === 0
      ? []
      : ask<{ school: number; reader: number; heard: [number, number][] }>(beatsOfDay, { schools, from_ms, to_ms }),
  ]);
  const heardBy = new Map(beats.map(({ school, reader, heard }) => [`${school}:${reader}`, heard]));
  const storedAt = new Map(heads.map((head) => [head.school, head.storedAt]));
  return gates.map(({ school, reader }) => {
    const heard = heardBy.get(`${school}:${reader}`) ?? [];
    const before = heard.filter(([, at]) => at <= storedAt.get(school)! - beatsSettleMs);
    return { school, reader, heard: heard.map(([at]) => at), heardBefore: before.map(([at]) => at) };
  });
}

function bySchool<T extends { readonly school: number }>(rows: readonly T[]): Map<number, T[]> {
  const map = new Map<number, T[]>();
  for (const row of rows) {
    const own = map.get(row.school);
    if (own === undefined) map.set(row.school, [row]);
    else own.push(row);
  }
  return map;
}
