import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { statSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { findEngineFiles } from './engine-files.ts';
import { checkClickHouse, openClickHouse, parseClickHouseUrl } from './client.ts';
import { EmbeddedClickHouse, readEmbeddedUrl } from './embedded.ts';
import { engineMissing, temporaryFolder } from './testing.suite.ts';

const missing = engineMissing();
const { folder, remove } = temporaryFolder();

describe('without the optional packages', () => {
  it('says what is missing and what to do', async () => {
    const findFiles = (): never =>
      findEngineFiles(() => {
        throw new Error("Cannot find module 'ffi-rs'\nRequire stack:");
      }) as never;
    const start = EmbeddedClickHouse.start({ directory: path.join(folder, 'never'), findFiles });
    await expect(start).rejects.toMatchObject({ code: 'CLICKHOUSE_MISSING', exitStatus: 3 });
    await expect(start).rejects.toThrow(/Cannot find module 'ffi-rs'$/);
  });
});

describe('an address', () => {
  it('carries user, password and database', () => {
    expect(parseClickHouseUrl('https://ann:p%40ss@ch.example:8443/taps')).toEqual({
      url: 'https://ch.example:8443',
      username: 'ann',
      password: 'p@ss',
      database: 'taps',
    });
    expect(parseClickHouseUrl('http://localhost:8123')).toMatchObject({ username: 'default', database: 'tapline' });
  });

  it.each(['localhost:8123', 'tcp://localhost:9000', 'http://localhost:8123/a/b', ''])('is refused: "%s"', (text) => {
    expect(() => parseClickHouseUrl(text)).toThrow(expect.objectContaining({ code: 'CLICKHOUSE_URL', exitStatus: 2 }));
  });
});

describe.skipIf(missing !== undefined)('the embedded engine', () => {
  const directory = path.join(folder, 'clickhouse');
  const restarts: { url: string; pid: number }[] = [];
  let engine: EmbeddedClickHouse;

  beforeAll(async () => {
    engine = await EmbeddedClickHouse.start({ directory, onRestart: (restart) => restarts.push(restart) });
  });

  afterAll(async () => {
    await engine?.stop();
    remove();
  });

  it('tells other commands its address, and only its owner', () => {
    expect(readEmbeddedUrl(directory)).toBe(engine.url);
    expect(statSync(path.join(directory, 'endpoint.json')).mode & 0o077).toBe(0);
    expect(statSync(path.join(directory, 'users.xml')).mode & 0o077).toBe(0);
  });

  it('serves nobody without the password', async () => {
    const query = encodeURIComponent("SELECT * FROM file('/etc/passwd', 'LineAsString')");
    const answer = await fetch(`http://127.0.0.1:${engine.port}/?query=${query}`);
    expect(answer.ok).toBe(false);
    expect(await answer.text()).toContain('QUOTA_EXCEEDED');
  });

  it('syncs what is inserted and merged', async () => {
    const settings = await ask(
      engine.url,
      "SELECT name, value FROM system.merge_tree_settings WHERE changed AND name LIKE '%fsync%' ORDER BY name",
    );
    expect(settings).toEqual([
      { name: 'fsync_after_insert', value: '1' },
      { name: 'fsync_part_directory', value: '1' },
      { name: 'min_rows_to_fsync_after_merge', value: '1' },
    ]);
  });

  it('comes back with its tables on the same port when it is killed', async () => {
    await ask(engine.url, 'CREATE TABLE kept (n UInt8) ENGINE = MergeTree ORDER BY n');
    await ask(engine.url, 'INSERT INTO kept SELECT 7');
    const before = { url: engine.url, pid: engine.pid };
    process.kill(engine.pid, 'SIGKILL');
    while (restarts.length === 0) await sleep(10);
    expect(restarts[0].url).toBe(before.url);
    expect(restarts[0].pid).not.toBe(before.pid);
    expect(await ask(engine.url, 'SELECT n FROM kept')).toEqual([{ n: 7 }]);
  });

  it('ends when its parent is killed, and the next start takes over the folder', async () => {
    const other = path.join(folder, 'other');
    const script = path.join(import.meta.dirname, 'parent.suite.ts');
    const parent = spawn(process.execPath, [script, other], { stdio: ['ignore', 'pipe', 'inherit'] });
    const [said] = (await once(parent.stdout, 'data')) as [Buffer];
    const orphan = Number(said.toString());
    parent.kill('SIGKILL');
    // At once, while the orphan may still hold the folder.
    const next = await EmbeddedClickHouse.start({ directory: other });
    await expect.poll(() => isAlive(orphan), { timeout: 30_000 }).toBe(false);
    const client = openClickHouse(next.url, { database: 'system' });
    expect(await checkClickHouse(client)).toBeUndefined();
    await client.close();
    await next.stop();
    expect(next.state).toBe('stopped');
    expect(readEmbeddedUrl(other)).toBeUndefined();
  });
});

async function ask(address: string, query: string): Promise<unknown[]> {
  const client = openClickHouse(address, { database: 'default' });
  try {
    if (query.startsWith('SELECT')) return await (await client.query({ query, format: 'JSONEachRow' })).json();
    await client.command({ query });
    return [];
  } finally {
    await client.close();
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
