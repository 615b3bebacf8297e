import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Code } from './protocol/codes.ts';
import { encodeTaps } from './protocol/encode.ts';
import { pupilsCount, readersCount, uidOf } from './gateway/running-gateway.suite.ts';
import { baseMs, tapsFrom, TestReader } from './gateway/test-reader.suite.ts';
import { removeFolder, RunningService, tapline, temporaryFolder, writeRegion } from './running-service.suite.ts';

const folder = temporaryFolder();
const data = path.join(folder, 'data');
/** How soon what a command changed has to hold. */
const effectMs = 5_000;
let service: RunningService;

beforeAll(async () => {
  writeRegion(folder);
  await tapline(['import', folder, '--data', data]);
  service = await RunningService.start(data);
});

afterAll(async () => {
  await service.end();
  removeFolder(folder);
});

/** Runs a command with --json: one JSON value on standard output, nothing on standard error. */
async function json<T>(parameters: readonly string[], status = 0): Promise<T> {
  const result = await tapline([...parameters, '--json', '--data', data]);
  expect({ status: result.status, error: result.error }, parameters.join(' ')).toEqual({ status, error: '' });
  return JSON.parse(result.out) as T;
}

async function refusal(parameters: readonly string[]): Promise<string> {
  const result = await tapline([...parameters, '--data', data]);
  expect(result.error).toMatch(/^[\w-]+: \S[^\n]*\n$/);
  return `${result.status} ${result.error.split(':')[0]}`;
}

describe('while the service runs', () => {
  test('cards and readers that commands change are decided anew within 5 s', async () => {
    const readerId = readersCount + 1;
    const { reader } = await TestReader.welcome(service.stream, 1);
    let seq = 0;
    const codeOf = async (uid: Uint8Array) => {
      seq += 1;
      const tap = { uid, kind: 1, deltaMs: seq * 60_000 };
      reader.send(encodeTaps({ firstSeq: seq, baseMs, taps: [tap] }));
      return (await reader.expect('ack')).codes[0];
    };
    const becomes = async (uid: Uint8Array, code: number) =>
      await expect.poll(() => codeOf(uid), { timeout: effectMs, interval: 50 }).toBe(code);
    const [uid, other] = [uidOf(1_000), uidOf(1_001)];
    const [hex, otherHex] = [uid, other].map((bytes) => Buffer.from(bytes).toString('hex'));
    expect(await codeOf(uid)).toBe(Code.cardUnknown);
    await json(['card', 'issue', '--uid', hex, '--pupil', String(pupilsCount + 1)]);
    await becomes(uid, Code.accepted);
    await json(['card', 'block', '--uid', hex]);
    await becomes(uid, Code.cardBlocked);
    await json(['card', 'unblock', '--uid', hex]);
    await becomes(uid, Code.accepted);
    await json(['card', 'replace', '--uid', hex, '--new-uid', otherHex]);
    await becomes(other, Code.accepted);
    await becomes(uid, Code.cardUnknown);
    await reader.close();
    expect(await refusal(['reader', 'revoke', '--id', String(readerId)])).toMatch(/^1 /);
  });

  test('a revoked reader is shut out while it is connected', async () => {
    const { reader } = await TestReader.welcome(service.stream, 2);
    await reader.taps(1, 5);
    await json(['reader', 'revoke', '--id', '2']);
    const revokedMs = performance.now();
    expect(await reader.expect('err')).toMatchObject({ code: 4, fatal: true });
    expect(performance.now() - revokedMs).toBeLessThan(effectMs);
    const list = await json<{ reader_id: number; revoked: boolean }[]>(['reader', 'list']);
    expect(list.find((one) => one.reader_id === 2)?.revoked).toBe(true);
  });

  test('a top-up with the same key is done once; another with that key is refused', async () => {
    const topup = (kop: number, key: string) => [
      'topup',
      '--pupil',
      '3',
      '--purse',
      'buffet',
      '--kop',
      String(kop),
      '--key',
      key,
    ];
    const first = await json(topup(5_000, 'a'));
    expect(first).toMatchObject({ ok: true, repeated: false, balance_kop: 5_000 });
    expect(await json(topup(5_000, 'a'))).toEqual({ ...(first as object), repeated: true });
    expect(await json(topup(6_000, 'a'), 1)).toMatchObject({ ok: false, refusal: 'KEY_CONFLICT' });
    expect(await json(['topup', '--pupil', '999', '--purse', 'meal', '--kop', '1', '--key', 'b'], 1)).toMatchObject({
      ok: false,
    });
    const file = path.join(folder, 'topups.csv');
    writeFileSync(file, 'pupil_id,purse,kop,key\n3,buffet,5000,a\n3,buffet,700,c\n4,meal,100,d\n');
    expect(await json(['topup', '--file', file])).toMatchObject({ done: 2, repeated: 1, refused: 0 });
    writeFileSync(file, 'pupil_id,purse,kop,key\n3,buffet,700,e\n3,sock,1,f\n');
    expect(await refusal(['topup', '--file', file])).toBe('2 TOPUPS_INVALID');
    expect(await json(['account', '--pupil', '3'])).toMatchObject({ pupil: 3, purses_kop: { buffet: 5_700 } });
    expect(await refusal(['account', '--pupil', '999'])).toBe('1 PUPIL_UNKNOWN');
  });

  test('status, explain, journal, verify and sql', async () => {
    const { reader } = await TestReader.welcome(service.stream, 3);
    await reader.taps(1, 200);
    await reader.close();
    expect(await json(['status'])).toMatchObject({ ready: true, admission: { open: true }, readers: { revoked: 1 } });
    const tap = await json<{ input: object; decision: object; transfers: object[] }>(['explain', '3:1:4']);
    expect(tap).toMatchObject({ input: { kind: 'meal', amount_kop: 100 }, decision: { code: 13 } });
    expect(tap.transfers).toEqual([expect.objectContaining({ debit: 'pupil:5:meal', credit: 'canteen:10', kop: 100 })]);
    const { shards } = await json<{ shards: { taps: number }[] }>(['journal', 'inspect']);
    expect(shards.reduce((sum, { taps }) => sum + taps, 0)).toBeGreaterThanOrEqual(205);
    expect(await json(['journal', 'verify'])).toMatchObject({ ok: true });
    const verdict = await json<Record<string, number>>(['verify']);
    expect(verdict).toMatchObject({
      ok: true,
      lost: 0,
      doubled: 0,
      sum_kop: 0,
      stored: verdict.acked,
      journaled: verdict.acked,
    });
    const count = await json<{ data: { count: string }[] }>([
      'sql',
      'SELECT count() AS count FROM tap WHERE reader_id = 3',
    ]);
    expect(Number(count.data[0].count)).toBe(200);
    const lines = await tapline(['sql', 'SELECT 1, 2', '--format', 'CSV', '--data', data]);
    expect(lines).toEqual({ status: 0, out: '1,2\n', error: '' });
    for (const query of ['DROP TABLE tap', 'INSERT INTO tap (seq) VALUES (1)', 'nonsense']) {
      expect(await refusal(['sql', query])).toBe('2 SQL_FAILED');
    }
  });

  test('the directory is in use, and the port is taken', async () => {
    expect(await refusal(['up', '--port', '0', '--log-level', 'silent'])).toBe('3 DATA_IN_USE');
    expect((await json<{ ready: boolean }>(['status'])).ready).toBe(true);
  });
});

