import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse } from 'csv-parse/sync';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { schoolDays } from './calendar.ts';
import { importColumns } from './files.ts';
import { generateRegion } from './generate.ts';
import type { ReaderPlan } from './model.ts';
import type { DayTotals, SchoolTotals } from './totals.ts';
import type { TrueDay } from './truth.ts';

const root = mkdtempSync(join(tmpdir(), 'region-test-'));
const day = '2025-09-08';
const medium = join(root, 'medium');

beforeAll(() => {
  generateRegion({ seed: 11, size: 'medium', days: schoolDays(day, 2), readersMin: 0 }, medium);
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

function csv(directory: string, name: string): Record<string, string>[] {
  return parse(readFileSync(join(directory, `${name}.csv`)), { columns: true });
}

function ndjson(path: string): unknown[] {
  return readFileSync(path, 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as unknown);
}

function totalsOf(directory: string, name: string): DayTotals {
  return JSON.parse(readFileSync(join(directory, 'truth', `${name}.totals.json`), 'utf8')) as DayTotals;
}

function contents(directory: string): Record<string, string> {
  const names = readdirSync(directory, { recursive: true, encoding: 'utf8' }).sort();
  const files = names.filter((name) => statSync(join(directory, name)).isFile());
  return Object.fromEntries(files.map((name) => [name, readFileSync(join(directory, name), 'utf8')]));
}

const truth = (): TrueDay[] => ndjson(join(medium, 'truth', `${day}.ndjson`)) as TrueDay[];
const plans = (): ReaderPlan[] => ndjson(join(medium, 'plan', `${day}.ndjson`)) as ReaderPlan[];

test('the same seed gives the same bytes, another seed others', () => {
  const make = (seed: number, name: string): Record<string, string> => {
    const directory = join(root, name);
    generateRegion({ seed, size: 'small', days: schoolDays(day, 2), readersMin: 100 }, directory);
    return contents(directory);
  };
  const first = make(3, 'a');
  expect(make(3, 'b')).toEqual(first);
  expect(Object.keys(first)).toHaveLength(11 + 4 + 6);
  const other = make(4, 'c');
  for (const name of ['pupils.csv', 'cards.csv', 'readers.csv', `plan/${day}.ndjson`]) {
    expect(other[name]).not.toEqual(first[name]);
  }
  expect(csv(join(root, 'a'), 'readers')).toHaveLength(100);
});

describe('import format', () => {
  test('columns, ids, references and UIDs hold', () => {
    const tables = Object.fromEntries(Object.keys(importColumns).map((name) => [name, csv(medium, name)]));
    for (const [name, columns] of Object.entries(importColumns)) expect(Object.keys(tables[name][0])).toEqual(columns);
    const ids = (table: string, column: string): Set<string> => new Set(tables[table].map((row) => row[column]));
    const points = (from: string, column: string, to: string, key = column): void => {
      const known = ids(to, key);
      expect(tables[from].every((row) => known.has(row[column]))).toBe(true);
    };
    points('schools', 'district_id', 'districts');
    points('classes', 'school_id', 'schools');
    points('pupils', 'class_id', 'classes');
    points('cards', 'pupil_id', 'pupils');
    points('readers', 'school_id', 'schools');
    points('topups', 'pupil_id', 'pupils');
    points('lockers', 'pupil_id', 'pupils');
    points('absences', 'pupil_id', 'pupils');
    expect(ids('schools', 'school_id').size).toBe(46);
    expect(ids('pupils', 'pupil_id').size).toBe(21_000);
    expect(ids('topups', 'key').size).toBe(tables['topups'].length);
    expect(tables['cards'].every((row) => /^([0-9A-F]{8}|[0-9A-F]{14}|[0-9A-F]{20})$/.test(row['card_uid']))).toBe(
      true,
    );
    expect(tables['readers'].every((row) => /^[0-9a-f]{64}$/.test(row['public_key']))).toBe(true);
  });

  test('no two cards of a district share a UID, and classes have 23 to 26 pupils', () => {
    const districtBySchool = new Map(csv(medium, 'schools').map((row) => [row['school_id'], row['district_id']]));
    const schoolByClass = new Map(csv(medium, 'classes').map((row) => [row['class_id'], row['school_id']]));
    const pupils = csv(medium, 'pupils');
    const classByPupil = new Map(pupils.map((row) => [row['pupil_id'], row['class_id']]));
    const district = (pupil: string): string =>
      districtBySchool.get(schoolByClass.get(classByPupil.get(pupil) ?? '') ?? '') ?? '';
    const cards = csv(medium, 'cards');
    expect(new Set(cards.map((row) => `${district(row['pupil_id'])} ${row['card_uid']}`)).size).toBe(cards.length);
    const sizes = new Map<string, number>();
    for (const row of pupils) sizes.set(row['class_id'], (sizes.get(row['class_id']) ?? 0) + 1);
    expect(Math.min(...sizes.values())).toBeGreaterThanOrEqual(23);
    expect(Math.max(...sizes.values())).toBeLessThanOrEqual(26);
  });
});

describe('a day', () => {
  test('goes as the defaults say', () => {
    const pupils = truth().filter((line) => line.presence !== null);
    const share = (holds: (line: TrueDay) => boolean, of: TrueDay[]): number => of.filter(holds).length / of.length;
    const came = pupils.filter((line) => line.presence !== 'absent');
    const present = came.filter((line) => line.presence !== 'without_card');
    expect(pupils).toHaveLength(21_000);
    expect(share((line) => line.presence === 'absent', pupils)).toBeCloseTo(0.053, 2);
    expect(share((line) => line.presence === 'without_card', came)).toBeCloseTo(0.03, 2);
    expect(
      share(
        (line) => line.excused === true,
        pupils.filter((line) => line.presence === 'absent'),
      ),
    ).toBeCloseTo(0.45, 1);
    expect(came.filter((line) => line.excused).length).toBeGreaterThan(10);
    const excuses = csv(medium, 'absences').filter((row) => row['from'] === day && row['to'] === day);
    const excused = pupils.filter((line) => line.excused).map((line) => String(line.pupil_id));
    expect(excuses.map((row) => row['pupil_id']).sort()).toEqual(excused.sort());
    const meals = (line: TrueDay): number => line.taps.filter((tap) => tap.kind === 3 && tap.code !== 71).length;
    expect(share((line) => meals(line) === 1, present)).toBeGreaterThan(0.5);
    expect(share((line) => meals(line) === 2, present)).toBeGreaterThan(0.22);
    const minutes = present.map((line) => ((line.came_ms ?? 0) - (line.bell_ms ?? 0)) / 60_000).sort((a, b) => a - b);
    expect(minutes[Math.floor(minutes.length / 2)]).toBeCloseTo(-14, -0.5);
    expect(share((line) => line.presence === 'late', present)).toBeCloseTo(0.05, 1);
  });

  test('plan, truth and totals tell of the same taps', () => {
    const planned = new Map<string, string>();
    for (const { reader_id: reader, taps } of plans()) {
      taps.forEach(([atMs, , kind, kop], place) => planned.set(`${reader}:${place + 1}`, `${atMs} ${kind} ${kop}`));
      expect(taps.every(([atMs], place) => place === 0 || atMs >= taps[place - 1][0])).toBe(true);
    }
    const told = new Map<string, string>();
    for (const { taps } of truth()) {
      for (const tap of taps) told.set(`${tap.reader_id}:${tap.n}`, `${tap.at_ms} ${tap.kind} ${tap.kop}`);
    }
    expect(told).toEqual(planned);
    const totals = totalsOf(medium, day);
    expect(totals.taps).toBe(planned.size);
    for (const code of ['10', '13', '40', '41', '71']) expect(totals.codes['meal'][code]).toBeGreaterThan(0);
    expect(totals.codes['buffet']['46']).toBeGreaterThan(0);
  });

  test('balances are openings less what was debited, over both days', () => {
    const opening = csv(medium, 'topups').reduce((sum, row) => sum + Number(row['kop']), 0);
    const totals = schoolDays(day, 2).map((name) => totalsOf(medium, name));
    const left = Object.values(totals[1].balances_kop).reduce((sum, kop) => sum + kop, 0);
    expect(left).toBe(opening - totals[0].debited_kop - totals[1].debited_kop);
  });

  test('sums by canteen, carrier and fund, and who is inside, are those of the taps', () => {
    const { schools, debited_kop: debited, entitled_kop: entitled } = totalsOf(medium, day);
    const sums = Object.values(schools);
    const sum = (of: (one: SchoolTotals) => number): number => sums.reduce((total, one) => total + of(one), 0);
    expect(sum((one) => one.canteen_kop + one.carrier_kop)).toBe(debited + entitled);
    expect(sum((one) => one.entitled_kop)).toBe(entitled);
    expect(entitled).toBeGreaterThan(0);
    expect(sum((one) => one.inside)).toBe(truth().filter((line) => line.inside).length);
    const left = truth().filter(({ inside, left_ms: leftMs, came_ms: cameMs }) => inside && leftMs! > cameMs!);
    expect(left.every(({ taps }) => taps.some(({ flags }) => flags.includes('PASSBACK')))).toBe(true);
  });
});

test('a small region shows every code that a day can show, and every flag of the oracle', () => {
  const out = join(root, 'codes');
  generateRegion({ seed: 1, size: 'small', days: schoolDays(day, 1), readersMin: 0 }, out);
  const lines = ndjson(join(out, 'truth', `${day}.ndjson`)) as TrueDay[];
  const taps = lines.flatMap((line) => line.taps);
  const codes = [...new Set(taps.map(({ code }) => code))].sort((a, b) => a - b);
  expect(codes).toEqual([10, 11, 12, 13, 14, 40, 41, 42, 43, 44, 45, 46, 47, 48, 49, 50, 51, 52, 53, 54, 71]);
  expect(new Set(taps.flatMap(({ flags }) => flags))).toEqual(new Set(['FORCED', 'PASSBACK', 'WRONG_PLACE']));
  const commands = ndjson(join(out, 'commands.ndjson')) as { args: string[] }[];
  expect(commands.length).toBeLessThan(12);
});
