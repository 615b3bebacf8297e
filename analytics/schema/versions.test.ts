import path from 'node:path';
import { Readable } from 'node:stream';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openClickHouse, type ClickHouseClient } from '../clickhouse/client.ts';
import { EmbeddedClickHouse } from '../clickhouse/embedded.ts';
import { engineMissing, temporaryFolder } from '../clickhouse/testing.suite.ts';
import { FileDeriveCursorStore } from '../derive/derive-cursor.ts';
import { ClickHouseDeriveStore } from '../derive/derive-store.ts';
import { Deriver } from '../derive/deriver.ts';
import { namedQueries } from '../queries/catalogue.ts';
import { askNamed } from '../queries/query-engine.suite.ts';
import { sinkLimits } from '../limits.ts';
import { BatchBuilder, type BatchPart } from '../sink/batch.ts';
import { FileCursorStore } from '../sink/cursor.ts';
import { madeJournal } from '../sink/memory-cursor.suite.ts';
import type { MemoryJournal } from '../sink/memory-journal.suite.ts';
import { Sink } from '../sink/sink.ts';
import { migrate, readMigrations, type Migration } from './migrate.ts';

const missing = engineMissing();
const { folder, remove } = temporaryFolder();
const steps = readMigrations();
const waitMs = 50_000;
const shard = 0;
/** The day of every row of the made journal. */
const day = '2026-05-17';
const schools = Array.from({ length: 46 }, (_, index) => index + 1);

describe.skipIf(missing !== undefined)('a migration', () => {
  let engine: EmbeddedClickHouse;
  let databases = 0;
  const clients: ClickHouseClient[] = [];

  beforeAll(async () => {
    engine = await EmbeddedClickHouse.start({ directory: path.join(folder, 'clickhouse') });
  });
  afterAll(async () => {
    await Promise.all(clients.map((client) => client.close()));
    await engine?.stop();
    remove();
  });

  function newDatabase(): { url: string; client: ClickHouseClient; name: string } {
    const name = `versions_${++databases}`;
    const url = engine.url.replace(/\/[^/]*$/, `/${name}`);
    const client = openClickHouse(url);
    clients.push(client);
    return { url, client, name };
  }

  it.each(steps.slice(0, -1).map(({ version, name }) => [version, name] as const))(
    'from version %i (%s) keeps the rows, and everything goes on',
    async (version) => {
      const { url, client } = newDatabase();
      const directory = path.join(folder, `cursors-${version}`);
      const journal = madeJournal(shard);
      const before = journal.blocks[19].lastPosition;
      const { installationId } = await migrate(url, { migrations: steps.slice(0, version) });
      await storeAsThen(client, journal, before);
      const cursor = { storedPosition: before, lastTapPosition: before - 1, pending: null };
      await new FileCursorStore(path.join(directory, installationId)).save(shard, cursor);
      const stored = await contentOf(client);

      const migrated = await migrate(url);
      expect(migrated.applied).toEqual(steps.slice(version).map(({ name }) => name));
      expect(migrated.installationId).toBe(installationId);
      expect(await contentOf(client)).toEqual(stored);

      await goOn(url, directory, journal);
      const counts = 'SELECT toUInt32(count()) AS n, toUInt32(uniqExact(position)) AS different FROM tap';
      expect(await rowsOf(client, counts)).toEqual([{ n: journal.taps, different: journal.taps }]);
      // What was stored before the version that derives is derived, too.
      const presence = 'SELECT toUInt32(uniqExact(school_id)) AS n FROM v_presence_5m WHERE school_id > 0';
      expect(await rowsOf(client, presence)).toEqual([{ n: schools.length }]);
      for (const query of namedQueries.filter(({ sql }) => sql !== '')) {
        const said = { day, from: day, to: day, pupil: 1, reader: 1 };
        const known = Object.keys(said).filter((key) => key in query.parameters.shape) as (keyof typeof said)[];
        const parameters = Object.fromEntries(known.map((key) => [key, said[key]]));
        await expect(askNamed(client, query, { ...parameters, schools }), query.name).resolves.toBeInstanceOf(Array);
      }
    },
  );

  it('that is cut off behind any statement, and taken again, ends as one that was not', async () => {
    const whole = newDatabase();
    await migrate(whole.url);
    const expected = await schemaOf(whole);
    expect(expected.length).toBeGreaterThan(20);
    // One that is cut off behind its first statement, begun again and cut off behind its second, and so on.
    const here = newDatabase();
    for (const [index, step] of steps.entries()) {
      for (let done = 0; done <= step.statements.length; done++) {
        const cut: Migration = { ...step, statements: [...step.statements.slice(0, done), 'SELECT throwIf(1)'] };
        const attempt = migrate(here.url, { migrations: [...steps.slice(0, index), cut] });
        await expect(attempt, `${step.name}, ${done} statements`).rejects.toThrow('throwIf');
      }
      expect((await migrate(here.url, { migrations: steps.slice(0, index + 1) })).applied).toEqual([step.name]);
    }
    expect(await schemaOf(here)).toEqual(expected);
  });

  async function goOn(url: string, directory: string, journal: MemoryJournal): Promise<void> {
    let deriver: Deriver | undefined;
    const sink = new Sink({
      shardCount: 1,
      clickhouseUrl: url,
      cursorDirectory: directory,
      openCursor: (_, afterPosition) => journal.openCursor(afterPosition),
      durablePosition: () => journal.lastPosition,
      openFollower: (id) => {
        deriver = new Deriver({
          shardCount: 1,
          store: new ClickHouseDeriveStore(url, waitMs, new AbortController().signal),
          cursors: new FileDeriveCursorStore(path.join(directory, id)),
          openCursor: (_, afterPosition) => journal.openCursor(afterPosition),
          now: () => Date.parse(`${day}T15:00:00Z`),
          limits: { todayDelayMs: 20, pastDelayMs: 20 },
        });
        return deriver;
      },
    });
    sink.start();
    expect(await sink.waitUntilStored(shard, journal.lastPosition, waitMs)).toBe(true);
    const isIdle = () => deriver?.status().isScanning === false && deriver.status().backlogKeys === 0;
    await expect.poll(isIdle, { timeout: waitMs }).toBe(true);
    await sink.stop({ drainTimeoutMs: waitMs });
  }
});

