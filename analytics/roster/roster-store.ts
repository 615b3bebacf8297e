import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { setImmediate as turn } from 'node:timers/promises';
import { openClickHouse, type ClickHouseClient } from '../clickhouse/client.ts';
import { insertBlockRowsMax } from '../limits.ts';
import { rosterTimeoutMs, tableSliceRows } from './limits.ts';
import { rosterColumns } from './roster-rows.ts';

/** A school's day; days since 1970. */
export interface SchoolDayKey {
  readonly schoolId: number;
  readonly schoolDay: number;
}

/** What a day is. */
export interface CalendarDay extends SchoolDayKey {
  readonly isOpen: boolean;
  readonly reason: string;
}

export interface FrozenDay extends CalendarDay {
  readonly revision: number;
}

/** A freeze to be stored. */
export interface Freeze extends FrozenDay {
  /** RowBinary, all under `revision`. */
  readonly rows: Buffer;
}

const tables = {
  dim_school: ['school_id', 'district_id', 'tz'],
  dim_class: ['class_id', 'school_id', 'name', 'shift'],
  dim_reader: ['reader_id', 'school_id', 'place', 'kinds_mask', 'revoked'],
} as const;
export type DimensionTable = keyof typeof tables;
export type DimensionRow = readonly (string | number)[];

/** One insert, one block: a school's day lies in one partition, so its rows are stored all or none. */
const insertSettings = {
  async_insert: 0,
  input_format_parallel_parsing: 0,
  max_insert_block_size: String(insertBlockRowsMax),
  min_insert_block_size_rows: String(insertBlockRowsMax),
  min_insert_block_size_bytes: '0',
  max_insert_threads: '1',
} as const;

/**
 * Schools, classes, readers and the frozen days in ClickHouse. The rows of one freeze are stored all or none, so those of the
 * highest revision are a day's roster; its line of the calendar follows, and a freeze that was cut off is known by having
 * none. Every method throws what the client throws; each may be called again.
 */
export class RosterStore {
  readonly #stop: AbortSignal;
  #client: ClickHouseClient;

  /** `stop` cuts what is under way. */
  constructor(clickhouseUrl: string, stop: AbortSignal) {
    this.#client = clientOf(clickhouseUrl);
    this.#stop = stop;
  }

  /** ClickHouse is elsewhere. */
  useUrl(clickhouseUrl: string): void {
    const before = this.#client;
    this.#client = clientOf(clickhouseUrl);
    void before.close();
  }

  async close(): Promise<void> {
    await this.#client.close();
  }

  /** The whole of a table, as of one registry change; rows in the order of its columns, without the revision. */
  async putTable(table: DimensionTable, rows: readonly DimensionRow[], revision: number): Promise<void> {
    if (rows.length === 0) return;
    async function* slices(): AsyncGenerator<string> {
      for (let from = 0; from < rows.length; from += tableSliceRows) {
        const slice = rows.slice(from, from + tableSliceRows);
        yield slice.map((row) => `${JSON.stringify([...row, revision])}\n`).join('');
        await turn();
      }
    }
    const columns = [...tables[table], 'revision'].join(', ');
    await this.#insert(`INSERT INTO ${table} (${columns}) FORMAT JSONCompactEachRow`, slices());
  }

