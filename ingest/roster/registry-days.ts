import { setImmediate as turn } from 'node:timers/promises';
import type { ExpectedPupil } from '../../analytics/roster/roster-rows.ts';
import type { DimensionRow, DimensionTable } from '../../analytics/roster/roster-store.ts';
import { dateOfDay } from '../registry/fields.ts';
import type { LocalClock } from '../registry/local-time.ts';
import type { SchoolRow } from '../registry/schema.ts';
import { readLastChange, type Registry, type RegistryTransaction } from '../registry/store.ts';
import { type DayReason, instantsOf, kindOfDay } from './day-plan.ts';
import { registryPageRows } from './limits.ts';

export type School = Omit<SchoolRow, 'name'>;

/** A school's day as the registry knows it now. */
export interface KnownDay {
  readonly isOpen: boolean;
  readonly reason: DayReason;
  /** Active pupils in ascending order. */
  readonly pupils: readonly ExpectedPupil[];
}

export async function readSchools(registry: Registry): Promise<Map<number, School>> {
  const rows = await registry.db.selectFrom('school').select(['school_id', 'district_id', 'tz']).execute();
  return new Map(rows.map((row) => [row.school_id, row]));
}

/** Reads one state of the registry, in pages between which the event loop goes on. */
export async function readDay(
  registry: Registry,
  school: School,
  clock: LocalClock,
  schoolDay: number,
): Promise<KnownDay> {
  const { school_id: schoolId } = school;
  return await registry.snapshot(async (transaction) => {
    const bells = await transaction.selectFrom('bells').selectAll().where('school_id', '=', schoolId).execute();
    const instants = instantsOf(clock, schoolDay, bells);
    const pupils: ExpectedPupil[] = [];
    const excused = await excusedAtSchool(transaction, schoolId, dateOfDay(schoolDay));
    for await (const page of pupilsOf(transaction, schoolId)) {
      for (const { pupil_id: pupilId, class_id: classId, shift, entitled } of page) {
        const flags = { entitled: entitled === 1, excused: excused.has(pupilId) };
        pupils.push({ pupilId, classId, shift, ...instants.get(shift)!, ...flags });
      }
    }
    return { ...(await readKind(transaction, school, schoolDay)), pupils };
  });
}

/** What may be learnt of a day after it: whether it was one, and who of `pupilIds` was excused. */
export async function readExcuses(
  registry: Registry,
  school: School,
  schoolDay: number,
  pupilIds: readonly number[],
): Promise<Omit<KnownDay, 'pupils'> & { readonly excused: ReadonlySet<number> }> {
  return await registry.snapshot(async (transaction) => {
    const excused = new Set<number>();
    for (let from = 0; from < pupilIds.length; from += registryPageRows) {
      const page = pupilIds.slice(from, from + registryPageRows);
      for (const pupilId of await excusedAmong(transaction, page, dateOfDay(schoolDay))) excused.add(pupilId);
      await turn();
    }
    return { ...(await readKind(transaction, school, schoolDay)), excused };
  });
}

async function readKind(transaction: RegistryTransaction, school: School, schoolDay: number) {
  const date = dateOfDay(schoolDay);
  const rows = await transaction
    .selectFrom('calendar')
    .select('kind')
    .where('district_id', '=', school.district_id)
    .where('from_day', '<=', date)
    .where('to_day', '>=', date)
    .where((row) => row.or([row('school_id', 'is', null), row('school_id', '=', school.school_id)]))
    .orderBy('place')
    .execute();
  return kindOfDay(
    schoolDay,
    rows.map(({ kind }) => kind),
  );
}

/** Of the pupils that the school has now. */
async function excusedAtSchool(transaction: RegistryTransaction, schoolId: number, date: string): Promise<Set<number>> {
  const rows = await transaction
    .selectFrom('class')
    .innerJoin('pupil', 'pupil.class_id', 'class.class_id')
    .innerJoin('absence', 'absence.pupil_id', 'pupil.pupil_id')
    .select('absence.pupil_id')
    .where('class.school_id', '=', schoolId)
    .where('from_day', '<=', date)
    .where('to_day', '>=', date)
    .execute();
  return new Set(rows.map((row) => row.pupil_id));
}

async function excusedAmong(
  transaction: RegistryTransaction,
  pupilIds: readonly number[],
  date: string,
): Promise<Set<number>> {
  const rows = await transaction
    .selectFrom('absence')
    .select('pupil_id')
    .where('pupil_id', 'in', pupilIds)
    .where('from_day', '<=', date)
    .where('to_day', '>=', date)
    .execute();
  return new Set(rows.map((row) => row.pupil_id));
}

async function* pupilsOf(transaction: RegistryTransaction, schoolId: number) {
  for (let lastId = 0; ;) {
    const page = await transaction
      .selectFrom('class')
      .innerJoin('pupil', 'pupil.class_id', 'class.class_id')
      .select(['pupil_id', 'pupil.class_id', 'shift', 'entitled'])
      .where('class.school_id', '=', schoolId)
      .where('active', '=', 1)
      .where('pupil_id', '>', lastId)
      .orderBy('pupil_id')
      .limit(registryPageRows)
      .execute();
    yield page;
    if (page.length < registryPageRows) return;
    lastId = page[page.length - 1].pupil_id;
    await turn();
  }
}

/** All schools, classes and readers as of one change of the registry. */
export async function readTables(
  registry: Registry,
): Promise<{ change: number; tables: Record<DimensionTable, DimensionRow[]> }> {
  return await registry.snapshot(async (transaction) => {
    const change = await readLastChange(transaction);
    const schools = await transaction.selectFrom('school').selectAll().orderBy('school_id').execute();
    const tables = {
      dim_school: schools.map((row) => [row.school_id, row.district_id, row.tz]),
      dim_class: await readPaged((lastId) => classesAfter(transaction, lastId)),
      dim_reader: await readPaged((lastId) => readersAfter(transaction, lastId)),
    };
    return { change, tables };
  });
}

/** `page` reads the rows behind an id, which is their first column. */
async function readPaged(page: (lastId: number) => Promise<[id: number, ...DimensionRow][]>): Promise<DimensionRow[]> {
  const rows: DimensionRow[] = [];
  for (let lastId = 0; ;) {
    const next = await page(lastId);
    rows.push(...next);
    if (next.length < registryPageRows) return rows;
    lastId = next[next.length - 1][0];
    await turn();
  }
}

async function classesAfter(transaction: RegistryTransaction, lastId: number) {
  const query = transaction.selectFrom('class').selectAll().where('class_id', '>', lastId).orderBy('class_id');
  const rows = await query.limit(registryPageRows).execute();
  return rows.map((row): [number, ...DimensionRow] => [row.class_id, row.school_id, row.name, row.shift]);
}

async function readersAfter(transaction: RegistryTransaction, lastId: number) {
  const query = transaction.selectFrom('reader').selectAll().where('reader_id', '>', lastId).orderBy('reader_id');
  const rows = await query.limit(registryPageRows).execute();
  return rows.map((row): [number, ...DimensionRow] => {
    return [row.reader_id, row.school_id, row.place, row.kinds_mask, row.revoked];
  });
}
