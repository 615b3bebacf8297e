import { describe, expect, it } from 'vitest';
import { useMigratedEngine } from '../../../analytics/clickhouse/migrated-engine.suite.ts';
import { engineMissing, temporaryFolder } from '../../../analytics/clickhouse/testing.suite.ts';
import { migrate } from '../../../analytics/schema/migrate.ts';
import { askWith } from '../../../analytics/verify/derived/ask.ts';
import { deriveAlone } from './settle.ts';

const today = Math.floor(Date.now() / 86_400_000);
/** Far beyond what is kept, and well within. */
const [oldDay, keptDay] = [today - 500, today - 30];

describe.skipIf(engineMissing() !== undefined)('days that an earlier version derived, where no service runs', () => {
  const folder = temporaryFolder();
  const engine = useMigratedEngine(folder);

  it('are derived again while their taps are there: after that they stay as they were published', async () => {
    for (const day of [oldDay, keptDay]) {
      const key = `1, toDate(${day})`;
      for (const query of [
        `INSERT INTO presence_5m (school_id, school_day, slot, inside, side, revision) SELECT ${key}, 100, 25, 0, 1`,
        `INSERT INTO district_day (school_id, school_day, side, revision) SELECT ${key}, 0, 1`,
        `INSERT INTO derive_log (school_id, school_day, revision, side, at) SELECT ${key}, 1, 0, now64(3)`,
      ]) {
        await engine.client.command({ query, clickhouse_settings: { async_insert: 0 } });
      }
    }
    await migrate(engine.engine.url, { tapRetentionDays: 400 });
    const { client } = engine;
    const derived = await deriveAlone({
      ask: askWith(client),
      client,
      clickhouseUrl: engine.engine.url,
      dataPath: folder.folder,
      journalDirectory: folder.folder,
      positions: [],
      nowMs: Date.now(),
    });
    expect(derived).toBe(1);
    const published = await engine.ask('SELECT toUInt16(school_day) AS day, inside FROM v_presence_5m');
    expect(published).toEqual([{ day: oldDay, inside: 25 }]);
  });
});
