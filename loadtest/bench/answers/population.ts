import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'csv-parse/sync';
import type { ClickHouseClient } from '../../../analytics/clickhouse/client.ts';
import { defaults } from '../../region/defaults.ts';

type Row = Readonly<Record<string, string>>;

export interface FillSchool {
  readonly school_id: number;
  readonly district_id: number;
  readonly tz: string;
}

export interface FillClass {
  readonly class_id: number;
  readonly school_id: number;
  readonly name: string;
  readonly shift: number;
}

export interface FillReader {
  readonly reader_id: number;
  readonly school_id: number;
  readonly place: string;
  /** Bit k: takes taps of kind k. */
  readonly kinds_mask: number;
}

/** A pupil with what the fill needs to know; minutes are those of the local day. */
export interface FillPupil {
  readonly place: number;
  readonly pupil_id: number;
  readonly class_id: number;
  readonly shift: number;
  readonly entitled: boolean;
  readonly uid: string;
  readonly doors_minute: number;
  readonly bell_minute: number;
  readonly end_minute: number;
}

/** Whom a history is about: those of the region that the service has. */
export interface Population {
  readonly schools: readonly FillSchool[];
  readonly classes: readonly FillClass[];
  readonly readers: readonly FillReader[];
  readonly pupils: readonly FillPupil[];
}

const kindBits: Readonly<Record<string, number>> = {
  'gate-in': 1 << 1,
  'gate-out': 1 << 2,
  meal: 1 << 3,
  buffet: 1 << 4,
  'locker-open': 1 << 5,
  'locker-close': 1 << 6,
  fare: 1 << 7,
};

/** Reads a region's import files. */
export function readPopulation(region: string): Population {
  const rows = (name: string) => parse<Row>(readFileSync(join(region, `${name}.csv`)), { columns: true });
  const numbers = (row: Row, ...names: string[]) => names.map((name) => Number(row[name]));
  const classes = rows('classes').map((row) => {
    const [class_id, school_id, shift] = numbers(row, 'class_id', 'school_id', 'shift');
    return { class_id, school_id, shift, name: row['name'] };
  });
  const schools = rows('schools').map((row) => {
    const [school_id, district_id] = numbers(row, 'school_id', 'district_id');
    return { school_id, district_id, tz: row['tz'] };
  });
  const readers = rows('readers').map((row) => {
    const [reader_id, school_id] = numbers(row, 'reader_id', 'school_id');
    const kinds_mask = row['kinds'].split(' ').reduce((mask, kind) => mask | kindBits[kind], 0);
    return { reader_id, school_id, place: row['place'], kinds_mask };
  });
  return { schools, classes, readers, pupils: readPupils(rows, classes) };
}

function readPupils(rows: (name: string) => Row[], classes: readonly FillClass[]): FillPupil[] {
  const bells = new Map(rows('bells').map((row) => [`${row['school_id']}:${row['shift']}`, row]));
  const cards = new Map(rows('cards').map((row) => [row['pupil_id'], row['card_uid']]));
  const classOf = new Map(classes.map((one) => [one.class_id, one]));
  return rows('pupils').map((row, place) => {
    const { class_id, school_id, shift } = classOf.get(Number(row['class_id']))!;
    const bell = bells.get(`${school_id}:${shift}`)!;
    const bell_minute = minuteOf(bell['first']);
    return {
      place,
      pupil_id: Number(row['pupil_id']),
      class_id,
      shift,
      entitled: row['entitled'] === '1',
      uid: cards.get(row['pupil_id']) ?? '',
      doors_minute: bell_minute - defaults.doorsBeforeBellMinutes,
      bell_minute,
      end_minute: minuteOf(bell['last']),
    };
  });
}

function minuteOf(time: string): number {
  const [hours, minutes] = time.split(':').map(Number);
  return hours * 60 + minutes;
}

/** Minutes east of Greenwich; zones of the region have no summer time. */
function offsetMinutes(tz: string, atMs: number): number {
  const parts = new Intl.DateTimeFormat('en-US', { timeZone: tz, timeZoneName: 'longOffset' }).formatToParts(atMs);
  const text = parts.find(({ type }) => type === 'timeZoneName')?.value ?? '';
  const [, sign, hours, minutes] = /GMT(?:([+-])(\d\d):(\d\d))?/.exec(text) ?? [];
  return sign === undefined ? 0 : (sign === '-' ? -1 : 1) * (Number(hours) * 60 + Number(minutes));
}

const scratch = [
  'CREATE DATABASE IF NOT EXISTS bench',
  `CREATE OR REPLACE TABLE bench.school
    (school_id UInt32, district_id UInt32, offset_minutes Int32, bell_minute UInt16, last_bell_minute UInt16,
     gates Array(UInt32), tills Array(UInt32), lockers Array(UInt32), buses Array(UInt32))
    ENGINE = MergeTree ORDER BY school_id`,
  `CREATE OR REPLACE TABLE bench.pupil
    (place UInt32, pupil_id UInt32, class_id UInt32, school_id UInt32, shift UInt8, entitled UInt8, uid String,
     doors_minute UInt16, bell_minute UInt16, end_minute UInt16) ENGINE = MergeTree ORDER BY pupil_id`,
  `CREATE OR REPLACE TABLE bench.day
    (school_day Date, number UInt32, is_open UInt8, reason String, absence Float64) ENGINE = MergeTree ORDER BY school_day`,
];

/** Puts schools, classes and readers where the product has them, and what the fill is made from beside them. */
export async function insertPopulation(client: ClickHouseClient, population: Population): Promise<void> {
  for (const query of scratch) await client.command({ query });
  const { schools, classes, readers, pupils } = population;
  const put = (table: string, values: readonly object[]) =>
    client.insert({ table, values: [...values], format: 'JSONEachRow', clickhouse_settings: { async_insert: 0 } });
  // The service's own rows have higher revisions and win.
  await put('dim_school', withRevision(schools));
  await put('dim_class', withRevision(classes));
  await put('dim_reader', withRevision(readers));
  const schoolOf = new Map(classes.map(({ class_id, school_id }) => [class_id, school_id]));
  const placed = pupils.map((pupil) => ({ ...pupil, school_id: schoolOf.get(pupil.class_id)! }));
  await put('bench.pupil', placed);
  const idsOf = (school: number, bit: number) =>
    readers.filter((one) => one.school_id === school && (one.kinds_mask & bit) !== 0).map((one) => one.reader_id);
  const rows = schools.map(({ school_id, district_id, tz }) => {
    const bells = placed.filter((pupil) => pupil.school_id === school_id).map((pupil) => pupil.bell_minute);
    return {
      school_id,
      district_id,
      offset_minutes: offsetMinutes(tz, Date.now()),
      bell_minute: bells.reduce((least, minute) => Math.min(least, minute)),
      last_bell_minute: bells.reduce((most, minute) => Math.max(most, minute)),
      gates: idsOf(school_id, kindBits['gate-in']),
      tills: idsOf(school_id, kindBits['meal']),
      lockers: idsOf(school_id, kindBits['locker-open']),
      buses: idsOf(school_id, kindBits['fare']),
    };
  });
  await put('bench.school', rows);
}

function withRevision(rows: readonly object[]): object[] {
  return rows.map((row) => ({ ...row, revision: 1 }));
}
