import type { Cell } from '../../analytics/queries/columns.ts';
import { queryLimits } from '../../analytics/queries/limits.ts';
import { OperatorError } from '../../workers/errors.ts';
import type { ShardPool } from '../../workers/pool/pool.ts';
import { SchoolCalendar } from '../admin/school-calendar.ts';
import type { ReconciledDay, Reconciliation } from '../reconcile/reconciliation.ts';
import type { Registry } from '../registry/store.ts';
import { schoolDaysPerPartMax } from './limits.ts';
import type { ServiceQuestion } from './messages.ts';

export interface ServiceAnswersOptions {
  readonly pool: Pick<ShardPool, 'hosts'>;
  readonly registry: Registry;
  readonly reconciliation: Pick<Reconciliation, 'ask'>;
  readonly now: () => number;
}

type Part = readonly (readonly Cell[])[];

const dayMs = 86_400_000;

/**
 * Answers what ClickHouse is not asked, on the service's own thread: rows in the order of the query's columns, part by
 * part, so that nothing else waits for long. Throws OperatorError QUERY_TOO_LARGE.
 */
export function serviceAnswers({ pool, registry, reconciliation, now }: ServiceAnswersOptions) {
  const calendar = new SchoolCalendar(registry);

  async function* insideNow({ parameters, schools }: ServiceQuestion): AsyncGenerator<Part> {
    const classId = parameters.class as number | undefined;
    let told = 0;
    // One school after the other: the shards decide taps in between.
    for (const schoolId of schools) {
      const today = await calendar.dayOfSchool(schoolId, now());
      const shards = await Promise.all(pool.hosts.map((host) => host.call({ type: 'inside', schoolId })));
      const inside = shards
        .flat()
        .filter((one) => one.schoolDay >= today && (classId === undefined || one.classId === classId))
        .sort((a, b) => a.classId - b.classId || a.pupilId - b.pupilId);
      told += inside.length;
      if (told > queryLimits.rowsMax) throw tooLarge('inside_now');
      yield inside.map((one) => [schoolId, one.classId, one.pupilId, new Date(one.sinceMs).toISOString()]);
    }
  }

  async function* reconcile({ parameters, schools }: ServiceQuestion): AsyncGenerator<Part> {
    const dayOf = (text: unknown) => Date.parse(text as string) / dayMs;
    const [first, last] = [dayOf(parameters.from), dayOf(parameters.to)];
    if ((last - first + 1) * schools.length > queryLimits.rowsMax) throw tooLarge('reconcile');
    const days = Math.max(1, Math.floor(schoolDaysPerPartMax / Math.max(1, schools.length)));
    for (let from = first; from <= last; from += days) {
      const rows = await reconciliation.ask({ from, to: Math.min(last, from + days - 1), schools });
      yield rows.map(cellsOf);
    }
  }

  return (question: ServiceQuestion): AsyncIterable<Part> => {
    if (question.query === 'inside_now') return insideNow(question);
    if (question.query === 'reconcile') return reconcile(question);
    throw new Error(`the service does not answer ${question.query}`);
  };
}

function cellsOf(row: ReconciledDay): Cell[] {
  return [
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
  ];
}

function tooLarge(query: string): OperatorError {
  const message = `${query} has more rows than one answer may (${queryLimits.rowsMax})`;
  return new OperatorError('QUERY_TOO_LARGE', message, 'Ask for fewer days or schools.', 1);
}
