import { beforeAll, describe, expect, it, vi } from 'vitest';
import type { ClickHouseClient } from '../../../analytics/clickhouse/client.ts';
import { useMigratedEngine } from '../../../analytics/clickhouse/migrated-engine.suite.ts';
import { engineMissing, temporaryFolder } from '../../../analytics/clickhouse/testing.suite.ts';
import { ClickHouseDeriveStore } from '../../../analytics/derive/derive-store.ts';
import { testSeed } from '../../../workers/random.suite.ts';
import { disclosureLimits } from './limits.ts';
import { RosterReader } from './rosters.ts';
import { days, dayTexts, insertDistrict, nowMs } from './small-district.suite.ts';

const missing = engineMissing();
const schools = [1, 2, 3, 4, 5];
const asked = { schools, from: dayTexts[1], to: dayTexts[4] };

describe.skipIf(missing !== undefined)('rosters of a district', () => {
  const engine = useMigratedEngine(temporaryFolder());
  const read: string[][] = [];
  const watched = {
    query: (of: { query_params: { days?: string[] } }) => {
      if (of.query_params.days !== undefined) read.push([...of.query_params.days].sort());
      return engine.client.query(of as never);
    },
  } as unknown as ClickHouseClient;
  const reader = new RosterReader(() => watched);

  beforeAll(() => insertDistrict(engine, { seed: testSeed }), 180_000);

  async function deriveAgain(schoolId: number, schoolDay: number): Promise<void> {
    const store = new ClickHouseDeriveStore(engine.engine.url, 60_000, new AbortController().signal);
    await store.derive({ schoolDay, schools: [{ schoolId, cause: 'asked' }], asOfMs: nowMs });
    await store.close();
  }

  /** All but three pupils of the class leave the roster of the day. */
  async function shrink(classId: number, day: string): Promise<void> {
    await engine.client.command({
      query: `ALTER TABLE roster_day DELETE WHERE class_id = ${classId} AND school_day = '${day}' AND pupil_id % 100 > 3`,
      clickhouse_settings: { mutations_sync: '2' },
    });
  }

  it('are read again of those days alone that were derived again, and tell what a fresh reader tells', async () => {
    const first = await reader.hiddenOf({ ...asked, revision: '1' });
    expect(read.splice(0)).toEqual([dayTexts.slice(1)]);
    expect(first.classes.get('4:41')).toBeUndefined();
    // Another question of the same days, and one of fewer: nothing new is known of them.
    await reader.hiddenOf({ ...asked, from: dayTexts[2], revision: '1' });
    expect(read.splice(0)).toEqual([]);
    await shrink(41, dayTexts[3]);
    await deriveAgain(4, days[3]);
    const second = await reader.hiddenOf({ ...asked, revision: '2' });
    expect(read.splice(0)).toEqual([[dayTexts[3]]]);
    expect(second.classes.get('4:41')).toBe('small');
    expect(second).toEqual(await new RosterReader(() => engine.client).hiddenOf({ ...asked, revision: '2' }));
    // A day before it is looked back to: it is read, the others are not.
    const before = await reader.hiddenOf({ ...asked, from: dayTexts[0], revision: '2' });
    expect(read.splice(0)).toEqual([[dayTexts[0]]]);
    expect(before.classes.get('5:52')).toBe('small');
    expect(second.classes.get('5:52')).toBeUndefined();
  }, 60_000);

  it('look back to the last roster before again in a while, also for who asks all the time', async () => {
    const clock = vi.spyOn(performance, 'now');
    const beganMs = performance.now();
    const question = { ...asked, from: dayTexts[2], revision: '9' };
    const first = await reader.hiddenOf(question);
    const later = async (ages: number) => {
      clock.mockImplementation(() => beganMs + ages * disclosureLimits.rostersAgeMs);
      // The cache looks at the clock once in a millisecond.
      await new Promise((resolve) => setTimeout(resolve, 20));
    };
    await later(0.9);
    expect(await reader.hiddenOf(question)).toBe(first);
    await later(1.2);
    expect(await reader.hiddenOf(question)).not.toBe(first);
    clock.mockRestore();
  });
});
