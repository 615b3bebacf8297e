import { openClickHouse, type ClickHouseClient } from '../clickhouse/client.ts';
import { insertCoverage, insertPresence, insertStudentDays, keepCoverage } from './attendance-sql.ts';
import { beatsKeptMs } from './limits.ts';
import { insertDistrictDays, insertEntitlements, insertLog, insertSpending } from './money-sql.ts';
import { daysOfTransfers, outOfDate } from './look-sql.ts';
import { lookAt, type DeriveParameters } from './look.ts';
import type { DeriveRun, DeriveStore, DirtyMark, SchoolDay } from './types.ts';

const settings = { async_insert: 0, insert_deduplicate: 0 } as const;

export class ClickHouseDeriveStore implements DeriveStore {
  readonly #client: ClickHouseClient;
  readonly #stop: AbortSignal;
  #lastRevision = 0;

  /** `stop` cuts what is under way. */
  constructor(address: string, requestTimeoutMs: number, stop: AbortSignal) {
    this.#client = openClickHouse(address, { requestTimeoutMs });
    this.#stop = stop;
  }

  async derive(run: DeriveRun): Promise<void> {
    const looked = await lookAt(run, (query, parameters) => this.#rows(query, parameters));
    // Above every one that these school days ever had, of attempts that failed too: the newest row of a key replaces the
    // others of its side.
    this.#lastRevision = Math.max(looked.newest + 1, this.#lastRevision + 1, Date.now());
    const parameters = { ...looked.parameters, revision: this.#lastRevision };
    const dayMs = run.schoolDay * 86_400_000;
    const coverage = run.asOfMs - dayMs < beatsKeptMs ? insertCoverage : keepCoverage;
    const attendance = this.#command(coverage, parameters).then(() => this.#command(insertStudentDays, parameters));
    const others = [insertPresence, insertSpending, insertEntitlements];
    // All end before the error of one is told: a statement that still ran could write under a run that follows.
    const ends = await Promise.allSettled([attendance, ...others.map((query) => this.#command(query, parameters))]);
    for (const end of ends) if (end.status === 'rejected') throw end.reason;
    await this.#command(insertDistrictDays, parameters);
    await this.#command(insertLog, parameters);
  }

  async daysOfTransfers(ids: readonly number[]): Promise<SchoolDay[]> {
    return this.#rows<SchoolDay>(daysOfTransfers, { ids });
  }

  async outOfDate(fromDay: number, asOfMs: number): Promise<DirtyMark[]> {
    return this.#rows(outOfDate, { from_day: fromDay, as_of_ms: asOfMs });
  }

  async close(): Promise<void> {
    await this.#client.close();
  }

  async #command(query: string, parameters: DeriveParameters & { readonly revision: number }): Promise<void> {
    await this.#client.command({
      query,
      query_params: parameters,
      abort_signal: this.#stop,
      clickhouse_settings: settings,
    });
  }

  async #rows<T>(query: string, parameters: Record<string, unknown>): Promise<T[]> {
    const format = 'JSONEachRow';
    const answer = await this.#client.query({ query, query_params: parameters, format, abort_signal: this.#stop });
    return answer.json<T>();
  }
}