/** As the sink of that version did: records as they lie in the journal, in the columns that the table had. */
async function storeAsThen(client: ClickHouseClient, journal: MemoryJournal, upTo: number): Promise<void> {
  const builder = new BatchBuilder(shard, sinkLimits);
  for (const block of journal.blocks) if (block.lastPosition <= upTo) builder.add(block);
  for (const part of builder.finish().parts) await insertAsThen(client, part);
}

async function insertAsThen(client: ClickHouseClient, part: BatchPart): Promise<void> {
  const columns = await rowsOf<{ name: string }>(
    client,
    `SELECT name FROM system.columns WHERE database = currentDatabase() AND table = '${part.table}'
       AND default_kind != 'ALIAS' ORDER BY position`,
  );
  const names = columns.map(({ name }) => name).join(', ');
  const { stream } = await client.exec({
    query: `INSERT INTO ${part.table} (${names}) FORMAT RowBinary`,
    values: Readable.from([part.bytes], { objectMode: false }),
  });
  stream.resume();
  await new Promise<void>((resolve, reject) => stream.once('end', resolve).once('error', reject));
}

/** What every version knows of the rows that are there. */
async function contentOf(client: ClickHouseClient): Promise<unknown[]> {
  return rowsOf(
    client,
    `SELECT * FROM (SELECT 'tap' AS of, count() AS n, sum(cityHash64(position, at, at_raw, received_at, amount_kop, debited_kop, balance_kop,
       reader_id, boot_epoch, seq, school_id, pupil_id, card_id, home_school_id, class_id, ref, rules_version, content_hash,
       shard, flags, school_day, local_minute, kind, code, purse, clock_quality, reader_flags, present, uid_size, uid,
       card_uid, kind_name, code_name)) AS hash FROM tap
     UNION ALL SELECT 'transfer', count(), sum(cityHash64(transfer_id, cause_position, debit_account, credit_account, kop, at,
       reverses, pupil_id, school_id, shard, school_day, cause, purse, cause_name, debit_owner_id, credit_owner)) FROM transfer)
     ORDER BY of`,
  );
}

/** Every table, view and column, without the name of their database. */
async function schemaOf({ client, name }: { client: ClickHouseClient; name: string }): Promise<string[]> {
  const rows = await rowsOf<{ line: string }>(
    client,
    `SELECT line FROM (SELECT concat(name, ': ', replaceAll(create_table_query, '${name}', '')) AS line FROM system.tables
       WHERE database = currentDatabase() AND NOT startsWith(name, '.')
     UNION ALL SELECT concat(table, '.', name, ' ', toString(position), ' ', type, ' ', default_kind, ' ', default_expression)
       FROM system.columns WHERE database = currentDatabase())
     ORDER BY line`,
  );
  return rows.map(({ line }) => line);
}

async function rowsOf<T>(client: ClickHouseClient, query: string): Promise<T[]> {
  return (await client.query({ query, format: 'JSONEachRow' })).json<T>();
}
