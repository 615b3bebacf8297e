import type { ClickHouseClient } from '../clickhouse/client.ts';
import { verifyLimits } from '../limits.ts';

/** What table `tap` holds of one shard. Sums are exact, so they are bigint. */
export interface StoredTaps {
  readonly count: number;
  /** Different (reader_id, boot_epoch, seq). */
  readonly identities: number;
  /** Different positions. */
  readonly positions: number;
  readonly minPosition: number;
  readonly maxPosition: number;
  readonly sumPosition: bigint;
  readonly sumDebitedKop: bigint;
  readonly sumBalanceKop: bigint;
  readonly sumSeq: bigint;
  readonly byKindAndCode: readonly { readonly kind: number; readonly code: number; readonly count: number }[];
}

/** What table `transfer` holds of one shard. */
export interface StoredTransfers {
  readonly count: number;
  /** Different transfer ids. */
  readonly ids: number;
  readonly sumKop: bigint;
  readonly sumTransferId: bigint;
  /** Received minus given, for each kind of account; over all of them the sum is 0. */
  readonly netByAccountType: readonly { readonly owner: number; readonly purse: number; readonly netKop: bigint }[];
}

/** Sums up the taps of a shard up to and including a position, from a school day (days since 1970) on. */
export async function storedTaps(
  client: ClickHouseClient,
  { shard, upTo, firstDay = 0 }: { readonly shard: number; readonly upTo: number; readonly firstDay?: number },
): Promise<StoredTaps> {
  const from = `FROM tap WHERE shard = ${shard} AND position <= ${upTo} AND toUInt16(school_day) >= ${firstDay}`;
  const [sums] = await rowsOf<TapSums>(
    client,
    `SELECT ${asText({
      count: 'count()',
      minPosition: 'min(position)',
      maxPosition: 'max(position)',
      sumPosition: 'sum(toInt128(position))',
      sumDebitedKop: 'sum(toInt128(debited_kop))',
      sumBalanceKop: 'sum(toInt128(balance_kop))',
      sumSeq: 'sum(seq)',
    })} ${from}`,
  );
  const byKindAndCode = await rowsOf<{ kind: number; code: number; count: string }>(
    client,
    `SELECT kind, code, toString(count()) AS count ${from} GROUP BY kind, code ORDER BY kind, code`,
  );
  return {
    count: Number(sums.count),
    identities: await countDifferent(client, 'reader_id, boot_epoch, seq', from),
    positions: await countDifferent(client, 'position', from),
    minPosition: Number(sums.minPosition),
    maxPosition: Number(sums.maxPosition),
    sumPosition: BigInt(sums.sumPosition),
    sumDebitedKop: BigInt(sums.sumDebitedKop),
    sumBalanceKop: BigInt(sums.sumBalanceKop),
    sumSeq: BigInt(sums.sumSeq),
    byKindAndCode: byKindAndCode.map((row) => ({ ...row, count: Number(row.count) })),
  };
}

/** Sums up the transfers of a shard whose cause stands at or before a position. */
export async function storedTransfers(client: ClickHouseClient, shard: number, upTo: number): Promise<StoredTransfers> {
  const from = `FROM transfer WHERE shard = ${shard} AND cause_position <= ${upTo}`;
  const [sums] = await rowsOf<{ count: string; sumKop: string; sumTransferId: string }>(
    client,
    `SELECT ${asText({
      count: 'count()',
      sumKop: 'sum(toInt128(kop))',
      sumTransferId: 'sum(toInt128(transfer_id))',
    })} ${from}`,
  );
  const net = await rowsOf<{ owner: number; purse: number; netKop: string }>(
    client,
    `SELECT toUInt32(bitShiftRight(leg.1, 40)) AS owner, toUInt8(bitAnd(bitShiftRight(leg.1, 32), 255)) AS purse,
       toString(sum(toInt128(leg.2))) AS netKop
     FROM (SELECT arrayJoin([(debit_account, -kop), (credit_account, kop)]) AS leg ${from})
     GROUP BY owner, purse ORDER BY owner, purse`,
  );
  return {
    count: Number(sums.count),
    ids: await countDifferent(client, 'transfer_id', from),
    sumKop: BigInt(sums.sumKop),
    sumTransferId: BigInt(sums.sumTransferId),
    netByAccountType: net.map((row) => ({ ...row, netKop: BigInt(row.netKop) })),
  };
}

type TapSums = Record<
  'count' | 'minPosition' | 'maxPosition' | 'sumPosition' | 'sumDebitedKop' | 'sumBalanceKop' | 'sumSeq',
  string
>;

/** 64-bit and wider integers pass JSON as text. */
function asText(columns: Record<string, string>): string {
  return Object.entries(columns)
    .map(([name, expression]) => `toString(${expression}) AS ${name}`)
    .join(', ');
}

/** Bounded in memory, where uniqExact is not. */
async function countDifferent(client: ClickHouseClient, columns: string, from: string): Promise<number> {
  const [row] = await rowsOf<{ different: string }>(
    client,
    `SELECT toString(count()) AS different FROM (SELECT ${columns} ${from} GROUP BY ${columns})`,
  );
  return Number(row.different);
}

/** Runs one of the comparison's queries with its limits. */
export async function rowsOf<T>(client: ClickHouseClient, query: string): Promise<T[]> {
  const answer = await client.query({
    query,
    format: 'JSONEachRow',
    clickhouse_settings: {
      max_execution_time: verifyLimits.executionSecondsMax,
      max_bytes_before_external_group_by: String(verifyLimits.groupBytesMax),
    },
  });
  return answer.json<T>();
}
