import { type ClickHouseClient, errorLine } from '../../../analytics/clickhouse/client.ts';
import { ClickHouseDeriveStore } from '../../../analytics/derive/derive-store.ts';
import { setTimeout as sleep } from 'node:timers/promises';
import { insertBeats, insertCalendar, insertRoster, insertTaps, insertTransfers } from './fill-sql.ts';
import { answersLimits } from './limits.ts';
import { insertPopulation, type Population } from './population.ts';
import { dayOf, historyDay, type HistoryDay } from './school-days.ts';

/** What a fill begins without: everything that has days, also what a service froze before it. */
const tablesWithDays = `
SELECT name FROM system.tables WHERE database = currentDatabase() AND engine LIKE '%MergeTree'
  AND name NOT IN ('schema_migration', 'installation') AND NOT startsWith(name, 'dim_')`;

/** How far a history goes. */
export interface FillTarget {
  /** Back until there are so many taps, or so many days of lessons. */
  readonly taps: number;
  readonly days: number;
}

/** What is there. */
export interface Filled {
  /** Calendar days since 1970, both included. */
  readonly firstDay: number;
  readonly lastDay: number;
  readonly openDays: number;
  readonly taps: number;
}

type Progress = (line: string) => void;

/** Makes a history in the tables of the schema, day by day back from the last. */
export class HistoryFill {
  readonly #client: ClickHouseClient;
  readonly #population: Population;
  readonly #seed: number;
  readonly #progress: Progress;

  constructor(client: ClickHouseClient, population: Population, seed: number, progress: Progress = () => undefined) {
    this.#client = client;
    this.#population = population;
    this.#seed = seed;
    this.#progress = progress;
  }

  /** Empties the tables and puts schools and readers in. */
  async begin(): Promise<void> {
    const answer = await this.#client.query({ query: tablesWithDays, format: 'JSONEachRow' });
    const tables = await answer.json<{ name: string }>();
    for (const { name } of tables) await this.#client.command({ query: `TRUNCATE TABLE ${name}` });
    await insertPopulation(this.#client, this.#population);
  }

  /** Goes on back from `before`, or begins with `lastDay`. */
  async extend(lastDay: number, target: FillTarget, before?: Filled): Promise<Filled> {
    let filled = before ?? { firstDay: lastDay + 1, lastDay, openDays: 0, taps: 0 };
    while (filled.taps < target.taps && filled.openDays < target.days) {
      if (lastDay - filled.firstDay > answersLimits.fillDaysBackMax) break;
      const days: HistoryDay[] = [];
      let openDays = filled.openDays;
      while (days.length < answersLimits.fillBatchDays && openDays < target.days) {
        const day = historyDay(filled.firstDay - 1 - days.length);
        days.push(day);
        if (day.is_open) openDays++;
      }
      const firstDay = filled.firstDay - days.length;
      await this.#fillDays(days, lastDay - firstDay > answersLimits.beatsKeptDays);
      filled = { ...filled, firstDay, openDays, taps: await this.#countTaps() };
      this.#progress(`filled back to ${dayOf(firstDay)}: ${openDays} days of lessons, ${filled.taps} taps`);
    }
    return filled;
  }

  async #fillDays(days: readonly HistoryDay[], isOld: boolean): Promise<void> {
    await this.#client.insert({ table: 'bench.day', values: [...days], format: 'JSONEachRow' });
    const query_params = {
      seed: this.#seed,
      from: days[days.length - 1].school_day,
      to: days[0].school_day,
      pupils: this.#population.pupils.length,
      is_old: isOld ? 1 : 0,
    };
    for (const query of [insertRoster, insertCalendar, insertBeats, insertTaps, insertTransfers]) {
      // With a hash of each block remembered, a table would spend its window on the fill.
      const clickhouse_settings = { async_insert: 0, insert_deduplicate: 0 } as const;
      await this.#client.command({ query, query_params, clickhouse_settings });
    }
  }

  async #countTaps(): Promise<number> {
    const answer = await this.#client.query({ query: 'SELECT toUInt32(count()) AS n FROM tap', format: 'JSONEachRow' });
    return (await answer.json<{ n: number }>())[0].n;
  }

  /** Takes away what the fill was made from. */
  async end(): Promise<void> {
    await this.#client.command({ query: 'DROP DATABASE IF EXISTS bench' });
  }
}

/** Derives days as the product does, each as of its end; gives the ms of each. */
export async function deriveDays(
  address: string,
  schools: readonly number[],
  days: readonly number[],
  { atOnce, progress = () => undefined }: { readonly atOnce: number; readonly progress?: Progress },
): Promise<number[]> {
  const store = new ClickHouseDeriveStore(address, answersLimits.statementTimeoutMs, new AbortController().signal);
  const spentMs: number[] = [];
  const waiting = days.entries();
  const work = async (): Promise<void> => {
    for (const [place, schoolDay] of waiting) {
      const beganMs = performance.now();
      const of = schools.map((schoolId) => ({ schoolId, cause: 'asked' }));
      await store.derive({ schoolDay, schools: of, asOfMs: (schoolDay + 1) * 86_400_000 });
      spentMs[place] = performance.now() - beganMs;
      if (place % 50 === 49) progress(`derived ${place + 1} of ${days.length} days`);
    }
  };
  try {
    await Promise.all(Array.from({ length: atOnce }, work));
  } finally {
    await store.close();
  }
  return spentMs;
}

/** Beats that the product would not have any more, as whole weeks. */
export async function dropOldBeats(client: ClickHouseClient, lastDay: number): Promise<void> {
  const before = dayOf(lastDay - answersLimits.beatsKeptDays - 7);
  const query = `SELECT DISTINCT partition FROM system.parts WHERE database = currentDatabase() AND table = 'reader_beat' AND active
    AND toDate(partition) < '${before}'`;
  const answer = await client.query({ query, format: 'JSONEachRow' });
  for (const { partition } of await answer.json<{ partition: string }>()) {
    await client.command({ query: `ALTER TABLE reader_beat DROP PARTITION '${partition}'` });
  }
}

/** Waits until no merge is under way, so that questions are asked of parts as they are in the long run. */
export async function mergesAreQuiet(client: ClickHouseClient, progress: Progress = () => undefined): Promise<void> {
  const giveUpMs = Date.now() + answersLimits.mergesWithinMs;
  for (let quiet = 0; quiet < 3 && Date.now() < giveUpMs; await sleep(answersLimits.mergesPollMs)) {
    try {
      const query = 'SELECT toUInt32(count()) AS n FROM system.merges';
      const [{ n }] = await (await client.query({ query, format: 'JSONEachRow' })).json<{ n: number }>();
      quiet = n === 0 ? quiet + 1 : 0;
    } catch (error) {
      progress(`merges: ${errorLine(error)}`);
    }
  }
}
