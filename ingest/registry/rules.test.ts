import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { RulesDocument } from '../../workers/ledger/rule-set.ts';
import { loadDirectory } from './directory.ts';
import { smallRegion, temporaryRegistry, writeFiles } from './fixtures.suite.ts';
import { importDirectory } from './import.ts';
import { rulesFileBytesMax } from './limits.ts';
import type { FileReport } from './report.ts';
import { publishedSchema } from './rules-schema.ts';
import { readRules } from './rules.ts';
import type { Registry } from './store.ts';

async function regionRegistry(): Promise<Registry> {
  const registry = await temporaryRegistry();
  await importDirectory(registry, writeFiles(smallRegion));
  return registry;
}

async function importRules(registry: Registry, rules: unknown): Promise<FileReport> {
  const text = typeof rules === 'string' ? rules : JSON.stringify(rules);
  const { files, ok } = await importDirectory(registry, writeFiles({ 'rules.json': text }));
  expect(ok).toBe(files[0].refusedCount === 0);
  return files[0];
}

const places = ({ refused }: FileReport): unknown[] => refused.map(({ path, code }) => [path, code]);

const everyField: RulesDocument = {
  region: {
    gate: { bounce_s: 0, passback_s: 86_400, two_places_s: 60, hours: ['00:00', '24:00'] },
    meal: { bounce_s: 10, overdraft_kop: 1_000_000_000, daily_limit_kop: null, windows: [], hours: null },
    buffet: { bounce_s: 10, daily_limit_kop: 0, hours: ['08:00', '08:01'] },
    locker: { bounce_s: 2, reservation_required: false, hours: null },
    fare: {
      bounce_s: 600,
      transfer_min: 60,
      daily_limit_kop: 30_000,
      routes: { '7': { kop: 4_600, reduced_kop: 2_300 }, '4294967295': { kop: 1 } },
      reduced_for: 'all',
      reduced_rides_per_month: 50,
      hours: null,
    },
    prices: { '1': 0, '4294967295': 1_000_000_000 },
    closed_days: ['2028-02-29'],
    closed_weekdays: [7, 1],
  },
  districts: { '1': { meal: { daily_limit_kop: 1 } }, '2': {} },
  schools: {
    '10': {
      meal: {
        windows: [
          { window: 15, from: '12:00', to: '13:00' },
          { window: 1, name: 'Завтрак', from: '08:00', to: '24:00', shifts: [3, 1], entitlement: false },
        ],
      },
    },
  },
};

