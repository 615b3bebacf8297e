import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openClickHouse, type ClickHouseClient } from '../clickhouse/client.ts';
import { EmbeddedClickHouse } from '../clickhouse/embedded.ts';
import { engineMissing, temporaryFolder } from '../clickhouse/testing.suite.ts';
import { madeJournal } from '../sink/memory-cursor.suite.ts';
import { SinkThread, type SinkThreadOptions } from '../sink/thread.ts';
import { localMs } from './random-world.suite.ts';
import { dateOf, insertRoster } from './world-rows.suite.ts';

const missing = engineMissing();
const { folder, remove } = temporaryFolder();
const waitMs = 50_000;
/** The day of every row of the made journal, whose pupils go to schools 1 to 46. */
const schoolDay = 20_590;
const schoolsMax = 46;
const soon = { todayDelayMs: 20, pastDelayMs: 20, saveIntervalMs: 20, sweepIntervalMs: 600_000 };

describe.skipIf(missing !== undefined)('the deriver in the sink thread', () => {
  const journal = madeJournal(0);
  const durablePositions = new SharedArrayBuffer(8);
  const durable = new Float64Array(durablePositions);
  let engine: EmbeddedClickHouse;
  let client: ClickHouseClient;
  let thread: SinkThread | undefined;

  beforeAll(async () => {
    engine = await EmbeddedClickHouse.start({ directory: path.join(folder, 'clickhouse') });
    client = openClickHouse(engine.url);
  });

  afterAll(async () => {
    await thread?.stop({ drainTimeoutMs: 5_000 });
    await client?.close();
    await engine?.stop();
    remove();
  });

  function start(deriveLimits: SinkThreadOptions['deriveLimits']): SinkThread {
    const started = new SinkThread({
      shardCount: 1,
      clickhouseUrl: engine.url,
      cursorDirectory: path.join(folder, 'cursors'),
      journalDirectory: 'none',
      durablePositions,
      now: () => localMs(schoolDay, 15),
      cursorModule: new URL('../sink/memory-cursor.suite.ts', import.meta.url).href,
      ...(deriveLimits === undefined ? {} : { deriveLimits }),
    });
    started.start();
    return started;
  }

  const ask = async <T>(query: string): Promise<T[]> =>
    (await client.query({ query, format: 'JSONEachRow' })).json<T>();
  /** Lines of the log and the hour that they were written as of, by school. */
  const log = async () =>
    new Map(
      (
        await ask<{ school: number; lines: number; causes: string[]; hour: number }>(
          `SELECT school_id AS school, toUInt32(count()) AS lines, groupUniqArray(cause) AS causes,
          toHour(max(at)) AS hour FROM derive_log WHERE school_id > 0 GROUP BY school`,
        )
      ).map((row) => [row.school, row]),
    );
  /** Pupils with an entry, school by school, as the taps have it. */
  const entered = () =>
    ask(
      `SELECT school_id, uniqExact(pupil_id) AS pupils FROM tap WHERE kind = 1 AND code < 40 GROUP BY school_id ORDER BY school_id`,
    );
  const derivedEntered = () =>
    ask(
      `SELECT school_id, max(inside) AS pupils FROM v_presence_5m WHERE school_id > 0 GROUP BY school_id ORDER BY school_id`,
    );

  it('derives what is stored, also what was stored when it was not there, and what it is asked for', async () => {
    const halfway = 3_030;
    durable[0] = halfway;
    // Nothing is due before it stops.
    thread = start({ ...soon, todayDelayMs: 3_600_000, pastDelayMs: 3_600_000 });
    expect(await thread.waitUntilStored(0, halfway, waitMs)).toBe(true);
    await expect
      .poll(() => thread?.deriveStatus()?.backlogKeys, { timeout: waitMs })
      .toBeGreaterThanOrEqual(schoolsMax);
    await thread.stop({ drainTimeoutMs: waitMs });
    expect((await log()).size).toBe(0);

    thread = start(soon);
    await expect.poll(async () => (await log()).size, { timeout: waitMs }).toBe(schoolsMax);
    durable[0] = journal.lastPosition;
    expect(await thread.waitUntilStored(0, journal.lastPosition, waitMs)).toBe(true);
    await expect.poll(derivedEntered, { timeout: waitMs }).toEqual(await entered());
    const before = await log();
    expect(before.get(5)).toMatchObject({ causes: ['taps'], hour: 12 });

    const times = { doorsMs: localMs(schoolDay, 7), bellMs: localMs(schoolDay, 8.5), endMs: localMs(schoolDay, 14) };
    const pupil = { pupilId: 77, classId: 1, shift: 1, entitled: 0, excused: 0, revision: 1 };
    await insertRoster(client, [{ ...pupil, ...times, schoolId: 5, schoolDay }]);
    expect(await thread.markDirty([{ schoolId: 5, schoolDay, cause: 'roster' }])).toBe(true);
    const student = `SELECT pupil_id, status FROM v_student_day WHERE school_id = 5 AND school_day = '${dateOf(schoolDay)}'`;
    await expect.poll(() => ask(student), { timeout: waitMs }).toEqual([{ pupil_id: 77, status: 'no_tap_uncovered' }]);
    await thread.deriveNow(6, schoolDay);
    const after = await log();
    expect(after.get(6)!.causes).toContain('asked');
    expect(after.get(7)).toEqual(before.get(7));
  });
});
