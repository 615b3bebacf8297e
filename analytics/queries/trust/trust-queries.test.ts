import { describe, expect, it } from 'vitest';
import { randomFrom, testSeed } from '../../../workers/random.suite.ts';
import { useMigratedEngine } from '../../clickhouse/migrated-engine.suite.ts';
import { engineMissing, temporaryFolder } from '../../clickhouse/testing.suite.ts';
import { dateOf, timeOf } from '../../derive/world-rows.suite.ts';
import { askNamed } from '../query-engine.suite.ts';
import { aggregateChanges } from './aggregate-changes.ts';

const missing = engineMissing();
const zones = ['Europe/Moscow', 'Asia/Irkutsk', 'America/New_York'];
const dayMs = 86_400_000;
/** The second has two offsets in New York. */
const days = [20_757, 20_758];

describe.skipIf(missing !== undefined)('aggregate_changes, over random derivations', () => {
  const engine = useMigratedEngine(temporaryFolder());
  const random = randomFrom(testSeed);
  const localDay = (ms: number, timeZone: string): string =>
    new Intl.DateTimeFormat('sv-SE', { timeZone, dateStyle: 'short' }).format(ms);

  interface Line {
    readonly schoolId: number;
    readonly day: number;
    readonly revision: number;
    readonly atMs: number;
    readonly figures: readonly number[];
  }

  /** A school's day: lines as it runs, around its midnight to the millisecond, and days after it. */
  function linesOf(schoolId: number, day: number): Line[] {
    let midnightMs = day * dayMs + 4 * 3_600_000;
    while (localDay(midnightMs, zones[schoolId - 1]) <= dateOf(day)) midnightMs += 900_000;
    const moments = [-9_000_000, -5_000, -1, 0, 1, 3_600_000, 3 * dayMs].filter(() => random(4) > 0);
    return moments.map((afterMs, index) => {
      const before = [0, 0, 0].map(() => random(2));
      const change = [0, 0, 0].map(() => (random(3) === 0 ? 1 : 0));
      const kop = random(3) * 500;
      const figures = [
        ...before,
        kop,
        ...before.map((n, place) => n + change[place]),
        kop + (random(4) === 0 ? -100 : 0),
      ];
      return { schoolId, day, revision: 1_000 * schoolId + index, atMs: midnightMs + afterMs, figures };
    });
  }

  it('are the last line of each day, and what changed it afterwards', async () => {
    const names = ['before_expected', 'before_arrived', 'before_late', 'before_spend_kop'];
    const columns = [...names, ...names.map((name) => name.replace('before', 'after'))];
    const insert = (table: string, values: object[]) => engine.client.insert({ table, values, format: 'JSONEachRow' });
    const schools = zones.map((tz, index) => ({ school_id: index + 1, district_id: 1, tz, revision: 1 }));
    await insert('dim_school', schools);
    const lines = days.flatMap((day) => zones.flatMap((_, index) => linesOf(index + 1, day)));
    const row = ({ schoolId, day, revision, atMs, figures }: Line) => ({
      school_id: schoolId,
      school_day: dateOf(day),
      revision,
      cause: 'taps',
      at: timeOf(atMs),
      ...Object.fromEntries(columns.map((name, place) => [name, figures[place]])),
    });
    await insert('derive_log', lines.map(row));
    const expected = days.flatMap((day) =>
      zones.flatMap((zone, index) => {
        const own = lines.filter((line) => line.day === day && line.schoolId === index + 1);
        const isAfterwards = ({ atMs }: Line) => localDay(atMs, zone) > dateOf(day);
        const standing = own.filter((line) => !isAfterwards(line)).slice(-1);
        const changed = own
          .filter(isAfterwards)
          .filter(({ figures }) => figures.slice(0, 4).join() !== figures.slice(4).join());
        return [...standing, ...changed].map((line) => ({
          ...row(line),
          at: new Date(line.atMs).toISOString(),
          is_afterwards: isAfterwards(line),
        }));
      }),
    );
    const asked = { schools: [1, 2, 3], from: dateOf(days[0]), to: dateOf(days[1]) };
    expect(await askNamed(engine.client, aggregateChanges, asked), `with TAPLINE_SEED=${testSeed}`).toEqual(expected);
    expect(expected.length).toBeGreaterThan(3);
  });
});
