import type { ClickHouseClient } from '../../../analytics/clickhouse/client.ts';
import { unpackKey } from '../../../analytics/derive/touched.ts';
import type { Touched } from '../../../analytics/derive/types.ts';
import { firstDayKept, tapDaysKept } from '../../../analytics/schema/retention.ts';
import { askWith } from '../../../analytics/verify/derived/ask.ts';
import type { Difference } from '../../../analytics/verify/derived/check-day.ts';
import type { Ask } from '../../../analytics/verify/derived/read-inputs.ts';
import type { Cells } from '../../../analytics/verify/derived/rows.ts';
import { type DayLine, readStoredLines } from '../../../analytics/verify/stored-lines.ts';
import { dateOf } from '../../explain/names.ts';
import type { BookedSums } from '../../reconcile/booked-days.ts';
import { checkDerivedDays } from './derived-days.ts';
import { type JournalDays, lineKey, readJournalDays } from './journal-days.ts';
import { compareLedger, type LedgerDay } from './ledger-days.ts';
import { differencesMax } from './limits.ts';
import { deriveAlone, untilDerived } from './settle.ts';

export interface DeepInput {
  readonly dataPath: string;
  readonly journalDirectory: string;
  readonly client: ClickHouseClient;
  readonly clickhouseUrl: string;
  /** How far each shard is durable now; asked again and again beside a running service. */
  readonly positions: () => Promise<readonly number[]>;
  readonly ledgerDay: LedgerDay;
  /** True when no service runs. */
  readonly isAlone: boolean;
  readonly onProgress?: (text: string) => void;
}

export interface NamedDifference {
  /** `tap`, `transfer`, `ledger`, or a derived table; `derive_head`: the day was never derived. */
  readonly table: string;
  readonly school: number;
  /** `YYYY-MM-DD` */
  readonly day: string;
  readonly key: string;
  /** Only what differs; null where there is no such row. */
  readonly stored: Cells | null;
  readonly expected: Cells | null;
}

/** What `verify --deep` found. */
export interface DeepVerdict {
  readonly schools_days: number;
  /** Taps of the journal, and kopecks that its transfers moved. */
  readonly taps: number;
  readonly kop: number;
  /** By table: rows (of taps and transfers: school days by kind and cause) held against each other; how many differ. */
  readonly tables: Record<string, { readonly rows: number; readonly differences: number }>;
  /** The first of them. */
  readonly differences: readonly NamedDifference[];
  /** What was done before, and what could not be checked, in words. */
  readonly notes: readonly string[];
  readonly unchecked: readonly string[];
  readonly ok: boolean;
}

/**
 * Holds journal, ledger and ClickHouse against each other for each school and day, and everything that is derived against
 * a recomputation that shares nothing with the statements that derive.
 */
export async function verifyDeep(input: DeepInput): Promise<DeepVerdict> {
  const onProgress = input.onProgress ?? (() => undefined);
  const ask = askWith(input.client);
  const kept = await tapDaysKept(input.client);
  const { from, booked, positions, journal } = await readAccounts(input, onProgress);
  const notes: string[] = [];
  const firstTapDay = firstDayKept(kept);
  const stored = await untilStored(ask, positions, journal, firstTapDay);
  const ledger = compareLedger(journal.sums, booked, from);
  const lines = compareLines(journal, stored, firstTapDay);
  const derived = await checkDerivedDays({
    ask,
    touched: touchedByDay(journal.touched),
    tapDaysKept: kept,
    settle: await derivedFirst({
      ...input,
      ask,
      positionsNow: positions,
      newestMs: journal.newestMs,
      notes,
      onProgress,
    }),
    onProgress,
  });
  const differences = [...lines.differences, ...ledger.differences, ...derived.differences];
  const rows = { tap: lines.rows.tap, transfer: lines.rows.transfer, ledger: ledger.rows, ...derived.rows };
  const sum = (table: string, of: 'n' | 'kop') =>
    [...journal.lines.values()].reduce((total, line) => total + (line.table === table ? line[of] : 0), 0);
  return {
    schools_days: derived.schoolDays,
    taps: sum('tap', 'n'),
    kop: sum('transfer', 'kop'),
    tables: Object.fromEntries(
      Object.entries(rows).map(([table, count]) => [
        table,
        { rows: count, differences: differences.filter((one) => one.table === table).length },
      ]),
    ),
    differences: differences.slice(0, differencesMax).map((one) => ({ ...one, day: dateOf(one.day) })),
    notes,
    unchecked: [...lines.unchecked, ...ledger.unchecked, ...derived.unchecked],
    ok: differences.length === 0,
  };
}

