import path from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { randomFrom, testSeed } from '../../workers/random.suite.ts';
import { withCluster, openClickHouse, parseClickHouseUrl, type ClickHouseClient } from '../clickhouse/client.ts';
import { engineMissing, temporaryFolder } from '../clickhouse/testing.suite.ts';
import { ClickHouseDeriveStore } from '../derive/derive-store.ts';
import { localMs, WorldMaker, type WorldSize } from '../derive/random-world.suite.ts';
import { dateOf, insertRoster, insertSchools, insertTaps, insertTransfers } from '../derive/world-rows.suite.ts';
import { sinkLimits } from '../limits.ts';
import { namedQueries } from '../queries/catalogue.ts';
import { askNamed } from '../queries/query-engine.suite.ts';
import { runReadOnlySql } from '../queries/sql.ts';
import { BatchBuilder, recordBytesOf, type BatchPart } from '../sink/batch.ts';
import { deliverPart } from '../sink/deliver.ts';
import { madeJournal } from '../sink/memory-cursor.suite.ts';
import { ClickHouseRowStore } from '../sink/store.ts';
import { clusterBookkeeping, ClusterSchema } from './cluster.ts';
import { ClusterEngine, shardDatabases } from './cluster-engine.suite.ts';
import { migrate, readMigrations } from './migrate.ts';

const place = { cluster: "the school's", database: 'tapline' };
const missing = engineMissing();
const { folder, remove } = temporaryFolder();
const steps = readMigrations();
const waitMs = 60_000;

it('is told in the address, which every client reads', () => {
  const address = withCluster('https://user:pass@host:8443/region', 'main');
  expect(parseClickHouseUrl(address)).toMatchObject({ url: 'https://host:8443', database: 'region', cluster: 'main' });
  expect(parseClickHouseUrl('http://host:8123').cluster).toBeUndefined();
});

it('translates the first steps, which never change, so', async () => {
  const schema = new ClusterSchema(place);
  const statements = steps
    .slice(0, 4)
    .flatMap(({ statements: all }) => all.flatMap((statement) => schema.translate(statement)));
  await expect(`${statements.join(';\n\n')};\n`).toMatchFileSnapshot('cluster.snapshot.sql');
});

it.each([
  'OPTIMIZE TABLE tap',
  'ALTER TABLE nothing ADD COLUMN n UInt8',
  'ALTER TABLE tap UPDATE kop = 1 WHERE 1',
  'CREATE MATERIALIZED VIEW IF NOT EXISTS v TO nothing AS SELECT 1 FROM tap',
  'CREATE VIEW IF NOT EXISTS school AS SELECT * FROM elsewhere',
  'CREATE TABLE IF NOT EXISTS t (n UInt8) ENGINE = Memory',
  'INSERT INTO nothing SELECT 1',
])('refuses what it does not understand: %s', (statement) => {
  const schema = new ClusterSchema(place);
  for (const step of steps[0].statements) schema.translate(step);
  expect(() => schema.translate(statement)).toThrow(expect.objectContaining({ code: 'SCHEMA_NOT_FOR_CLUSTER' }));
});

