import type { Cell } from '../../analytics/queries/columns.ts';
import { SchoolCalendar } from '../admin/school-calendar.ts';
import type { Reconciliation } from '../reconcile/reconciliation.ts';
import type { Registry } from '../registry/store.ts';
import type { ShardPool } from '../../workers/pool/pool.ts';
import type { ServiceQuestion } from './messages.ts';

export interface ServiceAnswersOptions {
  readonly pool: Pick<ShardPool, 'hosts'>;
  readonly registry: Registry;
  readonly reconciliation: Pick<Reconciliation, 'ask'>;
  readonly now: () => number;
}

const dayMs = 86_400_000;

/** Answers what ClickHouse is not asked, on the service's own thread: rows in the order of the query's columns. */
export function serviceAnswers({ pool, registry, reconciliation, now }: ServiceAnswersOptions) {
  const calendar = new SchoolCalendar(registry);

  async function insideNow({ parameters, schools }: ServiceQuestion): Promise<Cell[][]> {
    const classId = parameters.class as number | undefined;
    const rows: Cell[][] = [];
    // One school after the other: the shards decide taps in between.
    for (const schoolId of schools) {
      const today = await calendar.dayOfSchool(schoolId, now());
      const shards = await Promise.all(pool.hosts.map((host) => host.call({ type: 'inside', schoolId })));
      const inside = shards.flat().filter((one) => one.schoolDay >= today);
      inside.sort((a, b) => a.classId - b.classId || a.pupilId - b.pupilId);
      for (const one of inside) {
        if (classId !== undefined && one.classId !== classId) continue;
        rows.push([schoolId, one.classId, one.pupilId, new Date(one.sinceMs).toISOString()]);
      }
    }
    return rows;
  }

  async function reconcile({ parameters, schools }: ServiceQuestion): Promise<Cell[][]> {
    const dayOf = (text: unknown) => Date.parse(text as string) / dayMs;
    const rows = await reconciliation.ask({ from: dayOf(parameters.from), to: dayOf(parameters.to), schools });
    return rows.map((row) => [
      row.school_day,
      row.school_id,
      row.journal_n,
      row.journal_kop,
      row.ledger_n,
      row.ledger_kop,
      row.clickhouse_n,
      row.clickhouse_kop,
      row.difference_n,
      row.difference_kop,
      row.journal_taps,
      row.clickhouse_taps,
      row.is_settled,
    ]);
  }

  return async (question: ServiceQuestion): Promise<readonly (readonly Cell[])[]> => {
    if (question.query === 'inside_now') return await insideNow(question);
    if (question.query === 'reconcile') return await reconcile(question);
    throw new Error(`the service does not answer ${question.query}`);
  };
}