/** The order counts: what the ledger had told is in the journal when that is read; what came in between is told apart. */
async function readAccounts(input: DeepInput, onProgress: (text: string) => void) {
  onProgress('reading the journals by school and day');
  const from = await input.positions();
  const days = new Set<number>();
  const first = readJournalDays(input.journalDirectory, from);
  for (const school of first.sums.schools()) for (const day of first.sums.daysOf(school).keys()) days.add(day);
  const booked = new Map<number, ReadonlyMap<number, BookedSums> | undefined>();
  onProgress(`asking the ledger for ${days.size} days`);
  const before = await input.positions();
  for (const day of days) booked.set(day, await input.ledgerDay(day));
  const positions = await input.positions();
  const isSame = positions.every((position, shard) => position === from[shard]);
  const journal = isSame ? first : readJournalDays(input.journalDirectory, positions);
  return { from: before, booked, positions, journal };
}

const storePolls = 300;
const storePollMs = 200;

/** ClickHouse takes a moment for what is durable already. */
async function untilStored(
  ask: Ask,
  positions: readonly number[],
  journal: JournalDays,
  firstTapDay: number,
): Promise<DayLine[]> {
  const isDropped = ({ table, day }: DayLine) => table === 'tap' && day < firstTapDay;
  const total = (lines: Iterable<DayLine>) => [...lines].reduce((sum, line) => sum + (isDropped(line) ? 0 : line.n), 0);
  const wanted = total(journal.lines.values());
  let best = -1;
  for (let polls = 0; ; polls++) {
    const lines = await readStoredLines(ask, positions);
    const count = total(lines);
    // What is lost never comes.
    if (count >= wanted || polls >= storePolls || (count === best && polls > 10)) return lines;
    best = count;
    await new Promise((resolve) => setTimeout(resolve, storePollMs));
  }
}

function compareLines(journal: JournalDays, stored: readonly DayLine[], firstDay: number) {
  const differences: Difference[] = [];
  const rows = { tap: 0, transfer: 0 };
  const inStore = new Map(stored.map((line) => [lineKey(line), line]));
  let dropped = 0;
  for (const [key, line] of new Map([...inStore, ...journal.lines])) {
    if (line.table === 'tap' && line.day < firstDay) {
      dropped += 1;
      continue;
    }
    rows[line.table] += 1;
    const [expected, found] = [journal.lines.get(key), inStore.get(key)];
    const names = (['n', 'kop', 'fields'] as const).filter((name) => expected?.[name] !== found?.[name]);
    if (names.length === 0) continue;
    const only = (of: DayLine | undefined) =>
      of === undefined ? null : Object.fromEntries(names.map((name) => [name, of[name]]));
    const { table, school, day, number } = line;
    const what = table === 'tap' ? 'kind' : 'cause';
    differences.push({ table, school, day, key: `${what}=${number}`, stored: only(found), expected: only(expected) });
  }
  const unchecked = dropped === 0 ? [] : [`tap: ${dropped} lines are of days that ClickHouse does not keep any more`];
  return { differences, rows, unchecked };
}

function touchedByDay({ byTaps, byTransfers }: Touched): Map<number, Set<number>> {
  const byDay = new Map<number, Set<number>>();
  for (const key of [...byTaps, ...byTransfers]) {
    const { schoolId, schoolDay } = unpackKey(key);
    byDay.set(schoolDay, (byDay.get(schoolDay) ?? new Set()).add(schoolId));
  }
  return byDay;
}

/** What is durable is derived first: by the running service, else here. Gives how to wait for more of it. */
async function derivedFirst(
  input: DeepInput & {
    ask: Ask;
    positionsNow: readonly number[];
    newestMs: number;
    notes: string[];
    onProgress: (text: string) => void;
  },
): Promise<(() => Promise<unknown>) | undefined> {
  const { ask, dataPath, notes, onProgress } = input;
  if (input.isAlone) {
    const [{ ms }] = await ask<{ ms: number }>('SELECT toUnixTimestamp64Milli(max(at)) AS ms FROM derive_log');
    const nowMs = Math.max(ms, input.newestMs);
    const count = await deriveAlone({ ...input, positions: input.positionsNow, nowMs });
    if (count > 0) notes.push(`${count} school days were derived first`);
    return undefined;
  }
  const settle = async () => await untilDerived(ask, dataPath, await input.positions());
  const beginMs = Date.now();
  onProgress('waiting until what is durable is derived');
  if (!(await untilDerived(ask, dataPath, input.positionsNow))) {
    notes.push('the derivation makes no progress: see "derive" in "tapline status"');
  } else if (Date.now() - beginMs > 1_000) {
    notes.push(`waited ${Math.round((Date.now() - beginMs) / 1_000)} s until the newest days were derived`);
  }
  return settle;
}
