import { Readable } from 'node:stream';
import { finished } from 'node:stream/promises';
import { errorLine, openClickHouse, type ClickHouseClient } from '../clickhouse/client.ts';
import type { Logger } from '../logger.ts';
import {
  beatDrainTimeoutMs,
  beatFlushIntervalMs,
  beatInsertTimeoutMs,
  beatRowsBufferedMax,
  beatRowsPerInsertMax,
} from './limits.ts';
import { beatColumns, encodeBeats, type ReaderBeat } from './reader-beat.ts';
import { RowRing } from './row-ring.ts';

export interface BeatWriterOptions {
  readonly clickhouseUrl: string;
  readonly logger: Logger;
  /** Defaults: `limits.ts`. */
  readonly rowsBufferedMax?: number;
  readonly flushIntervalMs?: number;
  /** Called before each flush: more rows may be added. */
  readonly onFlush?: (isLast: boolean) => void;
}

export interface BeatWriterStatus {
  readonly buffered: number;
  /** Rows that found no room while ClickHouse was away, or were left at the end. */
  readonly dropped: number;
  readonly inserted: number;
}

/**
 * Inserts rows into `reader_beat` every few seconds. `add` only puts a row into memory; nobody ever waits for an insert. A
 * row whose reply was lost is inserted again, so it may be there twice: whoever counts, counts minutes.
 */
export class BeatWriter {
  readonly #logger: Logger;
  readonly #rows: RowRing<ReaderBeat>;
  readonly #flushIntervalMs: number;
  readonly #onFlush: (isLast: boolean) => void;
  readonly #stop = new AbortController();
  #client: ClickHouseClient;
  #timer: NodeJS.Timeout | undefined;
  #flushing: Promise<void> | undefined;
  #underWay = 0;
  #inserted = 0;
  #isFailing = false;

  constructor(options: BeatWriterOptions) {
    this.#logger = options.logger;
    this.#rows = new RowRing(options.rowsBufferedMax ?? beatRowsBufferedMax);
    this.#flushIntervalMs = options.flushIntervalMs ?? beatFlushIntervalMs;
    this.#onFlush = options.onFlush ?? (() => undefined);
    this.#client = clientOf(options.clickhouseUrl);
  }

  start(): void {
    this.#timer = setInterval(() => void this.flush(), this.#flushIntervalMs).unref();
  }

  add(row: ReaderBeat): void {
    this.#rows.push(row);
  }

  status(): BeatWriterStatus {
    return { buffered: this.#rows.size + this.#underWay, dropped: this.#rows.dropped, inserted: this.#inserted };
  }

  /** ClickHouse is elsewhere. */
  useUrl(clickhouseUrl: string): void {
    const before = this.#client;
    this.#client = clientOf(clickhouseUrl);
    void before.close();
  }

  /** Inserts what there is, until an insert fails. Never rejects. */
  async flush(isLast = false): Promise<void> {
    while (isLast && this.#flushing !== undefined) await this.#flushing;
    this.#onFlush(isLast);
    this.#flushing ??= this.#insertAll().finally(() => (this.#flushing = undefined));
    await this.#flushing;
  }

  /** Flushes once more within `timeoutMs`; what is left then is dropped. */
  async stop(timeoutMs = beatDrainTimeoutMs): Promise<void> {
    clearInterval(this.#timer);
    const timer = setTimeout(() => this.#stop.abort(), timeoutMs);
    await this.flush(true);
    clearTimeout(timer);
    await this.#client.close();
    const left = this.#rows.clear();
    if (left > 0) this.#logger.warn({ rows: left }, 'telemetry of readers is dropped at the end');
  }

  async #insertAll(): Promise<void> {
    while (this.#rows.size > 0 && (await this.#insertSome())) continue;
  }

  /** False when the rows were not taken. */
  async #insertSome(): Promise<boolean> {
    const rows = this.#rows.take(beatRowsPerInsertMax);
    this.#underWay = rows.length;
    try {
      this.#stop.signal.throwIfAborted();
      await this.#insert(encodeBeats(rows));
      this.#rows.arrived();
      this.#inserted += rows.length;
      this.#told(undefined);
      return true;
    } catch (error) {
      this.#rows.giveBack();
      this.#told(error);
      return false;
    } finally {
      this.#underWay = 0;
    }
  }

  async #insert(bytes: Uint8Array): Promise<void> {
    const { stream } = await this.#client.exec({
      query: `INSERT INTO reader_beat (${beatColumns}) FORMAT RowBinary`,
      values: Readable.from([bytes], { objectMode: false }),
      abort_signal: this.#stop.signal,
      clickhouse_settings: { async_insert: 0 },
    });
    // The socket is free for the next request only when the (empty) answer has been read.
    await finished(stream.resume());
  }

  /** Says once that it fails, and once that it goes on. */
  #told(error: unknown): void {
    const isFailing = error !== undefined;
    if (isFailing === this.#isFailing) return;
    this.#isFailing = isFailing;
    if (isFailing) this.#logger.warn({ cause: errorLine(error) }, 'telemetry of readers waits for ClickHouse');
    else this.#logger.info({ dropped: this.#rows.dropped }, 'telemetry of readers is inserted again');
  }
}

function clientOf(clickhouseUrl: string): ClickHouseClient {
  return openClickHouse(clickhouseUrl, { requestTimeoutMs: beatInsertTimeoutMs });
}
