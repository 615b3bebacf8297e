import { describe, expect, it } from 'vitest';
import { queryLimits } from '../../analytics/queries/limits.ts';
import type { Reconciliation } from '../reconcile/reconciliation.ts';
import { schoolDaysPerPartMax } from './limits.ts';
import type { FromDashboards } from './messages.ts';
import { serviceAnswers, type ServiceAnswersOptions } from './service-answers.ts';
import { ServiceDesk } from './service-desk.ts';

type Asked = Parameters<Reconciliation['ask']>[0];

/** Answers that only the reconciliation is asked for; `asked` notes how. */
function answersOf(asked: Asked[]) {
  const reconciliation: Pick<Reconciliation, 'ask'> = {
    ask: (range) => {
      asked.push(range);
      const days = Array.from({ length: range.to - range.from + 1 }, (_, at) => range.from + at);
      const rows = days.flatMap((day) => range.schools.map((school) => ({ school_day: day, school_id: school })));
      return Promise.resolve(rows as never);
    },
  };
  return serviceAnswers({ reconciliation, now: Date.now } as unknown as ServiceAnswersOptions);
}
const schoolsOf = (count: number) => Array.from({ length: count }, (_, at) => at + 1);
const year = { from: '2025-09-01', to: '2026-08-31' };

describe('what the service answers', () => {
  it('tells a year of many schools in parts, each day once and in order, and lets others work in between', async () => {
    for (const schools of [1, 46, 136].map(schoolsOf)) {
      const asked: Asked[] = [];
      const rows: (readonly unknown[])[] = [];
      for await (const part of answersOf(asked)({ query: 'reconcile', parameters: year, schools })) {
        expect(part.length).toBeLessThanOrEqual(schoolDaysPerPartMax);
        rows.push(...part);
      }
      const first = Date.parse(year.from) / 86_400_000;
      expect(rows.map(([day, school]) => [day, school])).toEqual(
        Array.from({ length: 365 }, (_, at) => schools.map((school) => [first + at, school])).flat(),
      );
    }
  });

  it('asks nothing where an answer would be too large', async () => {
    const asked: Asked[] = [];
    const schools = schoolsOf(Math.floor(queryLimits.rowsMax / 365) + 1);
    const parts = answersOf(asked)({ query: 'reconcile', parameters: year, schools })[Symbol.asyncIterator]();
    await expect(parts.next()).rejects.toMatchObject({ code: 'QUERY_TOO_LARGE' });
    expect(asked).toEqual([]);
  });

  it('is whole or an error for who asked', async () => {
    const said: (FromDashboards & { type: 'ask' })[] = [];
    const desk = new ServiceDesk((message) => said.push(message as FromDashboards & { type: 'ask' }));
    const [whole, broken] = [1, 2].map(() => desk.ask('inside_now', { parameters: {}, schools: [1, 2] }));
    const [first, second] = said.map(({ id }) => id);
    for (const id of [first, second]) desk.hear({ type: 'rows', id, rows: [[1, id]] });
    desk.hear({ type: 'rows', id: first, rows: [[2, first]] });
    desk.hear({ type: 'answered', id: first });
    const error = { code: 'GONE', message: 'it is gone', remedy: 'Wait.', exitStatus: 3 } as const;
    desk.hear({ type: 'refusal', id: second, error });
    await expect(whole).resolves.toEqual([
      [1, first],
      [2, first],
    ]);
    await expect(broken).rejects.toMatchObject({ code: 'GONE' });
  });
});
