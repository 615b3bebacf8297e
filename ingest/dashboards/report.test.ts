import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { engineMissing } from '../../analytics/clickhouse/testing.suite.ts';
import { tapline } from '../running-service.suite.ts';
import { RunningDashboards } from './running-dashboards.suite.ts';

const days = ['--from', '2026-11-02', '--to', '2026-11-06'];

describe.skipIf(engineMissing() !== undefined)('reports of a running service', () => {
  let running: RunningDashboards;
  const report = (...parameters: string[]) => tapline(['report', ...parameters, '--data', running.data]);
  beforeAll(async () => {
    running = await RunningDashboards.start();
    await vi.waitFor(async () => expect((await running.get('admin', 'query/overview_today')).status).toBe(200), 30_000);
  }, 60_000);
  afterAll(() => running.end());

  it('are written as files of each kind', async () => {
    for (const name of ['attendance', 'spending', 'entitlements']) {
      for (const [format, begins] of [
        ['pdf', '%PDF-'],
        ['xlsx', 'PK'],
        ['csv', '\ufeff# '],
      ]) {
        const out = path.join(running.folder, `${name}.${format}`);
        const made = await report(name, ...days, '--district', '1', '--format', format, '--out', out, '--json');
        expect(made, made.error).toMatchObject({ status: 0 });
        const told = JSON.parse(made.out) as { file: string; bytes: number };
        const body = readFileSync(out);
        expect([told.file, told.bytes]).toEqual([out, body.length]);
        expect(body.toString('utf8').startsWith(begins)).toBe(true);
      }
    }
    const printed = await report(
      'attendance',
      ...days,
      '--format',
      'csv',
      '--lang',
      'en',
      '--school',
      '10',
      '--out',
      '-',
    );
    expect(printed.out).toContain('# School,Ten');
    expect(printed.out).toContain('# Coverage,no data');
  }, 60_000);

  it('are refused with reasons, and then there is no file', async () => {
    const out = path.join(running.folder, 'none.pdf');
    const refused = async (...parameters: string[]) => {
      const { status, error } = await report(...parameters, '--out', out);
      return `${status} ${error.split(':', 1)[0]}`;
    };
    expect(await refused('attendance', '--school', '999')).toBe('1 SCHOOL_UNKNOWN');
    expect(await refused('attendance', '--from', '2026-11-06', '--to', '2026-11-02')).toBe('2 DAYS_INVALID');
    expect(await refused('spending', '--class', '100')).toBe('2 PARAMETER_INVALID');
    expect((await report('lunch')).status).toBe(2);
    expect(existsSync(out)).toBe(false);
    const folder = await report('attendance', ...days, '--out', running.folder);
    expect([folder.status, folder.error.split(':', 1)[0]]).toEqual([3, 'OUT_FILE']);
  }, 60_000);

  it('are of what the caller may see', async () => {
    const ask = async (role: string, said: string) => {
      const response = await running.get(role, `report/${said}`);
      return `${response.status} ${response.headers.get('content-type')!.split(';', 1)[0]}`;
    };
    expect(await ask('district', 'attendance?format=csv')).toBe('200 text/csv');
    expect(await ask('class', 'attendance?format=csv')).toBe('200 text/csv');
    expect(await ask('canteen', 'spending')).toBe('200 application/pdf');
    for (const [role, said] of [
      ['canteen', 'attendance'],
      ['operator', 'spending'],
      ['district', 'attendance?school=20'],
      ['district', 'attendance?school=999'],
    ] as const) {
      expect(await ask(role, said)).toBe('403 application/json');
    }
    expect(await ask('admin', 'lunch')).toBe('404 application/json');
    expect(await ask('admin', 'attendance?format=doc')).toBe('400 application/json');
    expect(await ask('admin', 'attendance?pupil=1')).toBe('400 application/json');
  });
});
