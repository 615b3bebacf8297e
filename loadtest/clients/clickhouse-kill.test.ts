import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { projectRoot, requireServiceCli, runServiceCli } from '../service-cli.ts';
import { RunningService } from './running-service.ts';

const kills = 10;
const home = mkdtempSync(join(tmpdir(), 'tapline-clickhouse-kill-'));
const data = join(home, 'data');
const region = join(home, 'region');
let service: RunningService;

interface Load {
  readonly acked: number;
  readonly unacked: number;
  readonly errors: Readonly<Record<string, number>>;
}

beforeAll(async () => {
  await requireServiceCli(['region', '--seed', '7', '--size', 'small', '--readers', '40', '--out', region]);
  await requireServiceCli(['import', region, '--data', data]);
  service = await RunningService.start(data, 0);
});

afterAll(async () => {
  await service.stop();
  rmSync(home, { recursive: true, force: true });
});

/** Process id of the engine, as the service announces it. */
function enginePid(): number {
  return (JSON.parse(readFileSync(join(data, 'service.json'), 'utf8')) as { clickhousePid: number }).clickhousePid;
}

/** Keeps readers streaming, one unacknowledged frame each, until the signal; resolves with what they were told. */
function stream(seconds: number): Promise<Load> {
  const keys = join(region, 'reader-keys.json');
  const options = ['--connections', '15', '--in-flight', '1', '--taps-per-frame', '5', '--seconds', String(seconds)];
  const args = ['saturate', '--url', service.ready.stream, '--keys', keys, ...options, '--json'];
  const child = spawn(process.execPath, [join(projectRoot, 'loadtest', 'cli.ts'), ...args], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text));
  return new Promise((resolve, reject) => {
    child.on('close', (status) => {
      if (output === '') reject(new Error(`the load ended with ${status} and said nothing`));
      else resolve(JSON.parse(output) as Load);
    });
  });
}

test('ClickHouse killed ten times under load changes no acknowledgement, and nothing is lost or doubled', async () => {
  const streaming = stream(kills * 1.5);
  let killed = 0;
  let lastPid = 0;
  for (let attempt = 0; killed < kills && attempt < kills * 40; attempt++) {
    await sleep(250);
    const pid = enginePid();
    // The service announces the new engine once it answers; only then is there something to kill again.
    if (pid === lastPid) continue;
    process.kill(pid, 'SIGKILL');
    lastPid = pid;
    killed += 1;
  }
  const load = await streaming;
  expect(killed).toBe(kills);
  expect(load.acked).toBeGreaterThan(0);
  expect(load.unacked).toBe(0);
  expect(load.errors).toEqual({});
  const { exitStatus, json, errorText } = await runServiceCli(['verify', '--data', data]);
  expect(json, errorText).toMatchObject({ lost: 0, doubled: 0, sum_kop: 0, ok: true, problems: [] });
  const { acked, journaled, stored } = json as { acked: number; journaled: number; stored: number };
  expect([journaled, stored]).toEqual([acked, acked]);
  expect(exitStatus).toBe(0);
}, 180_000);