  /** The newest line of the calendar of each of the days that has one. */
  async frozenDays(keys: readonly SchoolDayKey[]): Promise<FrozenDay[]> {
    if (keys.length === 0) return [];
    const rows = await this.#rows<StoredDay>(
      `SELECT school_id, toUInt16(school_day) AS day, toString(max(revision)) AS last,
         argMax(is_open, revision) AS open, argMax(reason, revision) AS why
       FROM calendar_day WHERE ${among(keys)} GROUP BY school_id, school_day`,
    );
    return rows.map((row) => ({
      schoolId: row.school_id,
      schoolDay: row.day,
      revision: Number(row.last),
      isOpen: row.open === 1,
      reason: row.why,
    }));
  }

  /** The highest revision of roster rows, by `keyText`; days without any are left out. */
  async rosterRevisions(keys: readonly SchoolDayKey[]): Promise<Map<string, number>> {
    if (keys.length === 0) return new Map();
    const rows = await this.#rows<{ school_id: number; day: number; last: string }>(
      `SELECT school_id, toUInt16(school_day) AS day, toString(max(revision)) AS last
       FROM roster_day WHERE ${among(keys)} GROUP BY school_id, school_day`,
    );
    return new Map(rows.map((row) => [keyText({ schoolId: row.school_id, schoolDay: row.day }), Number(row.last)]));
  }

  /** The newest day of each school that was ever frozen. */
  async lastFrozenDays(): Promise<Map<number, number>> {
    const query = 'SELECT school_id, toUInt16(max(school_day)) AS day FROM calendar_day GROUP BY school_id';
    const rows = await this.#rows<{ school_id: number; day: number }>(query);
    return new Map(rows.map((row) => [row.school_id, row.day]));
  }

  /** The rows of one freeze, in ascending order of pupils. */
  async roster({ schoolId, schoolDay }: SchoolDayKey, revision: number): Promise<Buffer> {
    const { stream } = await this.#client.exec({
      query: `SELECT ${rosterColumns} FROM roster_day
        WHERE school_id = ${schoolId} AND school_day = toDate(${schoolDay}) AND revision = ${revision}
        ORDER BY pupil_id LIMIT 1 BY pupil_id FORMAT RowBinary`,
      // The server keeps the answer until the query has ended well: half a roster is never taken for one.
      clickhouse_settings: { wait_end_of_query: 1 },
      abort_signal: this.#stop,
    });
    return await buffer(stream);
  }

  async putFreezes(freezes: readonly Freeze[]): Promise<void> {
    const rosters = freezes.map(({ rows }) => rows).filter((rows) => rows.length > 0);
    if (rosters.length > 0) await this.#insert(`INSERT INTO roster_day (${rosterColumns}) FORMAT RowBinary`, rosters);
    const lines = freezes.map((day) => {
      return `${JSON.stringify([day.schoolId, day.schoolDay, day.isOpen ? 1 : 0, day.reason, day.revision])}\n`;
    });
    if (lines.length === 0) return;
    const columns = 'school_id, school_day, is_open, reason, revision';
    await this.#insert(`INSERT INTO calendar_day (${columns}) FORMAT JSONCompactEachRow`, lines);
  }

  async #insert(query: string, pieces: Iterable<Buffer | string> | AsyncIterable<string>): Promise<void> {
    const { stream } = await this.#client.exec({
      query,
      values: Readable.from(pieces, { objectMode: false }),
      clickhouse_settings: insertSettings,
      abort_signal: this.#stop,
    });
    // The socket is free for the next request only when the (empty) answer has been read.
    await buffer(stream);
  }

  async #rows<T>(query: string): Promise<T[]> {
    const answer = await this.#client.query({ query, format: 'JSONEachRow', abort_signal: this.#stop });
    return await answer.json<T>();
  }
}

interface StoredDay {
  readonly school_id: number;
  readonly day: number;
  readonly last: string;
  readonly open: number;
  readonly why: string;
}

export function keyText({ schoolId, schoolDay }: SchoolDayKey): string {
  return `${schoolId}:${schoolDay}`;
}

function among(keys: readonly SchoolDayKey[]): string {
  const schools = [...new Set(keys.map(({ schoolId }) => schoolId))].join(', ');
  const days = [...new Set(keys.map(({ schoolDay }) => `toDate(${schoolDay})`))].join(', ');
  const pairs = keys.map(({ schoolId, schoolDay }) => `(${schoolId}, toDate(${schoolDay}))`).join(', ');
  return `school_id IN (${schools}) AND school_day IN (${days}) AND (school_id, school_day) IN (${pairs})`;
}

function clientOf(clickhouseUrl: string): ClickHouseClient {
  return openClickHouse(clickhouseUrl, { requestTimeoutMs: rosterTimeoutMs });
}
