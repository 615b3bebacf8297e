import type { Random } from '../../../workers/random.suite.ts';
import type { ClickHouseClient } from '../../clickhouse/client.ts';
import { timeOf, dateOf } from '../../derive/world-rows.suite.ts';

export const minuteMs = 60_000;
export const dayMs = 86_400_000;

export interface FleetTap {
  readonly readerId: number;
  readonly schoolId: number;
  readonly schoolDay: number;
  readonly atMs: number;
  readonly receivedMs: number;
  readonly pupilId: number;
  readonly kind: number;
  readonly code: number;
  readonly readerFlags: number;
  readonly flags: number;
}

export interface FleetBeat {
  readonly readerId: number;
  readonly schoolId: number;
  readonly event: 'beat' | 'connected' | 'closed';
  readonly atMs: number;
  readonly queued: number;
  readonly oldestMs: number | null;
  readonly driftMs: number;
  readonly gaps: number;
  readonly rulesVersion: number;
  readonly firmware: string;
}

export interface FleetReader {
  readonly readerId: number;
  readonly schoolId: number;
  readonly revoked: boolean;
}

export interface Fleet {
  readonly schools: readonly { readonly schoolId: number; readonly tz: string }[];
  readonly readers: readonly FleetReader[];
  readonly taps: readonly FleetTap[];
  readonly beats: readonly FleetBeat[];
}

const codes = [10, 10, 10, 11, 14, 40, 41, 44, 45, 46, 49, 54, 71];
/** Lags at the edges of the histogram's steps, and beyond. */
const lagsMs = [-700, 0, 999, 1_000, 4_999, 30_000, 59_999, 299_999, 300_000, 3_600_000, 90_000_000];

/** Readers of every state, with taps and beats on the days before `nowMs`. Days are the local ones of each school. */
export function randomFleet(
  random: Random,
  nowMs: number,
  days: readonly number[],
  zones: readonly [string, number][],
): Fleet {
  const fleet = { schools: [], readers: [], taps: [], beats: [] } as unknown as {
    [K in keyof Fleet]: Fleet[K][number][];
  };
  for (const [index, [tz, aheadMs]] of zones.entries()) {
    const schoolId = index + 1;
    fleet.schools.push({ schoolId, tz });
    for (let place = 0; place < 8; place++) {
      const reader = { readerId: schoolId * 10 + place, schoolId, revoked: random(7) === 0 };
      fleet.readers.push(reader);
      for (const day of days) tapsOf(random, fleet.taps, reader, day, aheadMs);
      if (place > 0) beatsOf(random, fleet.beats, reader, nowMs);
    }
  }
  return fleet;
}

function tapsOf(
  random: Random,
  taps: FleetTap[],
  { readerId, schoolId }: FleetReader,
  day: number,
  aheadMs: number,
): void {
  for (let count = random(40); count > 0; count--) {
    // Now and then in the first and in the last minute of the local day.
    const inDayMs = [0, dayMs - 1, random(dayMs), 8 * 3_600_000 + random(5 * minuteMs)][random(4)];
    const atMs = day * dayMs - aheadMs + inDayMs;
    const receivedMs = atMs + lagsMs[random(lagsMs.length)] + [0, 1][random(2)];
    const pupilId = random(6) === 0 ? 0 : 1 + random(12);
    const what = { kind: 1 + [0, 0, 1, 1, 2, 3, 6][random(7)], code: codes[random(codes.length)], flags: random(4) };
    const readerFlags = [0, 0, 0, 1, 2, 3, 8][random(7)];
    taps.push({ readerId, schoolId, schoolDay: day, atMs, receivedMs, pupilId, readerFlags, ...what });
  }
}

/** The newest is to the millisecond at the bounds of the states; the others are spread over days. */
function beatsOf(random: Random, beats: FleetBeat[], reader: FleetReader, nowMs: number): void {
  const { readerId, schoolId } = reader;
  const place = readerId % 10;
  const newestMs = nowMs - [0, 89_999, 90_000, 600_000, 600_001, random(2 * dayMs)][place % 6];
  for (let count = random(60); count >= 0; count--) {
    const atMs = newestMs - count * 40_000 - Math.min(count, random(2)) * random(2 * dayMs);
    const event = count === 0 && place < 5 ? 'beat' : (['beat', 'beat', 'connected', 'closed'] as const)[random(4)];
    beats.push({
      readerId,
      schoolId,
      event,
      atMs,
      queued: random(3) * random(50),
      oldestMs: random(2) === 0 ? null : atMs - random(dayMs),
      driftMs: random(200_000) - 100_000,
      gaps: random(4),
      rulesVersion: 1 + random(3),
      firmware: ['', 'gate 1.2'][random(2)],
    });
  }
}

/** Stores it in pieces, as it would come in. */
export async function insertFleet(client: ClickHouseClient, { schools, readers, taps, beats }: Fleet): Promise<void> {
  const insert = async (table: string, values: object[]): Promise<void> => {
    const format = 'JSONEachRow';
    const half = Math.ceil(values.length / 2);
    for (const part of [values.slice(0, half), values.slice(half)])
      await client.insert({ table, values: part, format });
  };
  const schoolRows = schools.map(({ schoolId, tz }) => ({ school_id: schoolId, district_id: 1, tz, revision: 1 }));
  await insert('dim_school', schoolRows);
  const readerRow = ({ readerId, schoolId, revoked }: FleetReader) => ({
    reader_id: readerId,
    school_id: schoolId,
    place: `door ${readerId}`,
    kinds_mask: 6,
    revoked: Number(revoked),
    revision: 1,
  });
  await insert('dim_reader', readers.map(readerRow));
  await insert('tap', taps.map(tapRow));
  await insert('reader_beat', beats.map(beatRow));
}

function tapRow(tap: FleetTap, index: number): object {
  return {
    position: index + 1,
    at: timeOf(tap.atMs),
    received_at: timeOf(tap.receivedMs),
    reader_id: tap.readerId,
    school_id: tap.schoolId,
    school_day: dateOf(tap.schoolDay),
    pupil_id: tap.pupilId,
    kind: tap.kind,
    code: tap.code,
    reader_flags: tap.readerFlags,
    flags: tap.flags,
  };
}

function beatRow(beat: FleetBeat): object {
  return {
    at: timeOf(beat.atMs),
    reader_id: beat.readerId,
    school_id: beat.schoolId,
    event: beat.event,
    queued: beat.queued,
    oldest_at: beat.oldestMs === null ? null : timeOf(beat.oldestMs),
    drift_ms: beat.driftMs,
    gaps: beat.gaps,
    rules_version: beat.rulesVersion,
    firmware: beat.firmware,
  };
}
