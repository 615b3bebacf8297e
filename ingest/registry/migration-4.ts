import type { Transaction } from 'kysely';
import { columnTypes } from './dialect.ts';
import type { RegistryTables } from './schema.ts';

const { id, timeMs } = columnTypes;

/** Who may look at the dashboards, and who is signed in. */
export async function addUsers({ schema }: Transaction<RegistryTables>): Promise<void> {
  await schema
    .createTable('dashboard_user')
    .addColumn('name_key', 'text', (column) => column.primaryKey())
    .addColumn('name', 'text', (column) => column.notNull())
    .addColumn('role', 'text', (column) => column.notNull())
    .addColumn('district_id', id, (column) => column.references('district.district_id'))
    .addColumn('school_id', id, (column) => column.references('school.school_id'))
    .addColumn('class_id', id, (column) => column.references('class.class_id'))
    .addColumn('password_hash', 'text')
    .addColumn('token_hash', 'text', (column) => column.unique())
    .addColumn('created_at', timeMs, (column) => column.notNull())
    .execute();
  await schema
    .createTable('dashboard_session')
    .addColumn('token_hash', 'text', (column) => column.primaryKey())
    .addColumn('name_key', 'text', (column) => column.notNull().references('dashboard_user.name_key'))
    .addColumn('created_at', timeMs, (column) => column.notNull())
    .addColumn('seen_at', timeMs, (column) => column.notNull())
    .execute();
  await schema.createIndex('dashboard_session_user').on('dashboard_session').column('name_key').execute();
}
