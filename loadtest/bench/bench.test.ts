import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import type { MicroReport } from './micro.ts';
import type { BenchReport } from './report.ts';

// That it runs and yields its fields; how fast anything is depends on the machine and is no test.
const home = mkdtempSync(join(tmpdir(), 'tapline-bench-test-'));
const saved = join(home, 'saved.json');

afterAll(() => rmSync(home, { recursive: true, force: true }));

function bench(...args: string[]): Promise<{ status: number | null; output: string; errorText: string }> {
  const child = spawn(process.execPath, [join(import.meta.dirname, 'main.ts'), ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  let errorText = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (errorText += text));
  return new Promise((resolve) => child.on('close', (status) => resolve({ status, output, errorText })));
}

const positive = expect.any(Number) as number;
const percentiles = { p50: positive, p99: positive, p99_9: positive };
const side = {
  saturation: { taps_per_second: positive, cpu_micros_per_frame: positive, cpu_micros_per_tap: positive },
  open_loop: { ack_ms: percentiles, send_lag_ms: percentiles },
};
const ofCase = { floor: side, service: side, ratio_to_floor: { cpu_per_frame: positive }, errors: {} };

test('a quick run measures every case against the floor, and loses nothing', async () => {
  const { status, output, errorText } = await bench('--quick', '--seconds', '1', '--json', '--save', saved);
  expect(status, errorText).toBe(0);
  const report = JSON.parse(output) as BenchReport;
  const names = ['one_tap', 'fifty_taps', 'http_one_tap'];
  expect(Object.keys(report.cases)).toEqual(names);
  for (const figures of Object.values(report.cases)) {
    expect(figures).toMatchObject(ofCase);
    expect(figures.service.saturation.taps_per_second).toBeGreaterThan(0);
    expect(figures.service.open_loop.answered_share).toBe(1);
  }
  expect(report.machine).toMatchObject({ cores: positive, memory_gib: positive, node: process.version });
  const [{ acked, journaled, stored }] = report.verify;
  expect(report).toMatchObject({ ok: true, verify: [{ ok: true, lost: 0, doubled: 0, sum_kop: 0 }] });
  expect([journaled, stored]).toEqual([acked, acked]);
  expect(acked).toBeGreaterThan(0);
  expect(JSON.parse(readFileSync(saved, 'utf8'))).toEqual(report);
}, 180_000);

test('the parts are timed beside their floors', async () => {
  const { status, output, errorText } = await bench('--micro', '--quick', '--json');
  expect(status, errorText).toBe(0);
  const { figures } = JSON.parse(output) as MicroReport;
  expect(figures.map(({ name }) => name.split(',')[0])).toEqual([
    'codec decode',
    'codec decode',
    'card lookup among 200',
    'ledger decide',
    'journal append and sync',
  ]);
  for (const { ratio_to_floor: ratio } of figures) expect(ratio).toBeGreaterThan(0);
});

test('wrong use is told in one line', async () => {
  const { status, errorText } = await bench('--compare', join(home, 'none.json'));
  expect([status, errorText.trim().split('\n').length]).toEqual([2, 1]);
  expect(errorText).toContain('COMPARE_INVALID');
});
