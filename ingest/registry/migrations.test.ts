import { join } from 'node:path';
import { Kysely, sql } from 'kysely';
import { expect, test } from 'vitest';
import { sqliteDialect } from './dialect.ts';
import { temporaryDirectory, temporaryRegistry } from './fixtures.suite.ts';
import { migrate } from './migrations.ts';
import type { RegistryTables } from './schema.ts';

/** As version 1 left it: two schools, a class of each shift, a pupil in each, and entries that say neither shift nor rules. */
const versionOne = [
  `insert into district values (1, 'North'), (2, 'South')`,
  `insert into school values (10, 1, 'Ten', 'UTC'), (20, 2, 'Twenty', 'Europe/Moscow')`,
  `insert into class values (100, 10, '1A', 1), (200, 20, '1B', 2), (201, 20, '1C', 3)`,
  `insert into pupil values (1, 100, 'Secretov', 'Ivan', 1, 1), (2, 200, 'Secretova', 'Anna', 1, 0), (3, 201, 'A', 'B', 0, 1)`,
  `insert into change (kind, entity_id, payload) values
    ('school', 10, '{"schoolId":10,"districtId":1,"timeZone":"UTC"}'),
    ('school', 20, '{"schoolId":20,"districtId":2,"timeZone":"Europe/Moscow"}'),
    ('holder', 1, '{"pupilId":1,"schoolId":10,"classId":100,"active":true,"entitled":true}'),
    ('holder', 2, '{"pupilId":2,"schoolId":20,"classId":200,"active":false,"entitled":true}'),
    ('holder', 3, '{"pupilId":3,"schoolId":20,"classId":201,"active":true,"entitled":false}')`,
];

test('a registry of version 1 tells shards that had followed it districts and shifts, once', async () => {
  const directory = temporaryDirectory();
  const old = new Kysely<RegistryTables>({ dialect: sqliteDialect(join(directory, 'registry.db'), 1_000) });
  await migrate(old, 1);
  for (const statement of versionOne) await sql.raw(statement).execute(old);
  await old.destroy();
  const registry = await temporaryRegistry(directory);
  expect((await registry.changesAfter(0, 5)).map(({ ledger }) => ledger?.type)).toEqual([
    'school',
    'school',
    'holder',
    'holder',
    'holder',
  ]);
  const ledger = [
    { type: 'school', change: 6, schoolId: 10, districtId: 1 },
    { type: 'school', change: 7, schoolId: 20, districtId: 2 },
    { type: 'holder', change: 8, pupilId: 2, schoolId: 20, classId: 200, active: false, entitled: true, shift: 2 },
    { type: 'holder', change: 9, pupilId: 3, schoolId: 20, classId: 201, active: true, entitled: false, shift: 3 },
  ];
  expect((await registry.changesAfter(5, 100)).map((entry) => entry.ledger)).toEqual(ledger);
  expect(await registry.db.selectFrom('bells').selectAll().execute()).toEqual([]);
  const again = await temporaryRegistry(directory);
  expect(await again.lastChange()).toBe(9);
});