describe('rules.json', () => {
  test('becomes the next version, as it was written, in the feed and in the directory', async () => {
    const registry = await regionRegistry();
    const following = await loadDirectory(registry);
    expect(following.rulesVersion).toBe(1);
    expect(await importRules(registry, everyField)).toMatchObject({ rows: 1, added: 1, refused: [], version: 2 });
    const [entry] = await registry.changesAfter(following.appliedChange, 10);
    expect(entry.ledger).toEqual({ type: 'rules', change: entry.change, version: 2, document: everyField });
    expect(await importRules(registry, { region: {} })).toMatchObject({ changed: 1, version: 3 });
    following.follow(await registry.changesAfter(following.appliedChange, 10));
    expect(following.rulesVersion).toBe(2);
    following.follow(await registry.changesAfter(following.appliedChange, 10));
    expect([following.rulesVersion, (await loadDirectory(registry)).rulesVersion]).toEqual([3, 3]);
    const kept = await registry.db.selectFrom('rules').select(['version', 'document']).orderBy('version').execute();
    expect(kept.map(({ version, document }) => [version, JSON.parse(document) as unknown])).toEqual([
      [2, everyField],
      [3, { region: {} }],
    ]);
  });

  test('that says the same is no new version, whatever the order of its keys', async () => {
    const registry = await regionRegistry();
    expect(await importRules(registry, {})).toMatchObject({ unchanged: 1, version: 1 });
    await importRules(registry, '{"region":{"prices":{"1":0,"2":3},"gate":{"bounce_s":1,"passback_s":2}}}');
    const last = await registry.lastChange();
    const same = '\uFEFF{ "region": {"gate":{"passback_s":2.0,"bounce_s":1},\n"prices":{"2":3,"1":-0}}}';
    expect(await importRules(registry, same)).toMatchObject({ rows: 1, unchanged: 1, version: 2 });
    expect(await registry.lastChange()).toBe(last);
    // Order within a list means something.
    await importRules(registry, { region: { closed_weekdays: [6, 7] } });
    expect(await importRules(registry, { region: { closed_weekdays: [7, 6] } })).toMatchObject({ version: 4 });
    expect(await importRules(registry, {})).toMatchObject({ version: 5 });
  });

  const window = (change: object): object => ({
    schools: { '10': { meal: { windows: [{ window: 1, from: '08:00', to: '09:00', ...change }] } } },
  });
  const faults: [path: string, code: string, rules: unknown][] = [
    ['', 'TYPE', []],
    ['', 'TYPE', null],
    ['regions', 'KEY', { regions: {} }],
    ['["a\\nb"]', 'KEY', { 'a\nb': 1 }],
    ['region.gate.bounce', 'KEY', { region: { gate: { bounce: 5 } } }],
    ['region.gate', 'TYPE', { region: { gate: null } }],
    ['region.gate.bounce_s', 'TYPE', { region: { gate: { bounce_s: '5' } } }],
    ['region.gate.bounce_s', 'TYPE', { region: { gate: { bounce_s: 1.5 } } }],
    ['region.gate.bounce_s', 'RANGE', { region: { gate: { bounce_s: -1 } } }],
    ['region.gate.passback_s', 'RANGE', { region: { gate: { passback_s: 86_401 } } }],
    ['region.gate.two_places_s', 'TYPE', { region: { gate: { two_places_s: null } } }],
    ['region.gate.hours', 'TYPE', { region: { gate: { hours: '08:00' } } }],
    ['region.gate.hours', 'RANGE', { region: { gate: { hours: ['08:00', '09:00', '10:00'] } } }],
    ['region.gate.hours[0]', 'VALUE', { region: { gate: { hours: ['8:00', '09:00'] } } }],
    ['region.gate.hours[1]', 'VALUE', { region: { gate: { hours: ['08:00', '08:00'] } } }],
    ['region.gate.hours[1]', 'VALUE', { region: { gate: { hours: ['08:00', '24:01'] } } }],
    ['region.meal.overdraft_kop', 'RANGE', { region: { meal: { overdraft_kop: 1_000_000_001 } } }],
    ['region.meal.daily_limit_kop', 'TYPE', { region: { meal: { daily_limit_kop: 'none' } } }],
    ['region.buffet.windows', 'KEY', { region: { buffet: { windows: [] } } }],
    ['region.locker.reservation_required', 'TYPE', { region: { locker: { reservation_required: 1 } } }],
    ['region.fare.transfer_min', 'RANGE', { region: { fare: { transfer_min: 1_441 } } }],
    ['region.fare.reduced_for', 'VALUE', { region: { fare: { reduced_for: 'some' } } }],
    ['region.fare.reduced_rides_per_month', 'RANGE', { region: { fare: { reduced_rides_per_month: -1 } } }],
    ['region.fare.routes.7.kop', 'TYPE', { region: { fare: { routes: { '7': { reduced_kop: 1 } } } } }],
    ['region.fare.routes.07', 'KEY', { region: { fare: { routes: { '07': { kop: 1 } } } } }],
    ['region.prices.0', 'KEY', { region: { prices: { '0': 1 } } }],
    ['region.prices.4294967296', 'KEY', { region: { prices: { '4294967296': 1 } } }],
    ['region.prices.1', 'RANGE', '{"region":{"prices":{"1":1e300}}}'],
    ['region.closed_days[0]', 'VALUE', { region: { closed_days: ['2027-02-29'] } }],
    ['region.closed_days[0]', 'VALUE', { region: { closed_days: ['1.9.2027'] } }],
    ['region.closed_weekdays[0]', 'RANGE', { region: { closed_weekdays: [0] } }],
    ['region.closed_weekdays[1]', 'DUPLICATE', { region: { closed_weekdays: [1, 1] } }],
    ['districts.3', 'REFERENCE', { districts: { '3': {} } }],
    ['schools.12', 'REFERENCE', { schools: { '12': {} } }],
    ['schools.010', 'KEY', { schools: { '010': {} } }],
    ['schools.10.meal.windows[0].window', 'RANGE', window({ window: 16 })],
    ['schools.10.meal.windows[0].from', 'VALUE', window({ from: '8:00' })],
    ['schools.10.meal.windows[0].to', 'VALUE', window({ to: '07:59' })],
    ['schools.10.meal.windows[0].shifts', 'RANGE', window({ shifts: [] })],
    ['schools.10.meal.windows[0].shifts[0]', 'RANGE', window({ shifts: [4] })],
    ['schools.10.meal.windows[0].shifts[1]', 'DUPLICATE', window({ shifts: [2, 2] })],
    ['schools.10.meal.windows[0].name', 'VALUE', window({ name: 'a\u0007' })],
    ['schools.10.meal.windows[0].entitlement', 'TYPE', window({ entitlement: 'yes' })],
  ];

  test.each(faults)('is refused at %s with %s, and changes nothing', async (path, code, rules) => {
    const registry = await regionRegistry();
    const before = await registry.lastChange();
    const report = await importRules(registry, rules);
    expect(places(report)).toEqual([[path, code]]);
    expect(report).toMatchObject({ added: 0, changed: 0, unchanged: 0, refusedCount: 1 });
    expect(report.version).toBeUndefined();
    expect([await registry.lastChange(), (await readRules(registry.db)).version]).toEqual([before, 1]);
  });

  test('is told all its faults at once, also those that need several values or the registry', async () => {
    const windows = [
      { window: 1, from: '08:00', to: '07:00', colour: 'red' },
      { window: 1, from: 'noon', to: '07:00' },
    ];
    const rules = { schools: { '99': { meal: { windows } } }, districts: { x: {} }, region: 7 };
    expect(new Set(places(await importRules(await regionRegistry(), rules)))).toEqual(
      new Set([
        ['region', 'TYPE'],
        ['districts.x', 'KEY'],
        ['schools.99', 'REFERENCE'],
        ['schools.99.meal.windows[0].colour', 'KEY'],
        ['schools.99.meal.windows[0].to', 'VALUE'],
        ['schools.99.meal.windows[1].from', 'VALUE'],
        ['schools.99.meal.windows[1].window', 'DUPLICATE'],
      ]),
    );
  });

  test('has a bounded list of refusals, of bounded length', async () => {
    const keys = Array.from({ length: 1_500 }, (_, place) => [`${'x'.repeat(300)}${place}`, 1]);
    const report = await importRules(await regionRegistry(), Object.fromEntries(keys));
    expect([report.refusedCount, report.refused.length]).toEqual([1_500, 1_000]);
    expect(report.refused[0].path).toHaveLength(200);
  });

  test.each([
    ['', 1, '1'],
    ['{\n  "region": {},\n  "schools": nil\n}\n', 3, '15'],
    ['{"region": {}},', 1, '15'],
    ['{\n"region": {"gate": }}', 2, '20'],
    ["{\n'region': 1}", 2, '1'],
    ['{"region": {\n', 2, '1'],
    ['{"region": "a\nb"}', 1, '14'],
    ['[1,\n[2,\n[3,,4]]]', 3, '4'],
  ])('that is no JSON is refused where it stops being it: %j', async (text, line, column) => {
    const report = await importRules(await regionRegistry(), text);
    expect(report).toMatchObject({ rows: 0, refused: [{ line, column, code: 'JSON', reason: 'is not JSON' }] });
  });

  test('that is too large or not UTF-8 is refused as a whole', async () => {
    const registry = await regionRegistry();
    const spaces = ' '.repeat(rulesFileBytesMax - 2);
    expect(await importRules(registry, `{}${spaces}`)).toMatchObject({ unchanged: 1 });
    expect(await importRules(registry, `{} ${spaces}`)).toMatchObject({ refused: [{ line: null, code: 'SIZE' }] });
    const latin = Buffer.from('{"\xfc":1}', 'latin1') as unknown as string;
    const { files } = await importDirectory(registry, writeFiles({ 'rules.json': latin }));
    expect(files[0].refused).toMatchObject([{ line: null, column: null, code: 'ENCODING' }]);
  });

  test('may name schools that come with the same import', async () => {
    const rules = JSON.stringify({ schools: { '20': { gate: { bounce_s: 1 } } } });
    const report = await importDirectory(
      await temporaryRegistry(),
      writeFiles({ ...smallRegion, 'rules.json': rules }),
    );
    expect(report.files.at(-1)).toMatchObject({ file: 'rules.json', version: 2 });
  });
});

describe('what is published', () => {
  test('rules.schema.json says what the program checks (write it anew: see rules-schema.ts)', () => {
    const file = readFileSync(join(import.meta.dirname, 'rules.schema.json'), 'utf8');
    expect(JSON.parse(file)).toEqual(publishedSchema());
  });

  test('the example of the README can be imported', async () => {
    const readme = readFileSync(join(import.meta.dirname, 'README.md'), 'utf8');
    const examples = [...readme.matchAll(/```json\n([^]*?)```/g)].map(([, text]) => text);
    expect(examples).toHaveLength(1);
    const registry = await regionRegistry();
    expect(await importRules(registry, examples[0])).toMatchObject({ refused: [], version: 2 });
  });
});
