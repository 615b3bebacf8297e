import { accountParts } from '../../workers/journal/transfer-record.ts';
import type { BookedDay } from '../../workers/ledger/state/day-book.ts';
import { type DayTotals, takingsKop } from '../../workers/ledger/state/day-totals.ts';
import type { ShardPool } from '../../workers/pool/pool.ts';

/** What the shards' day books hold of a school's day in memory: canteen and carrier together. */
export interface BookedSums {
  sales: number;
  takingsKop: number;
}

/** By school; `days` are those of all shards. */
export function sumBooked(days: readonly BookedDay[]): Map<number, BookedSums> {
  const bySchool = new Map<number, BookedSums>();
  for (const { operator, totals } of days) {
    const schoolId = accountParts(operator).ownerId;
    const sums = bySchool.get(schoolId) ?? { sales: 0, takingsKop: 0 };
    sums.sales += salesOf(totals);
    sums.takingsKop += takingsKop(totals);
    bySchool.set(schoolId, sums);
  }
  return bySchool;
}

/** What all shards have booked for a day, by school. */
export async function bookedOn(pool: Pick<ShardPool, 'hosts'>, schoolDay: number): Promise<Map<number, BookedSums>> {
  const shards = await Promise.all(pool.hosts.map((host) => host.call({ type: 'dayBook', operator: 0, schoolDay })));
  return sumBooked(shards.flat());
}

/** Sales and rides, served or refused. */
function salesOf({ purses, entitled, transfers, refused }: DayTotals): number {
  const paid = Object.values(purses).reduce((sum, { n }) => sum + n, 0);
  const refusals = Object.values(refused).reduce((sum, n) => sum + n, 0);
  return paid + entitled.n + transfers.n + refusals;
}
