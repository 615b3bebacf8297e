import { refusalError } from '../admin/refusals.ts';
import { bookDaysMax } from '../../workers/ledger/limits.ts';
import type { BookedDay } from '../../workers/ledger/state/day-book.ts';
import { type DayTotals, mergeTotals, newDayTotals } from '../../workers/ledger/state/day-totals.ts';
import type { ShardPool } from '../../workers/pool/pool.ts';

/** One operator's school day, summed over the shards. */
export interface Booked {
  /** The operator's takings account. */
  readonly account: number;
  readonly schoolDay: number;
  readonly totals: DayTotals;
  /** How it stood when the last shard closed it, at `at`; null until every shard has. */
  readonly closed: { readonly at: number; readonly totals: DayTotals } | null;
}

/** The day as it stands. Throws DAY_TOO_OLD if a shard no longer keeps it: a sum of the others would be too small. */
export async function bookedDay(pool: ShardPool, account: number, schoolDay: number): Promise<Booked> {
  const shards = await Promise.all(
    pool.hosts.map((host) => host.call({ type: 'dayBook', operator: account, schoolDay: 0 })),
  );
  if (shards.some((days) => isTooOld(days, schoolDay))) throw refusalError('DAY_TOO_OLD');
  const parts = shards.map((days) => days.find((day) => day.schoolDay === schoolDay));
  return sumOf(account, schoolDay, parts);
}

/** Every operator that has something booked for the day, in the order of their accounts. */
export async function bookedOperators(pool: ShardPool, schoolDay: number): Promise<number[]> {
  const shards = await Promise.all(pool.hosts.map((host) => host.call({ type: 'dayBook', operator: 0, schoolDay })));
  return [...new Set(shards.flat().map((day) => day.operator))].sort((a, b) => a - b);
}

/**
 * Closes the day in every shard, in those that closed it before not again. Cut off in the middle it is not closed, and
 * doing it again completes it. Says whether it was closed already. Throws DAY_TOO_OLD before anything is closed.
 */
export async function closeBookedDay(
  pool: ShardPool,
  account: number,
  schoolDay: number,
  nowMs: number,
): Promise<{ isRepeat: boolean }> {
  await bookedDay(pool, account, schoolDay);
  const command = { type: 'closeDay', operator: account, schoolDay, at: nowMs } as const;
  const answers = await Promise.all(pool.hosts.map(({ shard }) => pool.execute(shard, [command], nowMs)));
  const all = answers.flat();
  for (const answer of all) if (!answer.ok) throw refusalError(answer.refusal);
  return { isRepeat: all.every((answer) => answer.ok && answer.isRepeat) };
}

/** What came after the close. */
export function afterClose({ totals, closed }: Booked): DayTotals | null {
  if (closed === null) return null;
  return mergeTotals(mergeTotals(newDayTotals(), totals), closed.totals, -1);
}

function sumOf(account: number, schoolDay: number, parts: readonly (BookedDay | undefined)[]): Booked {
  const totals = newDayTotals();
  const closedTotals = newDayTotals();
  const closedAt: number[] = [];
  for (const part of parts) {
    if (part === undefined) continue;
    mergeTotals(totals, part.totals);
    if (part.closed === null) continue;
    mergeTotals(closedTotals, part.closed.totals);
    closedAt.push(part.closed.at);
  }
  const isClosed = closedAt.length === parts.length;
  return { account, schoolDay, totals, closed: isClosed ? { at: Math.max(...closedAt), totals: closedTotals } : null };
}

/** The day book drops its oldest days: what is older than the oldest of a full one may have been dropped. */
function isTooOld(days: readonly BookedDay[], schoolDay: number): boolean {
  return days.length >= bookDaysMax && days.every((day) => schoolDay < day.schoolDay);
}
