import { count, day, flag, id, kop, number } from '../columns.ts';
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
    journal_n: count('sales and rides, served or refused, without bounces: by the journal'),
    journal_kop: kop('what transfers brought the canteen and the carrier, less what they gave back: by the journal'),
    ledger_n: count('the same by the ledger; null beyond the days that it keeps', { nullable: true }),
    ledger_kop: kop('the same by the ledger; null beyond the days that it keeps', { nullable: true }),
    clickhouse_n: count('the same by ClickHouse; null while it is away, and for days whose taps it does not keep', {
      nullable: true,
    }),
    clickhouse_kop: kop('the same by ClickHouse; null while it is away', { nullable: true }),
    difference_n: number('the largest less the smallest of them, or of all taps, where that is more; 0 if all agree'),
    difference_kop: kop('the largest less the smallest of them; 0 if all agree'),
    journal_taps: count('taps of all kinds: by the journal'),
    clickhouse_taps: count('taps of all kinds: by ClickHouse; null as clickhouse_n is', { nullable: true }),
    is_settled: flag('nothing of the day was on its way: a difference is one'),
  },
  source: 'service',
  disclosure: {
    about: 'groups',
    schoolColumn: 'school_id',
    dayColumn: 'school_day',
    measures: [
      'journal_n',
      'journal_kop',
      'ledger_n',
      'ledger_kop',
      'clickhouse_n',
      'clickhouse_kop',
      'journal_taps',
      'clickhouse_taps',
    ],
  },
  sql: '',
});
