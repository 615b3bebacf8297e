import { createHash } from 'node:crypto';
import { accountId, Owner } from '../../workers/journal/transfer-record.ts';
import type { ClickHouseClient } from '../clickhouse/client.ts';
import type { RosterRow, TapRow, TransferRow, World } from './naive.suite.ts';

/** Times and days as the JSON formats take them. */
export const timeOf = (ms: number): string => new Date(ms).toISOString().slice(0, 23).replace('T', ' ');
export const dateOf = (day: number): string => new Date(day * 86_400_000).toISOString().slice(0, 10);

/** Inserts twice under one token, as a sink does that lost the reply: the second time is dropped. */
async function insert(client: ClickHouseClient, table: string, values: readonly object[]): Promise<void> {
  if (values.length === 0) return;
  const insert_deduplication_token = createHash('sha256').update(JSON.stringify(values)).digest('hex');
  const clickhouse_settings = { async_insert: 0, insert_deduplicate: 1, insert_deduplication_token } as const;
  const isOnce = table !== 'tap' && table !== 'transfer';
  for (let time = 0; time < (isOnce ? 1 : 2); time++) {
    await client.insert({ table, values: [...values], format: 'JSONEachRow', clickhouse_settings });
  }
}

const qualities = { A: 1, B: 2, D: 3 } as const;

export async function insertTaps(client: ClickHouseClient, taps: readonly TapRow[]): Promise<void> {
  const rows = taps.map((tap) => ({
    shard: tap.shard,
    position: tap.position,
    at: timeOf(tap.atMs),
    received_at: timeOf(tap.atMs),
    school_id: tap.schoolId,
    school_day: dateOf(tap.schoolDay),
    pupil_id: tap.pupilId,
    class_id: tap.classId,
    kind: tap.kind,
    code: tap.code,
    reader_flags: tap.readerFlags,
    flags: tap.flags,
    clock_quality: qualities[tap.quality],
    local_minute: tap.localMinute,
    ref: tap.ref,
    amount_kop: tap.amountKop,
    basis: tap.basis,
  }));
  await insert(client, 'tap', rows);
}

export async function insertTransfers(client: ClickHouseClient, transfers: readonly TransferRow[]): Promise<void> {
  const rows = transfers.map((row) => ({
    transfer_id: row.transferId,
    shard: row.shard,
    cause_position: row.causePosition,
    school_id: row.schoolId,
    school_day: dateOf(row.schoolDay),
    pupil_id: row.pupilId,
    cause: row.cause,
    purse: row.purse,
    kop: row.kop,
    reverses: row.reverses,
    // A reversal's legs are the other way round; the derivation reads those of the sale.
    credit_account: row.cause === 4 ? 0 : accountId(row.toCarrier ? Owner.carrier : Owner.canteen, row.schoolId),
  }));
  await insert(client, 'transfer', rows);
}

export async function insertRoster(client: ClickHouseClient, roster: readonly RosterRow[]): Promise<void> {
  const rows = roster.map((row) => ({
    school_id: row.schoolId,
    school_day: dateOf(row.schoolDay),
    pupil_id: row.pupilId,
    class_id: row.classId,
    shift: row.shift,
    doors_at: timeOf(row.doorsMs),
    bell_at: timeOf(row.bellMs),
    end_at: timeOf(row.endMs),
    entitled: row.entitled,
    excused: row.excused,
    revision: row.revision,
  }));
  await insert(client, 'roster_day', rows);
}

/** Schools, their gates with beats, a till and a revoked gate that do not count, the calendar. */
export async function insertSchools(client: ClickHouseClient, world: World): Promise<void> {
  const schools = [...new Set(world.gates.map(({ schoolId }) => schoolId))];
  const places = { place: 'door', revision: 1 };
  const readers = world.gates.map(({ schoolId, readerId }) => ({
    ...places,
    reader_id: readerId,
    school_id: schoolId,
    kinds_mask: 6,
  }));
  for (const school_id of schools) {
    readers.push({ ...places, reader_id: school_id * 10 + 8, school_id, kinds_mask: 8 });
    readers.push({
      ...places,
      reader_id: school_id * 10 + 9,
      school_id,
      kinds_mask: 6,
      revoked: 1,
    } as (typeof readers)[0]);
  }
  const schoolRows = schools.map((school_id) => ({ school_id, district_id: 1, tz: 'Europe/Moscow', revision: 1 }));
  await insert(client, 'dim_school', schoolRows);
  await insert(client, 'dim_reader', readers);
  await insertBeats(client, world);
  const closed = [...world.closed].map((key) => key.split(':').map(Number));
  const days = closed.map(([school_id, day]) => ({ school_id, school_day: dateOf(day), is_open: 0, revision: 1 }));
  await insert(client, 'calendar_day', days);
}

async function insertBeats(client: ClickHouseClient, world: World): Promise<void> {
  const beats = world.gates.flatMap(({ schoolId, readerId, beatsMs }) =>
    beatsMs.map((atMs, index) => ({
      at: timeOf(atMs),
      reader_id: readerId,
      school_id: schoolId,
      event: index % 7 === 0 ? 'connected' : 'beat',
    })),
  );
  const closed = beats.map((beat) => ({ ...beat, event: 'closed' }));
  const tills = beats.map((beat) => ({ ...beat, reader_id: beat.school_id * 10 + 8 }));
  await insert(client, 'reader_beat', [...beats, ...closed.slice(0, 20), ...tills.slice(0, 200)]);
}
