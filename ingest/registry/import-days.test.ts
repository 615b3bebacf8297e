import { expect, test } from 'vitest';
import { smallRegion, temporaryRegistry, writeFiles, type Files } from './fixtures.suite.ts';
import { importDirectory } from './import.ts';
import type { FileReport } from './report.ts';
import type { Registry } from './store.ts';

const header = {
  'bells.csv': 'school_id,shift,doors,first,last',
  'calendar.csv': 'district_id,school_id,from,to,kind',
  'absences.csv': 'pupil_id,from,to',
} as const;
type DayFile = keyof typeof header;

const good: Record<DayFile, string[]> = {
  'bells.csv': ['10,1,07:15,08:30,14:10', '10,2,13:00,13:30,24:00', '20,3,12:00,12:00,19:00'],
  'calendar.csv': [
    '1,,2026-11-02,2026-11-08,holiday',
    '1,10,2026-11-07,2026-11-07,open',
    '2,,2026-12-31,2026-12-31,closed',
  ],
  'absences.csv': ['1,2026-09-01,2026-09-05', '3,2026-09-02,2026-09-02'],
};
const dayOf = (date: string): number => Date.parse(date) / 86_400_000;

async function registryOfRegion(): Promise<Registry> {
  const registry = await temporaryRegistry();
  await importDirectory(registry, writeFiles(smallRegion));
  return registry;
}

async function importDays(registry: Registry, days: Partial<Record<DayFile, string[]>>): Promise<FileReport[]> {
  const files = Object.entries(days).map(([file, rows]) => [file, [header[file as DayFile], ...rows, ''].join('\n')]);
  return [...(await importDirectory(registry, writeFiles(Object.fromEntries(files) as Files))).files];
}

/** What the feed says of schools' days after a change. */
async function told(registry: Registry, after: number): Promise<unknown[]> {
  return (await registry.changesAfter(after, 100)).map(({ ledger, directory, schoolDay }) => {
    expect([ledger, directory]).toEqual([null, null]);
    return [schoolDay?.schoolIds, schoolDay?.pastDays];
  });
}

async function stored(registry: Registry): Promise<unknown[]> {
  const { db } = registry;
  const tables = ['bells', 'calendar', 'absence', 'change'] as const;
  return await Promise.all(tables.map((table) => db.selectFrom(table).selectAll().execute()));
}

test('bells, calendar and absences are stored, told by school, and the same again is nothing', async () => {
  const registry = await registryOfRegion();
  const before = await registry.lastChange();
  const reports = await importDays(registry, good);
  expect(reports.map(({ added, refused }) => [added, refused])).toEqual([
    [3, []],
    [3, []],
    [2, []],
  ]);
  expect(await told(registry, before)).toEqual([
    [[10], null],
    [[20], null],
    [
      [10, 11],
      [dayOf('2026-11-02'), dayOf('2026-11-08')],
    ],
    [[20], [dayOf('2026-12-31'), dayOf('2026-12-31')]],
    [[10], [dayOf('2026-09-01'), dayOf('2026-09-05')]],
    [[11], [dayOf('2026-09-02'), dayOf('2026-09-02')]],
  ]);
  expect((await stored(registry))[0]).toContainEqual({
    school_id: 10,
    shift: 2,
    doors_min: 780,
    first_min: 810,
    last_min: 1440,
  });
  const all = await stored(registry);
  expect((await importDays(registry, good)).map(({ unchanged }) => unchanged)).toEqual([3, 3, 2]);
  expect(await stored(registry)).toEqual(all);
});

