import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { projectRoot } from '../service-cli.ts';
import { readGateTaps, readStudents, readTillTaps } from './files.ts';
import { collisions, replayReaders, writeReplayRegion } from './prepare.ts';

const folder = process.env['TAPLINE_REAL_TAPS'] ?? join(projectRoot, '..', 'shared', 'data');
const path = (name: string): string => join(folder, `${name}.csv`);
const present = ['students', 'gate-taps', 'till-taps'].every((name) => existsSync(path(name)));
if (!present) process.stderr.write(`replay of real taps skipped: ${folder} does not hold them\n`);

describe.skipIf(!present)('real taps', () => {
  const data = present
    ? {
        students: readStudents(path('students')),
        gate: readGateTaps(path('gate-taps')),
        till: readTillTaps(path('till-taps')),
      }
    : { students: [], gate: [], till: [] };

  test('every row becomes a tap of one reader, in the order of its file', () => {
    expect([data.students.length, data.gate.length, data.till.length]).toEqual([4_341, 22_391, 17_109]);
    const readers = replayReaders(data);
    expect(readers).toHaveLength(10 + 24);
    expect(readers.reduce((sum, { taps }) => sum + taps.length, 0)).toBe(22_391 + 17_109);
    const fei = readers.find(({ place }) => place === 'dorm-feifeng in');
    const rows = data.gate.filter(({ door, direction }) => door === 'dorm-feifeng' && direction === 'in');
    expect(fei?.taps.map(([atMs, uid]) => [atMs, uid])).toEqual(rows.map(({ atMs, uid }) => [atMs, uid]));
  });

  test('local times are those of the campuses, and a gram costs 25 kopecks', () => {
    expect(new Date(data.gate[0].atMs).toISOString()).toBe('2019-03-31T16:00:00.000Z');
    expect(new Date(data.till[0].atMs).toISOString()).toBe('2022-11-07T10:03:00.000Z');
    expect(data.till[0]).toMatchObject({ uid: '00025CF0', till: 341_103, amountKop: 13_800 });
  });

  test('the two real collisions are found, and the import directory is whole', () => {
    expect(collisions(data.students).map(({ pupils }) => pupils.length)).toEqual([2, 2]);
    const out = mkdtempSync(join(tmpdir(), 'replay-test-'));
    writeReplayRegion(data, replayReaders(data), out, 50_000);
    const lines = (name: string): number =>
      readFileSync(join(out, `${name}.csv`), 'utf8')
        .trimEnd()
        .split('\n').length;
    const guests = new Set(data.till.map(({ uid }) => uid)).size;
    expect(lines('cards')).toBe(1 + 4_341 + guests);
    expect(lines('topups')).toBe(1 + guests);
    expect(lines('readers')).toBe(1 + 34);
    rmSync(out, { recursive: true });
  });
});
