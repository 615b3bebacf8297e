import type { ClickHouseClient } from '../../analytics/clickhouse/client.ts';
import { firstDayKept, tapDaysKept } from '../../analytics/schema/retention.ts';
import { readStoredDays, type DaysAsked, type StoredDay } from '../../analytics/verify/stored-days.ts';
import { OperatorError } from '../../workers/errors.ts';
import { bookDaysMax } from '../../workers/ledger/limits.ts';
import type { ShardPool } from '../../workers/pool/pool.ts';
import { dateOf } from '../explain/names.ts';
import { bookedOn, type BookedSums } from './booked-days.ts';
import { CounterThread } from './counter-thread.ts';
import { daysAskedMax } from './limits.ts';
import type { CountedRow, CountsTold } from './thread-messages.ts';

export interface ReconciliationOptions {
  readonly pool: Pick<ShardPool, 'hosts' | 'durablePositions'>;
  readonly journalDirectory: string;
  /** Keeps what is counted of the journals over a restart. */
  readonly file: string;
  /** Position up to which a shard's journal is in ClickHouse. */
  readonly storedPosition: (shard: number) => number;
  /** ClickHouse as it is reached just now. */
  readonly clickhouse: () => ClickHouseClient;
  readonly onError?: (error: unknown) => void;
}

/**
 * One school's day by three accounts. `n` are sales and rides, served or refused, without bounces: what the ledger counts,
 * too. `kop` are kopecks that transfers brought the school's canteen and carrier, less what they gave back. Null where an
 * account cannot say: ClickHouse is away, the ledger keeps an operator's newest 62 days.
 */
export interface ReconciledDay {
  /** `YYYY-MM-DD` */
  readonly school_day: string;
  readonly school_id: number;
  readonly journal_n: number;
  readonly journal_kop: number;
  readonly ledger_n: number | null;
  readonly ledger_kop: number | null;
  /** Null as well for days whose taps ClickHouse does not keep; so are `clickhouse_taps`. */
  readonly clickhouse_n: number | null;
  readonly clickhouse_kop: number | null;
  /** The largest less the smallest of what is known, of the sales or, where that is more, of all taps. */
  readonly difference_n: number;
  readonly difference_kop: number;
  /** Taps of all kinds, which the ledger does not count by day. */
  readonly journal_taps: number;
  readonly clickhouse_taps: number | null;
  /** False while something of the day is on its way from one account to another: a difference is none yet. */
  readonly is_settled: boolean;
}

/** Holds journal, ledger and ClickHouse against each other for a screen: from sums that are kept, but for ClickHouse's. */
export class Reconciliation {
  readonly #options: ReconciliationOptions;
  readonly #counter: CounterThread;

  constructor(options: ReconciliationOptions) {
    this.#options = options;
    const { file, journalDirectory, pool } = options;
    const data = { file, journalDirectory, durablePositions: pool.durablePositions.buffer };
    this.#counter = new CounterThread(data, (error) => options.onError?.(error));
  }

  start(): void {
    this.#counter.start();
  }

  async stop(): Promise<void> {
    await this.#counter.stop();
  }