test('a file of a district is its whole calendar; an absence without end is taken back', async () => {
  const registry = await registryOfRegion();
  await importDays(registry, good);
  const before = await registry.lastChange();
  const [calendar] = await importDays(registry, { 'calendar.csv': ['1,10,2026-11-07,2026-11-07,open'] });
  expect(calendar).toMatchObject({ added: 0, changed: 2, unchanged: 0 });
  expect(
    await registry.db
      .selectFrom('calendar')
      .select(['district_id', 'school_id', 'kind'])
      .orderBy('district_id')
      .execute(),
  ).toEqual([
    { district_id: 1, school_id: 10, kind: 'open' },
    { district_id: 2, school_id: null, kind: 'closed' },
  ]);
  const [absences] = await importDays(registry, { 'absences.csv': ['1,2026-09-01,'] });
  expect(absences).toMatchObject({ changed: 1 });
  expect(await told(registry, before)).toEqual([
    [
      [10, 11],
      [dayOf('2026-11-02'), dayOf('2026-11-08')],
    ],
    [[10], [dayOf('2026-09-01'), dayOf('2026-09-05')]],
  ]);
});

test('a school hears of a pupil that it lost, and of a class that moved or has another name', async () => {
  const registry = await registryOfRegion();
  const before = await registry.lastChange();
  const pupils = smallRegion['pupils.csv'].replace('2,100', '2,110');
  const classes = 'class_id,school_id,name,shift\n200,11,1C,3\n100,10,1А,1\n';
  await importDirectory(registry, writeFiles({ 'classes.csv': classes, 'pupils.csv': pupils }));
  const entries = await registry.changesAfter(before, 100);
  const days = entries.flatMap(({ schoolDay }) =>
    schoolDay === null ? [] : [[schoolDay.schoolIds, schoolDay.isOfTables]],
  );
  expect(days).toEqual([
    [[11, 20], true],
    [[10], true],
    [[11], false],
    [[11], false],
    [[10], false],
  ]);
});

const faults: [file: DayFile, line: number, column: string | null, code: string, rows: string[]][] = [
  ['bells.csv', 2, 'school_id', 'REFERENCE', ['99,1,07:00,08:30,14:00']],
  ['bells.csv', 2, 'shift', 'SHIFT', ['10,4,07:00,08:30,14:00']],
  ['bells.csv', 2, 'doors', 'TIME', ['10,1,7:00,08:30,14:00']],
  ['bells.csv', 2, 'last', 'TIME', ['10,1,07:00,08:30,24:01']],
  ['bells.csv', 2, 'first', 'ORDER', ['10,1,09:00,08:30,14:00']],
  ['bells.csv', 2, 'last', 'ORDER', ['10,1,07:00,08:30,08:30']],
  ['bells.csv', 3, 'shift', 'DUPLICATE', ['10,1,07:00,08:30,14:00', '10,1,07:00,08:00,14:00']],
  ['calendar.csv', 2, 'district_id', 'REFERENCE', ['9,,2026-11-02,2026-11-08,holiday']],
  ['calendar.csv', 2, 'school_id', 'REFERENCE', ['1,20,2026-11-02,2026-11-08,holiday']],
  ['calendar.csv', 2, 'to', 'ORDER', ['1,,2026-11-02,2026-11-01,holiday']],
  ['calendar.csv', 2, 'to', 'DATE', ['1,,2026-11-02,2026-11-31,holiday']],
  ['calendar.csv', 3, 'kind', 'CALENDAR_KIND', ['1,,2026-11-02,2026-11-03,open', '1,,2026-11-02,2026-11-03,shut']],
  ['absences.csv', 2, 'pupil_id', 'REFERENCE', ['9,2026-11-02,2026-11-03']],
  ['absences.csv', 3, 'to', 'ORDER', ['1,2026-11-02,2026-11-03', '2,2026-11-02,2026-11-01']],
];

test.each(faults)('%s line %d column %s: %s', async (file, line, column, code, rows) => {
  const registry = await registryOfRegion();
  await importDays(registry, good);
  const before = await stored(registry);
  const [report] = await importDays(registry, { [file]: rows });
  expect(report).toMatchObject({ added: 0, changed: 0, refusedCount: 1, refused: [{ line, column, code }] });
  expect(await stored(registry)).toEqual(before);
});
