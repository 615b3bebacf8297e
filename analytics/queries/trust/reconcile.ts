import { count, day, id, kop, number } from '../columns.ts';
import { defineQuery } from '../define.ts';
import { someDays } from '../parameters.ts';

export const reconcile = defineQuery({
  name: 'reconcile',
  subject: 'trust',
  summary: 'Each school day by three accounts that must be the same: the journal, the ledger, ClickHouse',
  parameters: someDays,
  columns: {
    school_day: day('the day'),
    school_id: id('the school', { names: 'school' }),
    journal_n: count('by the journal: taps'),
    journal_kop: kop('by the journal: kopecks moved'),
    ledger_n: count('by the ledger: taps'),
    ledger_kop: kop('by the ledger: kopecks moved'),
    clickhouse_n: count('by ClickHouse: taps'),
    clickhouse_kop: kop('by ClickHouse: kopecks moved'),
    difference_n: number('between the largest and the smallest of the three, 0 if they agree'),
    difference_kop: kop('between the largest and the smallest of the three, 0 if they agree'),
  },
  source: 'service',
  disclosure: {
    about: 'groups',
    schoolColumn: 'school_id',
    dayColumn: 'school_day',
    measures: ['journal_n', 'journal_kop', 'ledger_n', 'ledger_kop', 'clickhouse_n', 'clickhouse_kop'],
  },
  sql: '',
});
