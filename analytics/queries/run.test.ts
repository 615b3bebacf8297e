import { describe, expect, it } from 'vitest';
import { useMigratedEngine } from '../clickhouse/migrated-engine.suite.ts';
import { engineMissing, temporaryFolder } from '../clickhouse/testing.suite.ts';
import { count, day, flag, id, kop, number, percent, text, time } from './columns.ts';
import { defineQuery } from './define.ts';
import { readFreshness } from './freshness.ts';
import { queryLimits } from './limits.ts';
import { daysAndClass } from './parameters.ts';
import { askNamed } from './query-engine.suite.ts';

const missing = engineMissing();

const everyKind = defineQuery({
  name: 'every_kind',
  subject: 'trust',
  summary: 'One column of each kind',
  parameters: daysAndClass,
  columns: {
    school_id: id('a school', { names: 'school' }),
    n: count('a count'),
    sum_kop: kop('kopecks'),
    pct: percent('a share'),
    none: number('nothing', { nullable: true }),
    school_day: day('a day'),
    at: time('a moment'),
    words: text('words'),
    is_so: flag('yes'),
  },
  source: 'live',
  disclosure: { about: 'system' },
  sql: `SELECT arrayJoin({schools:Array(UInt32)}), toUInt64(9007199254740991), toInt64(-5), 12.35, NULL, {to:Date},
    {now:DateTime64(3)}, 'a;"b', toBool({class_id:UInt32} = 0)`,
});

describe.skipIf(missing !== undefined)('a named query', () => {
  const engine = useMigratedEngine(temporaryFolder());
  const asked = { schools: [7], from: '2026-11-01', to: '2026-11-24', nowMs: Date.UTC(2026, 10, 24, 1, 2, 3, 45) };

  it('gives cells of the declared types, and binds what was asked', async () => {
    expect(await askNamed(engine.client, everyKind, asked)).toEqual([
      {
        school_id: 7,
        n: 9_007_199_254_740_991,
        sum_kop: -5,
        pct: 12.35,
        none: null,
        school_day: '2026-11-24',
        at: '2026-11-24T01:02:03.045Z',
        words: 'a;"b',
        is_so: true,
      },
    ]);
    expect(await askNamed(engine.client, everyKind, { ...asked, schools: [] })).toEqual([]);
  });

  it('refuses days that are too many or in the wrong order, and more rows than an answer may have', async () => {
    const ask = (more: object) => askNamed(engine.client, everyKind, { ...asked, ...more });
    await expect(ask({ from: '2026-11-25' })).rejects.toMatchObject({ code: 'DAYS_INVALID', exitStatus: 2 });
    await expect(ask({ from: '2025-11-23' })).rejects.toMatchObject({ code: 'DAYS_INVALID' });
    const endless = { ...everyKind, sql: 'SELECT number FROM numbers(1000000)' };
    await expect(askNamed(engine.client, endless, asked)).rejects.toMatchObject({ code: 'QUERY_TOO_LARGE' });
    const writing = { ...everyKind, sql: 'TRUNCATE TABLE tap' };
    await expect(askNamed(engine.client, writing, asked)).rejects.toThrow(/readonly/i);
    expect(queryLimits.rowsMax).toBeLessThan(1_000_000);
  });

  it('is as fresh as nothing where nothing is derived', async () => {
    const freshness = await readFreshness(engine.client, { schools: [7], from: '2026-11-01', to: '2026-11-24' });
    expect(freshness).toMatchObject({ asOf: null, schoolDays: 0, coveragePct: null });
  });

  it('has another revision whichever of its days is derived again, also where a clock was put back', async () => {
    const days = { from: '2025-01-13', to: '2025-01-13' };
    const publish = async (schoolId: number, revision: number) => {
      const key = `${schoolId}, toDate('${days.from}')`;
      for (const query of [
        `INSERT INTO district_day (school_id, school_day, side, revision) SELECT ${key}, 0, ${revision}`,
        `INSERT INTO derive_log (school_id, school_day, revision, side, at) SELECT ${key}, ${revision}, 0, now64(3)`,
      ]) {
        await engine.client.command({ query, clickhouse_settings: { async_insert: 0 } });
      }
      return (await readFreshness(engine.client, { schools: [31, 32], ...days })).revision;
    };
    const revisions = [await publish(31, 900), await publish(32, 100), await publish(32, 101), await publish(31, 901)];
    expect(new Set(revisions).size).toBe(4);
  });
});
