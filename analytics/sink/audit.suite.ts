import type { ClickHouseClient } from '../clickhouse/client.ts';
import type { MemoryJournal } from './memory-journal.suite.ts';
import { TapOffset, TapRecords } from '../../workers/journal/tap-record.ts';
import { SectionType } from '../../workers/journal/types.ts';

/** Rows of both tables against the journals, counted by an eye of its own. */
export interface Audit {
  readonly missing: number;
  readonly doubled: number;
  /** Rows that are there once and are not what the journal says. */
  readonly different: number;
}

export async function audit(client: ClickHouseClient, journals: readonly MemoryJournal[]): Promise<Audit> {
  const taps = await read<{ rows: number; once: number }>(
    client,
    'SELECT toUInt32(count()) AS rows, toUInt32(uniqExact(shard, position)) AS once FROM tap',
  );
  const transfers = await read<{ rows: number; once: number }>(
    client,
    'SELECT toUInt32(count()) AS rows, toUInt32(uniqExact(transfer_id)) AS once FROM transfer',
  );
  const expected = journals.reduce((sum, journal) => sum + journal.taps + journal.transfers, 0);
  const rows = taps.rows + transfers.rows;
  const once = taps.once + transfers.once;
  return { missing: expected - once, doubled: rows - once, different: await differences(client, journals) };
}

/** One sum over many columns, made in ClickHouse and from the journals' bytes. */
async function differences(client: ClickHouseClient, journals: readonly MemoryJournal[]): Promise<number> {
  const stored = await read<{ sum: string }>(
    client,
    `SELECT toString(sum(toInt128(position) * (1 + shard) + toUnixTimestamp64Milli(at) + received_at_ms + debited_kop * 3
       + balance_kop * 5 + seq + toUInt16(school_day) * 7 + kind * 11 + code * 13 + toInt8(clock_quality) * 17)) AS sum
     FROM (SELECT *, toUnixTimestamp64Milli(received_at) AS received_at_ms FROM (SELECT DISTINCT * FROM tap))`,
  );
  let sum = 0n;
  for (const journal of journals) sum += journalSum(journal);
  return BigInt(stored.sum) === sum ? 0 : 1;
}

function journalSum(journal: MemoryJournal): bigint {
  let total = 0n;
  for (const block of journal.blocks) {
    for (const section of block.sections) {
      if (section.type !== SectionType.taps) continue;
      const records = new TapRecords(section.bytes.buffer);
      for (let row = 0; row < section.count; row++) total += BigInt(rowSum(records, row, journal.shard));
    }
  }
  return total;
}

function rowSum(records: TapRecords, row: number, shard: number): number {
  return (
    records.getI64(row, TapOffset.position) * (1 + shard) +
    records.getI64(row, TapOffset.at) +
    records.getI64(row, TapOffset.receivedAt) +
    records.getI64(row, TapOffset.debitedKop) * 3 +
    records.getI64(row, TapOffset.balanceKop) * 5 +
    records.getU32(row, TapOffset.seq) +
    records.getU16(row, TapOffset.schoolDay) * 7 +
    records.getU8(row, TapOffset.kind) * 11 +
    records.getU8(row, TapOffset.code) * 13 +
    records.getU8(row, TapOffset.clockQuality) * 17
  );
}

async function read<T>(client: ClickHouseClient, query: string): Promise<T> {
  const [row] = await (await client.query({ query, format: 'JSONEachRow' })).json<T>();
  return row;
}
