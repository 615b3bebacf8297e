import { chmodSync, cpSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import path from 'node:path';
import type { Command } from 'commander';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { build, explainError, loadTools } from './program.ts';
import { removeFolder, tapline, temporaryFolder, writeRegion } from './running-service.suite.ts';

const folder = temporaryFolder();
/** A data directory with a region, on which no service has run. */
const data = path.join(folder, 'data');
const missing = path.join(folder, 'missing');
const region = path.join(folder, 'region');
const noServer = ['--clickhouse-url', 'http://127.0.0.1:1'];
const key = 'ab'.repeat(32);

beforeAll(async () => {
  mkdirSync(region);
  writeRegion(region);
  expect(await tapline(['import', region, '--data', data, '--json'])).toMatchObject({ status: 0, error: '' });
});
afterAll(() => removeFolder(folder));

const isLine = /^[\w-]+: \S[^\n]*[.)] \S[^\n]*$/;

/** Refused with one line, `CODE: cause. remedy`. Within this process: a process for each would take a minute in all. */
async function refused(parameters: readonly string[], status: number, code: string): Promise<void> {
  const error: unknown = await build()
    .parseAsync(parameters, { from: 'user' })
    .then(
      () => undefined,
      (thrown: unknown) => thrown,
    );
  const known = explainError(error);
  expect(known?.line, `${parameters.join(' ')}: ${String(error)}`).toMatch(isLine);
  expect({ code: known!.line.split(':')[0], status: known!.status }).toEqual({ code, status });
}

/** The same of a process of its own, which says nothing else. */
async function refusedAlone(parameters: readonly string[], status: number, code: string, options = {}): Promise<void> {
  const result = await tapline(parameters, options);
  expect(result.error.trimEnd(), parameters.join(' ')).toMatch(isLine);
  expect({ code: result.error.split(':')[0], status: result.status, out: result.out }).toEqual({
    code,
    status,
    out: '',
  });
}

function copyOfData(name: string): string {
  const copy = path.join(folder, name);
  cpSync(data, copy, { recursive: true });
  return copy;
}

describe('wrong use: exit 2', () => {
  test.concurrent.each([
    [['frobnicate'], 'USAGE'],
    [['journal', 'burn'], 'USAGE'],
    [['status', '--frobnicate'], 'USAGE'],
    [['up', '--port', 'eighty'], 'SETTING_INVALID'],
    [['up', '--port', '65536', '--shards', '0', '--clock', 'noon'], 'SETTING_INVALID'],
    [['up', '--tls-key', 'key.pem'], 'SETTING_INVALID'],
    [['up', '--clickhouse-url', 'nowhere'], 'SETTING_INVALID'],
    [['reader', 'add', '--id', '7'], 'USAGE'],
    [['reader', 'add', '--id', '0', '--school', '10', '--kinds', 'meal', '--public-key', key], 'USAGE'],
    [['card', 'block'], 'USAGE'],
    [['topup', '--pupil', '1', '--purse', 'sock', '--kop', '1', '--key', 'k'], 'USAGE'],
    [['topup', '--pupil', '1', '--purse', 'meal', '--kop', '-1', '--key', 'k'], 'USAGE'],
    [['account', '--pupil', 'Anna'], 'USAGE'],
    [['explain', '1:2'], 'TAP_INVALID'],
    [['explain', '1:2:3:4'], 'TAP_INVALID'],
    [['frame', 'zz'], 'FRAME_HEX'],
    [['frame', '939'], 'FRAME_HEX'],
    [['sql'], 'USAGE'],
  ])('%j', async (parameters, code) => {
    await refused([...parameters, ...(parameters[0] === 'up' ? ['--data', missing] : [])], 2, code);
    expect(existsSync(missing)).toBe(false);
  });

  test.concurrent('with --json standard output is one JSON value all the same', async () => {
    const { status, out, error } = await tapline(['account', '--pupil', 'Anna', '--json']);
    expect({ status, error }).toEqual({ status: 2, error: expect.stringMatching(/^USAGE: [^\n]+\n$/) as string });
    expect(JSON.parse(out)).toMatchObject({ ok: false, error: { code: 'USAGE', remedy: 'Try --help.' } });
  });

  test.concurrent('all wrong settings are reported together', async () => {
    const { error } = await tapline(['up', '--port', 'x', '--shards', 'y', '--log-level', 'z']);
    for (const name of ['--port', '--shards', '--log-level']) expect(error).toContain(name);
  });

  test.concurrent.each([
    [['reader', 'add', '--id', '7', '--school', '10', '--kinds', 'sing', '--public-key', key]],
    [['reader', 'add', '--id', '7', '--school', '10', '--kinds', 'meal', '--public-key', 'ff']],
    [['card', 'issue', '--uid', 'AABB', '--pupil', '1']],
    [['card', 'issue', '--uid', 'AABBCCDD']],
    [['sql', 'SELECT 1', '--clickhouse-url', 'nowhere']],
  ])('%j', async (parameters) => {
    const result = await tapline([
      ...parameters,
      '--data',
      copyOfData(`wrong-${parameters.join('').replaceAll(/\W/g, '')}`),
    ]);
    expect(result).toMatchObject({ status: 2, out: '' });
    expect(result.error).toMatch(/^[\w-]+: [^\n]+\n$/);
  });
});

