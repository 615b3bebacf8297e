import { appendFileSync, cpSync, openSync, readdirSync, readFileSync, closeSync, rmSync, writeSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { EmbeddedClickHouse } from '../../analytics/clickhouse/embedded.ts';
import { openClickHouse } from '../../analytics/clickhouse/client.ts';
import { engineMissing } from '../../analytics/clickhouse/testing.suite.ts';
import { shardDirectory } from '../../workers/journal/cursor.ts';
import { FileStorage } from '../../workers/journal/file-storage.ts';
import { readNewestSnapshot, writeSnapshot } from '../../workers/journal/snapshots.ts';
import { TestReader } from '../gateway/test-reader.suite.ts';
import { removeFolder, RunningService, tapline, temporaryFolder, writeRegion } from '../running-service.suite.ts';
import type { Verdict } from './verify.ts';

const folder = temporaryFolder();
const good = path.join(folder, 'good');
const readers = 3;
const tapsEach = 100;
const shards = 2;

beforeAll(async () => {
  if (engineMissing() !== undefined) return;
  writeRegion(folder);
  await tapline(['import', folder, '--data', good]);
  const service = await RunningService.start(good, ['--shards', String(shards)]);
  for (let readerId = 1; readerId <= readers; readerId++) {
    const { reader } = await TestReader.welcome(service.stream, readerId);
    for (let seq = 1; seq <= tapsEach; seq += 20) await reader.taps(seq, 20);
    await reader.taps(tapsEach - 10, 5);
    await reader.close();
  }
  expect(await service.end()).toBe(0);
});
afterAll(() => removeFolder(folder));

/** `verify` of a copy of the good directory, in which `plant` has put something wrong. */
async function verdictOf(name: string, plant: (data: string) => void | Promise<void>) {
  const data = path.join(folder, name);
  cpSync(good, data, { recursive: true });
  await plant(data);
  const result = await tapline(['verify', '--json', '--data', data]);
  rmSync(data, { recursive: true });
  return { ...result, verdict: result.out === '' ? undefined : (JSON.parse(result.out) as Verdict) };
}

async function inClickHouse(data: string, ...queries: string[]): Promise<void> {
  const engine = await EmbeddedClickHouse.start({ directory: path.join(data, 'clickhouse') });
  const client = openClickHouse(engine.url);
  for (const query of queries) await client.command({ query, clickhouse_settings: { mutations_sync: '2' } });
  await client.close();
  await engine.stop();
}

/** Overwrites the last bytes that the newest segment of a shard holds. */
function zeroLastBlock(data: string, shard: number): void {
  const directory = shardDirectory(path.join(data, 'journal'), shard);
  const written = readdirSync(directory)
    .filter((name) => name.endsWith('.journal'))
    .map((name) => ({ file: path.join(directory, name), end: lastByte(path.join(directory, name)) }))
    .filter(({ end }) => end > 0)
    .sort((a, b) => (a.file < b.file ? -1 : 1))
    .at(-1)!;
  const descriptor = openSync(written.file, 'r+');
  writeSync(descriptor, Buffer.alloc(200), 0, 200, written.end - 199);
  closeSync(descriptor);
}

function lastByte(file: string): number {
  const bytes = readFileSync(file);
  let end = bytes.length - 1;
  while (end >= 0 && bytes[end] === 0) end -= 1;
  return end;
}

function dropSnapshots(data: string): void {
  for (let shard = 0; shard < shards; shard++) dropSnapshotsOf(data, shard);
}

function dropSnapshotsOf(data: string, shard: number): void {
  const directory = shardDirectory(path.join(data, 'journal'), shard);
  for (const name of readdirSync(directory)) if (name.endsWith('.snapshot')) rmSync(path.join(directory, name));
}

describe.skipIf(engineMissing() !== undefined)('verify', () => {
  const all = readers * tapsEach;

  test('good data: acknowledged = journaled = stored, and the same again', async () => {
    for (const name of ['first', 'second']) {
      const { status, verdict } = await verdictOf(name, () => undefined);
      const counts = { acked: all, journaled: all, stored: all, lost: 0, doubled: 0, sum_kop: 0, transfers: all };
      expect(verdict).toMatchObject({ ...counts, ok: true, problems: [] });
      expect(status).toBe(0);
    }
  });

  test('good data without snapshots gives the same', async () => {
    expect((await verdictOf('replayed', dropSnapshots)).verdict).toMatchObject({ acked: all, stored: all, ok: true });
  });

  test('a ClickHouse that is lost with its cursors is filled again from the journal', async () => {
    const { verdict } = await verdictOf('emptied', (data) => {
      for (const name of ['clickhouse', 'sink']) rmSync(path.join(data, name), { recursive: true });
    });
    expect(verdict).toMatchObject({ acked: all, stored: all, transfers: all, ok: true });
  });

  test.each([
    ['deleted', 'DELETE FROM tap WHERE reader_id = 2 AND seq = 7', { lost: 1, doubled: 0, stored: all - 1 }],
    ['doubled', 'INSERT INTO tap SELECT * FROM tap WHERE reader_id = 2 AND seq = 7', { lost: 0, doubled: 1 }],
    ['changed', 'ALTER TABLE tap UPDATE balance_kop = balance_kop + 1 WHERE seq = 7', { lost: 0, doubled: 0 }],
    ['recoded', 'ALTER TABLE tap UPDATE code = 10 WHERE seq = 7', { lost: 0, doubled: 0 }],
    ['a transfer deleted', 'DELETE FROM transfer WHERE school_id = 10 AND pupil_id = 7', {}],
  ])('a tap %s in ClickHouse', async (name, query, expected) => {
    const { status, verdict } = await verdictOf(name, (data) => inClickHouse(data, query));
    expect(verdict).toMatchObject({ ...expected, ok: false });
    expect(verdict!.problems.join()).toContain('in ClickHouse');
    expect(status).toBe(1);
  });

  test('one tap deleted and another doubled, so that the number is right', async () => {
    const { verdict } = await verdictOf('both', (data) =>
      inClickHouse(
        data,
        'INSERT INTO tap SELECT * FROM tap WHERE reader_id = 2 AND seq = 7',
        'DELETE FROM tap WHERE reader_id = 2 AND seq = 47',
      ),
    );
    expect(verdict).toMatchObject({ lost: 1, doubled: 1, ok: false });
  });

  test('an acknowledgement beyond the journal', async () => {
    const { status, verdict } = await verdictOf('told', (data) => {
      appendFileSync(path.join(data, 'acknowledged.log'), `2 1 ${tapsEach + 4}\n`);
    });
    expect(verdict).toMatchObject({ lost: 4, ok: false });
    expect(verdict!.problems).toEqual([expect.stringMatching(/reader 2, epoch 1: 4 .* seq 101$/)]);
    expect(status).toBe(1);
  });

  test.each(['with', 'without'])('a journal whose last block is gone, %s a snapshot behind it', async (how) => {
    const result = await verdictOf(`torn-${how}`, (data) => {
      zeroLastBlock(data, 0);
      if (how === 'without') dropSnapshots(data);
    });
    expect(result.status, result.error).toBe(1);
    expect(result.verdict).toMatchObject({ ok: false });
    expect(result.verdict!.lost).toBeGreaterThan(0);
  });

  test('a balance in the snapshot', async () => {
    const { status, verdict } = await verdictOf('snapshot', (data) => {
      const storage = new FileStorage(shardDirectory(path.join(data, 'journal'), 1));
      const snapshot = readNewestSnapshot(storage)!;
      const balances = Float64Array.from(new Float64Array(snapshot.columns.get('pupil.balance')!.slice().buffer));
      balances[balances.findIndex((kop) => kop !== 0)] += 1;
      dropSnapshotsOf(data, 1);
      writeSnapshot(storage, {
        ...snapshot,
        columns: new Map([...snapshot.columns, ['pupil.balance', new Uint8Array(balances.buffer)]]),
      });
    });
    expect(verdict).toMatchObject({ lost: 0, doubled: 0, ok: false });
    expect(verdict!.problems.join()).toMatch(/1 balances differ.*add up to 1 kopecks/);
    expect(status).toBe(1);
  });
});