  /**
   * Days that any account knows of, by day and school. `from` and `to` are days since 1970, both included. Throws
   * RECONCILE_RANGE, RECONCILE_UNAVAILABLE.
   */
  async ask({ from, to, schools }: { from: number; to: number; schools: readonly number[] }): Promise<ReconciledDay[]> {
    if (to - from >= daysAskedMax) {
      const remedy = 'Ask for a shorter range.';
      throw new OperatorError('RECONCILE_RANGE', `more than ${daysAskedMax} days at once`, remedy, 2);
    }
    const asked: DaysAsked = { fromDay: from, toDay: to, schools };
    // The order counts: whatever the ledger had told is durable by then, hence counted; what came later is told apart.
    const ledgerFrom = [...this.#options.pool.durablePositions];
    const booked = await this.#booked(asked);
    const counted = await this.#counter.ask(asked);
    const storedFrom = counted.positions.map((_, shard) => this.#options.storedPosition(shard));
    const stored = await this.#stored(asked);
    const after = await this.#counter.ask(asked);
    return joined({ asked, ledgerFrom, booked, counted, storedFrom, stored, after });
  }

  /** Undefined when ClickHouse does not answer. */
  async #stored(asked: DaysAsked): Promise<StoredDays | undefined> {
    try {
      const client = this.#options.clickhouse();
      const firstTapDay = firstDayKept(await tapDaysKept(client));
      return { days: await readStoredDays(client, asked), firstTapDay };
    } catch (error) {
      this.#options.onError?.(error);
      return undefined;
    }
  }

  /** One day after the other: a shard must not be kept from its batches. */
  async #booked({ fromDay, toDay }: DaysAsked): Promise<Map<number, Map<number, BookedSums>>> {
    const byDay = new Map<number, Map<number, BookedSums>>();
    for (let day = fromDay; day <= toDay; day++) byDay.set(day, await bookedOn(this.#options.pool, day));
    return byDay;
  }
}

interface StoredDays {
  readonly days: readonly StoredDay[];
  /** Of earlier days ClickHouse keeps no taps, or is about to drop them. */
  readonly firstTapDay: number;
}

interface Accounts {
  readonly asked: DaysAsked;
  readonly ledgerFrom: readonly number[];
  readonly booked: ReadonlyMap<number, ReadonlyMap<number, BookedSums>>;
  readonly counted: CountsTold;
  readonly storedFrom: readonly number[];
  readonly stored: StoredDays | undefined;
  readonly after: CountsTold;
}

function joined(accounts: Accounts): ReconciledDay[] {
  const { asked, counted, stored, after, booked } = accounts;
  const countedRows = byDay(counted.rows);
  const storedRows = byDay(stored?.days ?? []);
  const afterRows = byDay(after.rows);
  const rows: ReconciledDay[] = [];
  const schools = [...new Set(asked.schools)].sort((a, b) => a - b);
  for (let day = Math.max(asked.fromDay, counted.keptFromDay); day <= asked.toDay; day++) {
    for (const schoolId of schools) {
      const key = keyOf(schoolId, day);
      const inBook = booked.get(day)?.get(schoolId);
      const inJournal = countedRows.get(key);
      const inStore = storedRows.get(key);
      if (inBook === undefined && inJournal === undefined && inStore === undefined) continue;
      const isSettled = isAtRest(accounts, inJournal, afterRows.get(key));
      const ofStore = stored === undefined ? undefined : storedSums(inStore ?? nothing, day >= stored.firstTapDay);
      rows.push(reconciled({ day, schoolId, inJournal, inBook, ofStore, isSettled }));
    }
  }
  return rows;
}

const nothing = { taps: 0, sales: 0, takingsKop: 0 };

interface StoredSums {
  readonly taps?: number;
  readonly sales?: number;
  readonly takingsKop: number;
}

/** Money is kept for good, also where taps are not. */
function storedSums({ taps, sales, takingsKop }: typeof nothing, hasTaps: boolean): StoredSums {
  return hasTaps ? { taps, sales, takingsKop } : { takingsKop };
}

/** Whether the three accounts can be of the same moment: nothing of the day is behind the ledger's word or not stored. */
function isAtRest(
  { ledgerFrom, storedFrom, counted, after }: Accounts,
  before: CountedRow | undefined,
  later: CountedRow | undefined,
): boolean {
  if (counted.isBehind || after.isBehind) return false;
  const positions = before?.positions ?? ledgerFrom.map(() => 0);
  if ((later?.taps ?? 0) !== (before?.taps ?? 0) || (later?.positions ?? positions).join() !== positions.join()) {
    return false;
  }
  return positions.every((position, shard) => position <= ledgerFrom[shard] && position <= storedFrom[shard]);
}

function reconciled(of: {
  day: number;
  schoolId: number;
  inJournal: CountedRow | undefined;
  inBook: BookedSums | undefined;
  ofStore: StoredSums | undefined;
  isSettled: boolean;
}): ReconciledDay {
  const { taps, sales, takingsKop } = of.inJournal ?? nothing;
  // The book lets an operator's oldest days go: a day that it does not have may be one of those.
  const isForgotten = of.inBook === undefined && (of.inJournal?.laterSaleDays ?? 0) >= bookDaysMax;
  const ofBook = isForgotten ? null : (of.inBook ?? nothing);
  const { ofStore } = of;
  return {
    school_day: dateOf(of.day),
    school_id: of.schoolId,
    journal_n: sales,
    journal_kop: takingsKop,
    ledger_n: ofBook?.sales ?? null,
    ledger_kop: ofBook?.takingsKop ?? null,
    clickhouse_n: ofStore?.sales ?? null,
    clickhouse_kop: ofStore?.takingsKop ?? null,
    difference_n: Math.max(spread([sales, ofBook?.sales, ofStore?.sales]), spread([taps, ofStore?.taps])),
    difference_kop: spread([takingsKop, ofBook?.takingsKop, ofStore?.takingsKop]),
    journal_taps: taps,
    clickhouse_taps: ofStore?.taps ?? null,
    is_settled: of.isSettled,
  };
}

function spread(values: readonly (number | undefined)[]): number {
  const known = values.filter((value) => value !== undefined);
  return Math.max(...known) - Math.min(...known);
}

function keyOf(schoolId: number, schoolDay: number): string {
  return `${schoolId}:${schoolDay}`;
}

function byDay<T extends { readonly schoolId: number; readonly schoolDay: number }>(rows: readonly T[]) {
  return new Map(rows.map((row) => [keyOf(row.schoolId, row.schoolDay), row]));
}