describe('data directories', () => {
  const needing = [
    ['status'],
    ['explain', '1:1:1'],
    ['verify'],
    ['sql', 'SELECT 1'],
    ['journal', 'inspect'],
    ['journal', 'verify'],
    ['account', '--pupil', '1'],
    ['topup', '--pupil', '1', '--purse', 'meal', '--kop', '1', '--key', 'k'],
    ['reader', 'list'],
    ['reader', 'revoke', '--id', '1'],
    ['card', 'block', '--uid', 'AABBCCDD'],
  ];

  test.concurrent.each(needing.map((parameters) => [parameters]))('%j needs one that is there', async (parameters) => {
    await refused([...parameters, '--data', missing], 3, 'DATA_MISSING');
    expect(existsSync(missing)).toBe(false);
  });

  test.concurrent.each([
    ['of another version', '{"format":2,"shards":1}', 'DATA_VERSION'],
    ['with a damaged marker', '{"format":', 'DATA_DAMAGED'],
    ['with a marker of other contents', '{"format":1,"shards":"many"}', 'DATA_DAMAGED'],
  ])('%s', async (name, marker, code) => {
    const other = copyOfData(name.replaceAll(' ', '-'));
    writeFileSync(path.join(other, 'tapline.json'), marker);
    for (const parameters of [['up', '--port', '0'], ['import', region], ['verify']]) {
      await refused([...parameters, '--data', other], 3, code);
    }
    expect(readFileSync(path.join(other, 'tapline.json'), 'utf8')).toBe(marker);
  });

  test.concurrent('of somebody else, or a file in its place', async () => {
    const foreign = path.join(folder, 'foreign');
    mkdirSync(foreign);
    writeFileSync(path.join(foreign, 'thesis.txt'), 'years of work');
    await refused(['up', '--port', '0', '--data', foreign], 3, 'DATA_FOREIGN');
    await refused(['import', region, '--data', foreign], 3, 'DATA_FOREIGN');
    expect(readdirSync(foreign)).toEqual(['thesis.txt']);
    await refused(['up', '--port', '0', '--data', path.join(foreign, 'thesis.txt')], 3, 'FILE');
    await refused(['status', '--data', path.join(foreign, 'thesis.txt')], 3, 'DATA_MISSING');
  });

  test.concurrent('that may not be written', async (context) => {
    // Root may write anywhere: as root the command runs as nobody, who owns nothing.
    const isRoot = process.getuid?.() === 0;
    const locked = copyOfData('read-only');
    if (isRoot) chmodSync(folder, 0o755);
    else chmodSync(locked, 0o555);
    const nobody = isRoot ? { uid: 65_534, gid: 65_534 } : {};
    const canRun = (await tapline(['--help'], nobody)).status === 0;
    if (!canRun) context.skip('nobody may not read the sources here');
    await refusedAlone(
      ['up', '--port', '0', '--data', locked, '--log-level', 'silent', ...noServer],
      3,
      'DATA_UNWRITABLE',
      nobody,
    );
    await refusedAlone(['verify', '--data', locked, ...noServer], 3, 'DATA_UNWRITABLE', nobody);
    if (isRoot) await refusedAlone(['import', region, '--data', path.join(locked, 'deeper')], 3, 'PERMISSION', nobody);
    chmodSync(locked, 0o755);
  });

  test.concurrent('with another number of shards', async () => {
    const sharded = copyOfData('sharded');
    writeFileSync(path.join(sharded, 'tapline.json'), '{"format":1,"shards":2}');
    await refused(['up', '--port', '0', '--shards', '3', '--data', sharded], 2, 'SHARDS_FIXED');
  });
});

