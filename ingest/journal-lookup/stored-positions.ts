import { type ClickHouseClient, openClickHouse } from '../../analytics/clickhouse/client.ts';
import type { TapIdentity } from '../../workers/pool/messages.ts';
import { identityKey } from './journal-search.ts';
import { clickhouseTimeoutMs } from './limits.ts';

export interface StoredPosition {
  readonly shard: number;
  readonly position: number;
}

/**
 * Where ClickHouse has these taps, by `identityKey`; nothing of those that it does not have (yet), and nothing at all while
 * it is away: the journal knows.
 */
export async function storedPositions(
  url: string,
  identities: readonly TapIdentity[],
): Promise<Map<string, StoredPosition>> {
  const client = openClickHouse(url, { requestTimeoutMs: clickhouseTimeoutMs });
  try {
    return await ask(client, identities);
  } catch {
    return new Map();
  } finally {
    await client.close();
  }
}

async function ask(client: ClickHouseClient, identities: readonly TapIdentity[]): Promise<Map<string, StoredPosition>> {
  const list = identities.map(({ readerId, bootEpoch, seq }) => `(${readerId},${bootEpoch},${seq})`).join(',');
  const query =
    'SELECT reader_id AS readerId, boot_epoch AS bootEpoch, seq, shard, toFloat64(position) AS position ' +
    `FROM tap WHERE (reader_id, boot_epoch, seq) IN (${list})`;
  const result = await client.query({ query, format: 'JSONEachRow' });
  const rows = await result.json<TapIdentity & StoredPosition>();
  return new Map(rows.map((row) => [identityKey(row), { shard: row.shard, position: row.position }]));
}
