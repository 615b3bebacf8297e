import type { Transaction } from 'kysely';
import { columnTypes } from './dialect.ts';
import type { RegistryTables } from './schema.ts';

const { id, integer, timeMs } = columnTypes;

/** Rows read at once: a region has hundreds of thousands of pupils. */
const pageRows = 5_000;

/** Rules as data, admin tokens, audit; and tells the shards what entries of version 1 did not say. */
export async function addRulesTokensAudit(transaction: Transaction<RegistryTables>): Promise<void> {
  await createTables(transaction.schema);
  await tellSchools(transaction);
  await tellShifts(transaction);
}

async function createTables(schema: Transaction<RegistryTables>['schema']): Promise<void> {
  await schema
    .createTable('rules')
    .addColumn('version', integer, (column) => column.primaryKey())
    .addColumn('document', 'text', (column) => column.notNull())
    .addColumn('imported_at', timeMs, (column) => column.notNull())
    .execute();
  await schema
    .createTable('admin_token')
    .addColumn('name', 'text', (column) => column.primaryKey().notNull())
    .addColumn('role', 'text', (column) => column.notNull())
    .addColumn('school_id', id, (column) => column.references('school.school_id'))
    .addColumn('token_hash', 'text', (column) => column.notNull().unique())
    .addColumn('created_at', timeMs, (column) => column.notNull())
    .addColumn('revoked_at', timeMs)
    .execute();
  await schema
    .createTable('audit')
    .addColumn('audit_id', id, (column) => column.primaryKey().autoIncrement())
    .addColumn('at_ms', timeMs, (column) => column.notNull())
    .addColumn('who', 'text', (column) => column.notNull())
    .addColumn('role', 'text', (column) => column.notNull())
    .addColumn('command', 'text', (column) => column.notNull())
    .addColumn('request', 'text', (column) => column.notNull())
    .addColumn('ok', integer)
    .addColumn('outcome', 'text')
    .addColumn('ended_at_ms', timeMs)
    .execute();
}

/** A shard that passed the schools' entries took nothing from them: now their districts concern it. */
async function tellSchools(transaction: Transaction<RegistryTables>): Promise<void> {
  const schools = await transaction
    .selectFrom('school')
    .select(['school_id as schoolId', 'district_id as districtId', 'tz as timeZone'])
    .orderBy('school_id')
    .execute();
  for (const school of schools) await append(transaction, 'school', school.schoolId, school);
}

/** Holders' entries had no shift, which stands for the first. */
async function tellShifts(transaction: Transaction<RegistryTables>): Promise<void> {
  for (let lastId = 0; ;) {
    const page = await transaction
      .selectFrom('pupil')
      .innerJoin('class', 'class.class_id', 'pupil.class_id')
      .select(['pupil_id', 'pupil.class_id', 'school_id', 'active', 'entitled', 'shift'])
      .where('shift', '<>', 1)
      .where('pupil_id', '>', lastId)
      .orderBy('pupil_id')
      .limit(pageRows)
      .execute();
    if (page.length === 0) return;
    for (const { pupil_id: pupilId, class_id: classId, school_id: schoolId, shift, active, entitled } of page) {
      const payload = { pupilId, schoolId, classId, active: active === 1, entitled: entitled === 1, shift };
      await append(transaction, 'holder', pupilId, payload);
    }
    lastId = page[page.length - 1].pupil_id;
  }
}

/** The form of entries at this version, whatever later programs write. */
async function append(
  transaction: Transaction<RegistryTables>,
  kind: 'school' | 'holder',
  entity_id: number,
  payload: object,
): Promise<void> {
  await transaction
    .insertInto('change')
    .values({ kind, entity_id, payload: JSON.stringify(payload) })
    .execute();
}
