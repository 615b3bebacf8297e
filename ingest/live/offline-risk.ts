import type { OfflineTotal } from '../../workers/ledger/state/day-totals.ts';
import { newDayTotals, mergeTotals } from '../../workers/ledger/state/day-totals.ts';
import type { ShardPool } from '../../workers/pool/pool.ts';
import { operatorNames, takingsAccount } from '../day-close/operators.ts';

/** What each reader of a school sold offline on a school day, as far as its taps have come in. */
export async function offlineRisk(
  pool: ShardPool,
  schoolId: number,
  schoolDay: number,
): Promise<Readonly<Record<number, OfflineTotal>>> {
  const asked = operatorNames.flatMap((operator) =>
    pool.hosts.map((host) => host.call({ type: 'dayBook', operator: takingsAccount(operator, schoolId), schoolDay })),
  );
  const totals = newDayTotals();
  for (const day of (await Promise.all(asked)).flat()) mergeTotals(totals, day.totals);
  return totals.offline;
}