describe('operation over HTTP', () => {
  const get = async (where: string) => {
    const response = await fetch(service.url + where);
    return { status: response.status, type: response.headers.get('Content-Type'), text: await response.text() };
  };

  test('alive, ready, codes, and 404 for the rest', async () => {
    expect(await get('/healthz')).toMatchObject({ status: 200, text: '{"alive":true}' });
    expect(await get('/readyz')).toMatchObject({ status: 200, text: '{"ready":true,"reasons":[]}' });
    expect(JSON.parse((await get('/protocol/codes.json')).text)).toMatchObject({ protocolVersion: 1 });
    for (const where of ['/', '/v1', '/v1/taps/x', '/admin', '/%2e%2e/etc/passwd'])
      expect((await get(where)).status).toBe(404);
    expect((await fetch(`${service.url}/v1/challenge`, { method: 'DELETE' })).status).toBe(404);
  });

  test('the admin routes ask for the token of the data directory', async () => {
    const post = (init: RequestInit) => fetch(`${service.url}/admin/v1/topups`, { method: 'POST', ...init });
    expect((await get('/admin/v1/status')).status).toBe(401);
    const Authorization = `Bearer ${readFileSync(path.join(data, 'admin.token'), 'utf8')}`;
    expect((await post({ headers: { Authorization: `Bearer ${'00'.repeat(32)}` }, body: '{}' })).status).toBe(401);
    for (const body of ['{', '{}', '{"topups":[{"pupil":-1}]}']) {
      expect((await post({ headers: { Authorization }, body })).status).toBe(400);
    }
    expect((await post({ headers: { Authorization }, body: ' '.repeat(5 * 2 ** 20) })).status).toBe(413);
  });

  test('metrics: names that Prometheus accepts, and no reader, card or pupil in a label', async (context) => {
    const { type, text } = await get('/metrics');
    expect(type).toContain('text/plain');
    const labels = new Set([...text.matchAll(/[{,](\w+)="/g)].map((match) => match[1]));
    const ours = [...text.matchAll(/^tapline_\w+\{(\w+)="([^"]*)"/gm)].map(([, name, value]) => `${name} ${value}`);
    for (const label of labels) expect(label).not.toMatch(/reader|card|uid|pupil|school/);
    for (const label of ours) expect(label).toMatch(/^(shard \d|error [A-Z_]+)$/);
    if (spawnSync('promtool', ['--version']).error !== undefined) {
      process.stderr.write('not checked: promtool is not installed (package prometheus)\n');
      context.skip('promtool is not installed');
    }
    execFileSync('promtool', ['check', 'metrics'], { input: text });
  });

  test('with admission closed: 503, and readers are told to wait', async () => {
    const other = path.join(folder, 'full');
    await tapline(['import', folder, '--data', other]);
    const full = await RunningService.start(other, [
      '--disk-free-bytes-min',
      String(2 ** 50),
      '--clickhouse-url',
      'http://127.0.0.1:1',
    ]);
    const response = await fetch(`${full.url}/readyz`);
    expect(response.status).toBe(503);
    expect(await response.json()).toEqual({ ready: false, reasons: ['disk-low'] });
    const { reader } = await TestReader.welcome(full.stream, 1);
    expect(await reader.refused(tapsFrom(1, 1))).toMatchObject({ code: 8, fatal: false, retryMs: 250 });
    expect((await fetch(`${full.url}/healthz`)).status).toBe(200);
    await full.end('SIGKILL');
  });
});

describe('the end', () => {
  /** Readers that stream until they are cut off; gives how far each was acknowledged. */
  async function streamUntilCut(
    readerIds: readonly number[],
    cut: () => Promise<unknown>,
  ): Promise<Map<number, number>> {
    const acked = new Map<number, number>();
    const streams = readerIds.map(async (readerId) => {
      const { reader, welcome } = await TestReader.welcome(service.stream, readerId);
      for (let seq = welcome.nextSeq; ; seq += 20) {
        reader.send(tapsFrom(seq, 20));
        const answer = await reader.next();
        if (answer.type !== 'ack') break;
        acked.set(readerId, answer.durableSeq);
      }
      await reader.closed;
    });
    const ended = Promise.allSettled(streams);
    await expect.poll(() => readerIds.every((readerId) => (acked.get(readerId) ?? 0) >= 100)).toBe(true);
    await cut();
    await ended;
    return acked;
  }

  async function expectKept(acked: ReadonlyMap<number, number>): Promise<void> {
    for (const [readerId, seq] of acked) {
      const { reader, welcome } = await TestReader.welcome(service.stream, readerId);
      expect(welcome.nextSeq).toBeGreaterThan(seq);
      expect((await reader.taps(1, 1)).codes[0]).toBeLessThan(40);
      await reader.close();
    }
  }

  const readerIds = [20, 21, 22, 23];

  test('SIGTERM with frames in flight: in order, exit 0, nothing acknowledged is lost, the next start needs no replay', async () => {
    const acked = await streamUntilCut(readerIds, async () => expect(await service.end('SIGTERM')).toBe(0));
    expect(existsSync(path.join(data, 'service.json'))).toBe(false);
    expect(service.log).toMatch(/"draining".*"stopped"/s);
    for (const secret of ['admin.token', 'session.key']) {
      expect(service.log).not.toContain(readFileSync(path.join(data, secret), 'utf8').trim());
    }
    expect(await json(['verify'])).toMatchObject({ ok: true, lost: 0, doubled: 0 });
    const count = await json<{ data: { count: string }[] }>([
      'sql',
      'SELECT count() AS count FROM tap WHERE reader_id = 20',
    ]);
    expect(Number(count.data[0].count)).toBeGreaterThanOrEqual(acked.get(20)!);
    expect(await refusal(['status'])).toBe('3 SERVICE_DOWN');
    service = await RunningService.start(data);
    expect(service.log).toMatch(/"blocks":0,.*"shard recovered"/);
    await expectKept(acked);
  });

  test('SIGKILL with frames in flight: nothing acknowledged is lost, and commands see that nothing runs', async () => {
    const acked = await streamUntilCut(readerIds, () => service.end('SIGKILL'));
    expect(existsSync(path.join(data, 'service.json'))).toBe(true);
    expect(await refusal(['status'])).toBe('3 SERVICE_DOWN');
    service = await RunningService.start(data);
    await expectKept(acked);
    const verdict = await json<Record<string, number>>(['verify']);
    expect(verdict).toMatchObject({ ok: true, lost: 0, doubled: 0 });
    expect(await service.end()).toBe(0);
  });
});