describe('the environment: exit 3', () => {
  const up = (name: string) => ['up', '--log-level', 'silent', '--data', copyOfData(name)];

  test.concurrent('a port that is taken', async () => {
    const other = createServer();
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
    const { port } = other.address() as { port: number };
    await refusedAlone([...up('port'), '--port', String(port), ...noServer], 3, 'PORT_TAKEN');
    other.close();
  });

  test.concurrent('TLS files that are missing, or are none', async () => {
    const none = path.join(folder, 'none.pem');
    const garbage = path.join(region, 'pupils.csv');
    for (const file of [none, garbage]) {
      const parameters = [...up('tls'), '--port', '0', '--tls-certificate', file, '--tls-key', file, ...noServer];
      await refusedAlone(parameters, 3, 'TLS_FILE');
    }
  });

  test.concurrent('no embedded ClickHouse', async () => {
    const hook = path.join(folder, 'hook.cjs');
    writeFileSync(
      hook,
      `const Module = require('node:module'); const resolve = Module._resolveFilename;
       Module._resolveFilename = function (request, ...rest) {
         if (/^(ffi-rs|@chdb)/.test(request)) throw new Error('Cannot find module ' + request);
         return resolve.call(this, request, ...rest);
       };`,
    );
    const env = { ...process.env, NODE_OPTIONS: `--require ${hook}` };
    await refusedAlone([...up('no-engine'), '--port', '0'], 3, 'CLICKHOUSE_MISSING', { env });
    await refusedAlone(['sql', 'SELECT 1', '--data', data], 3, 'CLICKHOUSE_MISSING', { env });
  });

  test.concurrent('a ClickHouse that does not answer', async () => {
    const alone = copyOfData('no-server');
    for (const parameters of [['sql', 'SELECT 1'], ['verify']]) {
      await refused([...parameters, '--data', alone, ...noServer], 3, 'CLICKHOUSE_UNREACHABLE');
    }
  });

  test.concurrent.each([
    [['status']],
    [['account', '--pupil', '1']],
    [['topup', '--pupil', '1', '--purse', 'meal', '--kop', '1', '--key', 'k']],
  ])('%j without a service', async (parameters) => {
    await refused([...parameters, '--data', data], 3, 'SERVICE_DOWN');
  });

  test.concurrent('a killed service left its address, and another program has its pid', async () => {
    const left = copyOfData('left');
    const address = { pid: process.pid, url: 'http://127.0.0.1:1', stream: '', clickhouseUrl: '', clickhousePid: null };
    writeFileSync(path.join(left, 'service.json'), JSON.stringify(address));
    await refusedAlone(['status', '--data', left], 3, 'SERVICE_DOWN');
  });
});

describe('the answer is no: exit 1', () => {
  test.concurrent('an identity that the journal does not have', async () => {
    await refused(['explain', '9:1:1', '--data', data], 1, 'TAP_UNKNOWN');
  });

  test.concurrent.each([
    [['reader', 'revoke', '--id', '999']],
    [['card', 'block', '--uid', 'AABBCCDD']],
    [['card', 'issue', '--uid', 'AABBCCDD', '--pupil', '999']],
    [['reader', 'add', '--id', '7', '--school', '99', '--kinds', 'meal', '--public-key', key]],
  ])('%j', async (parameters) => {
    const result = await tapline([...parameters, '--data', data]);
    expect(result).toMatchObject({ status: 1, out: '' });
    expect(result.error).toMatch(/^[\w-]+: [^\n]+\n$/);
  });

  test.concurrent('a wrong CSV file is refused whole, with line and reason, and changes nothing', async () => {
    const wrong = path.join(folder, 'wrong');
    const target = copyOfData('import');
    mkdirSync(wrong);
    writeFileSync(
      path.join(wrong, 'schools.csv'),
      'school_id,district_id,name,tz\n11,1,Eleven,UTC\n12,1,Twelve,Moon/Sea\n',
    );
    const before = await tapline(['reader', 'list', '--json', '--data', target]);
    const result = await tapline(['import', wrong, '--json', '--data', target]);
    expect(result).toMatchObject({ status: 1, error: '' });
    const report = JSON.parse(result.out) as {
      files: { added: number; refused: { line: number; reason: string }[] }[];
    };
    expect(report.files[0]).toMatchObject({ added: 0, refused: [{ line: 3, column: 'tz' }] });
    expect((await tapline(['reader', 'list', '--json', '--data', target])).out).toBe(before.out);
    writeFileSync(path.join(wrong, 'schools.csv'), 'id;name\n1;x\n');
    expect((await tapline(['import', wrong, '--data', target])).status).toBeGreaterThan(0);
  });

  test.concurrent('a folder with nothing to import begins no data directory', async () => {
    expect((await tapline(['import', missing, '--data', path.join(folder, 'new')])).status).toBeGreaterThan(1);
    expect(existsSync(path.join(folder, 'new'))).toBe(false);
  });

  test.concurrent('a frame that is wrong names its byte', async () => {
    const result = await tapline(['frame', '930301c1', '--json']);
    expect(result).toMatchObject({ status: 1, error: '' });
    expect(JSON.parse(result.out)).toMatchObject({ ok: false });
    expect((await tapline(['frame', '93 03 01 01', '--json'])).status).toBe(0);
  });
});

test('--help of every command, with the options that all have', () => {
  const leaves = (command: Command): Command[] => [command, ...command.commands.flatMap(leaves)];
  const all = leaves(build());
  expect(all.length).toBeGreaterThan(20);
  for (const command of all) {
    const isOurs = command.commands.length === 0 && !(command.name() in loadTools);
    for (const option of ['--json', '--data']) expect(command.helpInformation().includes(option)).toBe(isOurs);
  }
});

test.concurrent.each([['--help'], ['up --help'], ['card issue --help']])('%s', async (parameters) => {
  const result = await tapline(parameters.split(' '));
  expect(result).toMatchObject({ status: 0, error: '' });
  expect(result.out).toMatch(/^Usage: tapline/);
});

test.concurrent('no command, or half of one: the help, and exit 2', async () => {
  for (const parameters of [[], ['journal'], ['frobnicate']]) expect((await tapline(parameters)).status).toBe(2);
});
