import { sql, type Kysely, type Transaction } from 'kysely';
import { OperatorError } from '../../workers/errors.ts';
import { columnTypes } from './dialect.ts';
import { addRulesTokensAudit } from './migration-2.ts';
import { addSchoolDays } from './migration-3.ts';
import { addUsers } from './migration-4.ts';
import type { RegistryTables } from './schema.ts';

type Migration = (transaction: Transaction<RegistryTables>) => Promise<void>;

/** Forward only; a migration's number is its place, from 1. Never edit one that was released: add the next. */
const migrations: readonly Migration[] = [
  ({ schema }) => createTables(schema),
  addRulesTokensAudit,
  addSchoolDays,
  addUsers,
];

const { id, integer } = columnTypes;

async function createTables(schema: Transaction<RegistryTables>['schema']): Promise<void> {
  await schema
    .createTable('district')
    .addColumn('district_id', id, (column) => column.primaryKey())
    .addColumn('name', 'text', (column) => column.notNull())
    .execute();
  await schema
    .createTable('school')
    .addColumn('school_id', id, (column) => column.primaryKey())
    .addColumn('district_id', id, (column) => column.notNull().references('district.district_id'))
    .addColumn('name', 'text', (column) => column.notNull())
    .addColumn('tz', 'text', (column) => column.notNull())
    .execute();
  await schema
    .createTable('class')
    .addColumn('class_id', id, (column) => column.primaryKey())
    .addColumn('school_id', id, (column) => column.notNull().references('school.school_id'))
    .addColumn('name', 'text', (column) => column.notNull())
    .addColumn('shift', integer, (column) => column.notNull())
    .execute();
  await createPeople(schema);
  await createFleet(schema);
}

async function createPeople(schema: Transaction<RegistryTables>['schema']): Promise<void> {
  await schema
    .createTable('pupil')
    .addColumn('pupil_id', id, (column) => column.primaryKey())
    .addColumn('class_id', id, (column) => column.notNull().references('class.class_id'))
    .addColumn('last_name', 'text', (column) => column.notNull())
    .addColumn('first_name', 'text', (column) => column.notNull())
    .addColumn('entitled', integer, (column) => column.notNull())
    .addColumn('active', integer, (column) => column.notNull())
    .execute();
  await schema.createIndex('pupil_class').on('pupil').column('class_id').execute();
  await schema
    .createTable('card')
    .addColumn('card_id', id, (column) => column.primaryKey().autoIncrement())
    .addColumn('district_id', id, (column) => column.notNull().references('district.district_id'))
    .addColumn('uid', 'text', (column) => column.notNull())
    .addColumn('uid_bytes', integer, (column) => column.notNull())
    .addColumn('pupil_id', id, (column) => column.notNull().references('pupil.pupil_id'))
    .addColumn('status', 'text', (column) => column.notNull())
    .addColumn('expires', 'text')
    .execute();
  await schema.createIndex('card_uid').on('card').columns(['district_id', 'uid', 'pupil_id']).unique().execute();
  await schema.createIndex('card_pupil').on('card').columns(['pupil_id', 'status']).execute();
}

async function createFleet(schema: Transaction<RegistryTables>['schema']): Promise<void> {
  await schema
    .createTable('reader')
    .addColumn('reader_id', id, (column) => column.primaryKey())
    .addColumn('school_id', id, (column) => column.notNull().references('school.school_id'))
    .addColumn('place', 'text', (column) => column.notNull())
    .addColumn('kinds_mask', integer, (column) => column.notNull())
    .addColumn('public_key', 'text', (column) => column.notNull())
    .addColumn('revoked', integer, (column) => column.notNull())
    .execute();
  await schema
    .createTable('change')
    .addColumn('change', id, (column) => column.primaryKey().autoIncrement())
    .addColumn('kind', 'text', (column) => column.notNull())
    .addColumn('entity_id', id, (column) => column.notNull())
    .addColumn('payload', 'text', (column) => column.notNull())
    .execute();
}

/** Brings the database to this program's version (tests: to an older). Waits for no lock when there is nothing to do. */
export async function migrate(db: Kysely<RegistryTables>, target = migrations.length): Promise<void> {
  if ((await storedVersion(db)) === target) return;
  await db.transaction().execute(async (transaction) => {
    // Another process may have migrated while this one waited for the lock.
    const version = await storedVersion(transaction);
    if (version > migrations.length) throw newerVersion(version);
    if (version === 0) {
      await transaction.schema
        .createTable('migration')
        .addColumn('number', integer, (c) => c.primaryKey())
        .execute();
    }
    for (let number = version + 1; number <= target; number++) {
      await migrations[number - 1](transaction);
      await sql`insert into migration (number) values (${number})`.execute(transaction);
    }
  });
}

/** The number of the last migration that was applied, 0 for an empty database. */
async function storedVersion(db: Kysely<RegistryTables>): Promise<number> {
  const tables = await db.introspection.getTables();
  if (!tables.some((table) => table.name === 'migration')) return 0;
  const { rows } = await sql<{ version: number }>`select max(number) as version from migration`.execute(db);
  return rows[0].version;
}

function newerVersion(version: number): OperatorError {
  return new OperatorError(
    'REGISTRY_NEWER',
    `the registry is at version ${version}, this program knows ${migrations.length}`,
    'Run the newer program, or restore a copy of the registry from before the upgrade',
  );
}
