import { Readable } from 'node:stream';
import { TapOffset } from '../../workers/journal/tap-record.ts';
import { TransferOffset } from '../../workers/journal/transfer-record.ts';
import { openClickHouse, type ClickHouseClient } from '../clickhouse/client.ts';
import { insertBlockRowsMax } from '../limits.ts';
import type { BatchPart, SinkTable } from './batch.ts';

/** The side of ClickHouse that the sink sees. */
export interface RowStore {
  /** Inserts all rows of the part, at most once for the token as far as the table remembers. */
  insert(part: BatchPart, token: string): Promise<void>;
  /** How many rows of the part's range are there, and how many different ones. */
  countStored(part: BatchPart): Promise<{ rows: number; different: number }>;
  /** The numbers of the rows of the part's range that are there. */
  storedIds(part: BatchPart): Promise<Set<number>>;
  /** The highest position of a shard in `tap`, 0 if none. */
  lastTapPosition(shard: number): Promise<number>;
  /** The highest position of a shard that any row came from, 0 if none: taps may be dropped with time, money is not. */
  lastPosition(shard: number): Promise<number>;
  /** True when other replicas may know of rows that this one does not show yet. */
  isReplicated(): Promise<boolean>;
  /** True when rows of one insert may go to several servers, each of which takes its own whole or not at all. */
  isSharded(): Promise<boolean>;
  close(): Promise<void>;
}

/** Sent with every insert, so that no profile of a server can break exactly-once. */
const insertSettings = {
  async_insert: 0,
  insert_deduplicate: 1,
  deduplicate_blocks_in_dependent_materialized_views: 1,
  // What a view over the table counts may be lost; it must not keep the table's own rows out.
  materialized_views_ignore_errors: 1,
  // One insert, one block: parsed in one piece, never cut by a smaller limit of the server.
  input_format_parallel_parsing: 0,
  max_insert_block_size: String(insertBlockRowsMax),
  min_insert_block_size_rows: String(insertBlockRowsMax),
  min_insert_block_size_bytes: '0',
  max_insert_threads: '1',
  max_partitions_per_insert_block: 0,
} as const;

/** Column names in byte order: the fields of the record in snake case. */
export function columnsOf(table: SinkTable): string[] {
  const offsets: Record<string, number> = table === 'tap' ? TapOffset : TransferOffset;
  const fields = Object.keys(offsets).sort((left, right) => offsets[left] - offsets[right]);
  return fields.map((field) => field.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`));
}

const idColumn = { tap: 'position', transfer: 'transfer_id' } as const;
const insertQuery = {
  tap: `INSERT INTO tap (${columnsOf('tap').join(', ')}) FORMAT RowBinary`,
  transfer: `INSERT INTO transfer (${columnsOf('transfer').join(', ')}) FORMAT RowBinary`,
} as const;

export class ClickHouseRowStore implements RowStore {
  readonly #client: ClickHouseClient;
  readonly #stop: AbortSignal;
  #settings: Record<string, string | number> | undefined;

  /** `stop` cuts what is under way. */
  constructor(address: string, requestTimeoutMs: number, stop: AbortSignal) {
    this.#client = openClickHouse(address, { requestTimeoutMs });
    this.#stop = stop;
  }

  async insert(part: BatchPart, token: string): Promise<void> {
    this.#settings ??= await this.#supportedSettings();
    const { stream } = await this.#client.exec({
      query: insertQuery[part.table],
      values: Readable.from([part.bytes], { objectMode: false }),
      abort_signal: this.#stop,
      clickhouse_settings: { ...this.#settings, insert_deduplication_token: token },
    });
    // The socket is free for the next request only when the (empty) answer has been read.
    stream.resume();
    await new Promise<void>((resolve, reject) => stream.once('end', resolve).once('error', reject));
  }

  async countStored(part: BatchPart): Promise<{ rows: number; different: number }> {
    const column = idColumn[part.table];
    const query = `SELECT toUInt32(count()) AS rows, toUInt32(uniqExact(${column})) AS different ${rangeOf(part)}`;
    const [row] = await this.#rows<{ rows: number; different: number }>(query);
    return row;
  }

  async storedIds(part: BatchPart): Promise<Set<number>> {
    const query = `SELECT toString(${idColumn[part.table]}) AS id ${rangeOf(part)}`;
    return new Set((await this.#rows<{ id: string }>(query)).map((row) => Number(row.id)));
  }

  async lastTapPosition(shard: number): Promise<number> {
    const query = `SELECT toString(max(position)) AS last FROM tap WHERE shard = ${shard}`;
    const [row] = await this.#rows<{ last: string }>(query);
    return Number(row.last);
  }

  async lastPosition(shard: number): Promise<number> {
    const query = `SELECT toString(max(last)) AS last FROM (
      SELECT max(position) AS last FROM tap WHERE shard = ${shard}
      UNION ALL SELECT max(cause_position) AS last FROM transfer WHERE shard = ${shard})`;
    const [row] = await this.#rows<{ last: string }>(query);
    return Number(row.last);
  }

  async isReplicated(): Promise<boolean> {
    return (await this.#engines()).some((engine) => engine !== 'MergeTree');
  }

  async isSharded(): Promise<boolean> {
    return (await this.#engines()).includes('Distributed');
  }

  async #engines(): Promise<string[]> {
    const query = "SELECT engine FROM system.tables WHERE database = currentDatabase() AND name IN ('tap', 'transfer')";
    return (await this.#rows<{ engine: string }>(query)).map(({ engine }) => engine);
  }

  async close(): Promise<void> {
    await this.#client.close();
  }

  /** `deduplicate_insert` outranks `insert_deduplicate` where it exists, and is unknown to older servers. */
  async #supportedSettings(): Promise<Record<string, string | number>> {
    const rows = await this.#rows("SELECT name FROM system.settings WHERE name = 'deduplicate_insert'");
    return rows.length === 0 ? { ...insertSettings } : { ...insertSettings, deduplicate_insert: 'enable' };
  }

  async #rows<T>(query: string): Promise<T[]> {
    const answer = await this.#client.query({ query, format: 'JSONEachRow', abort_signal: this.#stop });
    return answer.json<T>();
  }
}

/** All rows that the part's shard ever had in this range of numbers and days, whichever insert brought them. */
function rangeOf(part: BatchPart): string {
  const days = `school_day BETWEEN toDate(${part.firstDay}) AND toDate(${part.lastDay})`;
  const ids = `${idColumn[part.table]} BETWEEN ${part.firstId} AND ${part.lastId}`;
  return `FROM ${part.table} WHERE shard = ${part.shard} AND ${days} AND ${ids}`;
}
