import type { Transaction } from 'kysely';
import { columnTypes } from './dialect.ts';
import type { RegistryTables } from './schema.ts';

const { id, integer } = columnTypes;

/** Bells, calendars and absences: what a school's day is. */
export async function addSchoolDays({ schema }: Transaction<RegistryTables>): Promise<void> {
  await schema
    .createTable('bells')
    .addColumn('school_id', id, (column) => column.notNull().references('school.school_id'))
    .addColumn('shift', integer, (column) => column.notNull())
    .addColumn('doors_min', integer, (column) => column.notNull())
    .addColumn('first_min', integer, (column) => column.notNull())
    .addColumn('last_min', integer, (column) => column.notNull())
    .addPrimaryKeyConstraint('bells_key', ['school_id', 'shift'])
    .execute();
  await schema
    .createTable('calendar')
    .addColumn('district_id', id, (column) => column.notNull().references('district.district_id'))
    .addColumn('place', integer, (column) => column.notNull())
    .addColumn('school_id', id, (column) => column.references('school.school_id'))
    .addColumn('from_day', 'text', (column) => column.notNull())
    .addColumn('to_day', 'text', (column) => column.notNull())
    .addColumn('kind', 'text', (column) => column.notNull())
    .addPrimaryKeyConstraint('calendar_key', ['district_id', 'place'])
    .execute();
  await schema
    .createTable('absence')
    .addColumn('pupil_id', id, (column) => column.notNull().references('pupil.pupil_id'))
    .addColumn('from_day', 'text', (column) => column.notNull())
    .addColumn('to_day', 'text')
    .addPrimaryKeyConstraint('absence_key', ['pupil_id', 'from_day'])
    .execute();
  // A school's pupils are read by its classes.
  await schema.createIndex('class_school').on('class').column('school_id').execute();
}
