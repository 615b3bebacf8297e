import type { Difference } from '../../../analytics/verify/derived/check-day.ts';
import { bookDaysMax } from '../../../workers/ledger/limits.ts';
import type { AdminClient } from '../../admin-client.ts';
import type { DayCloseDocument } from '../../day-close/document.ts';
import { dateOf } from '../../explain/names.ts';
import type { BookedSums } from '../../reconcile/booked-days.ts';
import type { CountedDay, SumsOfDays } from '../../reconcile/day-sums.ts';

/** What the ledger has booked for a day in memory, by school; undefined where it does not keep the day any more. */
export type LedgerDay = (schoolDay: number) => Promise<ReadonlyMap<number, BookedSums> | undefined>;

/** The running service's word. */
export function ledgerOfService(admin: AdminClient): LedgerDay {
  return async (schoolDay) => {
    const path = `/admin/v1/day-close?day=${dateOf(schoolDay)}`;
    try {
      const { operators } = await admin.call<{ operators: DayCloseDocument[] }>('GET', path);
      return sumDocuments(operators);
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === 'DAY_TOO_OLD') return undefined;
      throw error;
    }
  };
}

function sumDocuments(documents: readonly DayCloseDocument[]): Map<number, BookedSums> {
  const sums = new Map<number, BookedSums>();
  for (const { school, purses, entitlements, free_transfers, refusals, takings_kop } of documents) {
    const sum = sums.get(school) ?? { sales: 0, takingsKop: 0 };
    const count = (list: readonly { readonly n: number }[]) => list.reduce((total, { n }) => total + n, 0);
    sum.sales += count(purses) + entitlements.n + free_transfers + count(refusals);
    sum.takingsKop += takings_kop;
    sums.set(school, sum);
  }
  return sums;
}

export interface LedgerCheck {
  readonly differences: Difference[];
  readonly rows: number;
  readonly unchecked: string[];
}

/**
 * Holds the ledger's day books against the journal's sums. `from`: the positions that the shards had reached before the
 * ledger was asked; a day that was changed behind them cannot be held against it.
 */
export function compareLedger(
  sums: SumsOfDays,
  booked: ReadonlyMap<number, ReadonlyMap<number, BookedSums> | undefined>,
  from: readonly number[],
): LedgerCheck {
  const check: LedgerCheck = { differences: [], rows: 0, unchecked: [] };
  let [moving, forgotten, rows] = [0, 0, 0];
  const schools = new Set([...sums.schools(), ...[...booked.values()].flatMap((day) => [...(day?.keys() ?? [])])]);
  for (const school of schools) {
    let laterSaleDays = 0;
    for (const day of [...booked.keys()].sort((a, b) => b - a)) {
      const counted = sums.daysOf(school).get(day);
      const { sales = 0, takingsKop = 0 } = counted ?? {};
      const book = booked.get(day)?.get(school);
      const isSold = sales > 0 || takingsKop !== 0;
      if (!isSold && book === undefined) continue;
      const isForgotten = booked.get(day) === undefined || (book === undefined && laterSaleDays >= bookDaysMax);
      if (isSold) laterSaleDays += 1;
      if (isForgotten) forgotten += 1;
      else if (isChanged(counted, from)) moving += 1;
      else {
        rows += 1;
        const [stored, expected] = [
          { sales: book?.sales ?? 0, takings_kop: book?.takingsKop ?? 0 },
          { sales, takings_kop: takingsKop },
        ];
        if (stored.sales === sales && stored.takings_kop === takingsKop) continue;
        check.differences.push({ table: 'ledger', school, day, key: '', stored, expected });
      }
    }
  }
  if (forgotten > 0) check.unchecked.push(`ledger: ${forgotten} school days are older than its day books`);
  if (moving > 0) check.unchecked.push(`ledger: ${moving} school days changed while it was asked`);
  return { ...check, rows };
}

function isChanged(counted: CountedDay | undefined, from: readonly number[]): boolean {
  return counted?.positions.some((position, shard) => position > from[shard]) ?? false;
}