describe.skipIf(missing !== undefined)('a cluster of two shards', () => {
  let cluster: ClusterEngine;
  let alone: ClickHouseClient;
  let aloneUrl: string;

  beforeAll(async () => {
    cluster = await ClusterEngine.start(path.join(folder, 'cluster'));
    await cluster.make(steps);
    aloneUrl = cluster.url.replace(/\/[^/]*$/, '/alone');
    await migrate(aloneUrl);
    alone = openClickHouse(aloneUrl);
  });
  afterAll(async () => {
    await alone?.close();
    await cluster?.stop();
    remove();
  });

  it('has statements that a server can read', async () => {
    const schema = new ClusterSchema(place);
    const bookkeeping = clusterBookkeeping(
      place,
      'CREATE TABLE IF NOT EXISTS t (n UInt8)\nENGINE = MergeTree ORDER BY n',
    );
    const all = steps.flatMap(({ statements }) => statements.flatMap((statement) => schema.translate(statement)));
    for (const query of [bookkeeping, ...all]) {
      const answer = await alone.query({
        query: 'SELECT formatQuery({query:String}) AS read',
        query_params: { query },
        format: 'JSONEachRow',
      });
      expect(JSON.stringify(await answer.json())).toContain(query.startsWith('INSERT') ? 'INSERT' : 'ON CLUSTER');
    }
  });

  it('is asked by people as one server is', async () => {
    const answer = await runReadOnlySql(cluster.client, 'SELECT count() FROM tap', 'TSV');
    expect(await text(answer)).toBe('0\n');
  });

  it('is not taken for one server, nor one server for it', async () => {
    await expect(migrate(cluster.url.replace(/\?.*$/, ''))).rejects.toMatchObject({ code: 'SCHEMA_PLACE' });
    await expect(migrate(`${aloneUrl}?cluster=two_shards`)).rejects.toThrow();
  });

  it('gives what one server gives: derived, and asked by name', async () => {
    const random = randomFrom(testSeed);
    const days = [20_600, 20_601];
    const size: WorldSize = { schools: [1, 2, 3, 4, 5, 6], days, pupils: 25, after: 0 };
    const world = new WorldMaker(random, size).make();
    for (const client of [alone, cluster.client]) {
      await insertTaps(client, world.taps);
      await insertTransfers(client, world.transfers);
      await insertRoster(client, world.roster);
      await insertSchools(client, world);
    }
    for (const url of [aloneUrl, cluster.url]) {
      const store = new ClickHouseDeriveStore(url, waitMs, new AbortController().signal);
      for (const hour of [9, 22]) {
        for (const schoolDay of days) {
          const schools = size.schools.map((schoolId) => ({ schoolId, cause: 'taps' }));
          await store.derive({ schoolDay, schools, asOfMs: localMs(schoolDay, hour) });
        }
      }
      await store.close();
    }
    // Both shards have their part.
    for (const database of shardDatabases) {
      const [{ n }] = await cluster.rows<{ n: number }>(
        `SELECT toUInt32(count()) AS n FROM ${database}.student_day_local`,
      );
      expect(n, database).toBeGreaterThan(0);
    }
    for (const view of [
      'student_day',
      'coverage_day',
      'presence_5m',
      'spend_day',
      'entitlement_day',
      'school_day',
      'district_day',
    ]) {
      const query = `SELECT toJSONString(tuple(* EXCEPT (${view === 'district_day' ? 'district_id' : 'revision'}))) AS row FROM v_${view} ORDER BY row`;
      const rows = await rowsOf(alone, query);
      expect(rows.length, view).toBeGreaterThan(0);
      expect(await rowsOf(cluster.client, query), view).toEqual(rows);
    }
    const from = dateOf(days[0]);
    const to = dateOf(days[1]);
    for (const query of namedQueries.filter(({ sql }) => sql !== '')) {
      const said = { day: to, from, to, pupil: world.roster[0].pupilId, reader: 11 };
      const known = Object.keys(said).filter((key) => key in query.parameters.shape) as (keyof typeof said)[];
      const asked = Object.fromEntries(known.map((key) => [key, said[key]]));
      const common = { ...asked, schools: size.schools, nowMs: localMs(days[1], 22) };
      const rows = await askNamed(alone, query, common);
      expect(comparable(await askNamed(cluster.client, query, common)), query.name).toEqual(comparable(rows));
    }
  });

  it('takes a batch once, also when only one shard had taken its part', async () => {
    const part = tapPart();
    const store = new ClickHouseRowStore(cluster.url, waitMs, new AbortController().signal);
    const where = `FROM tap WHERE school_day = '2026-05-17'`;
    const [{ schools }] = await cluster.rows<{ schools: number[] }>(
      'SELECT groupArray(number) AS schools FROM numbers(1, 46) WHERE intHash64(toUInt32(number)) % 2 = 0',
    );
    await store.insert(onlySchools(part, schools.map(Number)), part.token);
    const [before] = await rowsOf<{ n: number }>(cluster.client, `SELECT toUInt32(count()) AS n ${where}`);
    expect(before.n).toBeGreaterThan(0);
    expect(before.n).toBeLessThan(part.rows);
    for (let time = 0; time < 2; time++) await deliverPart(store, part, { fresh: false, mayFill: false });
    // The first attempt, which is still under way somewhere.
    await store.insert(part, part.token);
    const counts = `SELECT toUInt32(count()) AS n, toUInt32(uniqExact(position)) AS different ${where}`;
    expect(await rowsOf(cluster.client, counts)).toEqual([{ n: part.rows, different: part.rows }]);
    await store.close();
  });
});

/** Rows of a query that says no order among equals are in none; revisions are of their run. */
function comparable(rows: readonly Record<string, unknown>[]): string[] {
  return rows.map((row) => JSON.stringify({ ...row, revision: 0 })).sort();
}

function tapPart(): BatchPart {
  const builder = new BatchBuilder(0, sinkLimits);
  for (const block of madeJournal(0).blocks.slice(0, 5)) builder.add(block);
  return builder.finish().parts.find(({ table }) => table === 'tap')!;
}

/** What a shard that alone was there took of the part. */
function onlySchools(part: BatchPart, schools: readonly number[]): BatchPart {
  const bytes = recordBytesOf('tap');
  const rows = Array.from({ length: part.rows }, (_, row) =>
    Buffer.from(part.bytes.subarray(row * bytes, (row + 1) * bytes)),
  );
  // The journal that is made gives a position the school 1 + position % 46.
  const own = rows.filter((row) => schools.includes(1 + (Number(row.readBigUInt64LE(0)) % 46)));
  return { ...part, bytes: Buffer.concat(own), rows: own.length };
}

async function rowsOf<T>(client: ClickHouseClient, query: string): Promise<T[]> {
  return (await client.query({ query, format: 'JSONEachRow' })).json<T>();
}
