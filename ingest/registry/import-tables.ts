import { classChange, holderChange, readerChange, schoolChange, schoolDayChange, type NewChange } from './feed.ts';
import { readFlag, readId, readKinds, readPublicKey, readShift, readText, readTitle, readZone } from './fields.ts';
import type { ImportFile } from './import-file.ts';
import { moveCardsHome } from './move.ts';
import type { ClassRow, DistrictRow, PupilRow, ReaderRow, SchoolRow } from './schema.ts';
import type { RegistryTransaction } from './store.ts';
import { tableWriter, type Append, type Move } from './table-writer.ts';

/** Five files, five tables: rows with an id of their own and, but for districts, a parent that must be stored. */

export const districts: ImportFile<DistrictRow> = {
  file: 'districts.csv',
  columns: { district_id: readId, name: readTitle },
  identity: (row) => row.district_id,
  identityColumn: 'district_id',
  open: tableWriter<DistrictRow, DistrictRow>({ table: 'district', id: 'district_id', toStored: (row) => row }),
};

export const schools: ImportFile<SchoolRow> = {
  file: 'schools.csv',
  columns: { school_id: readId, district_id: readId, name: readTitle, tz: readZone },
  identity: (row) => row.school_id,
  identityColumn: 'school_id',
  open: tableWriter<SchoolRow, SchoolRow>({
    table: 'school',
    id: 'school_id',
    parent: { table: 'district', id: 'district_id' },
    toStored: (row) => row,
    change: (after, before) => unlessSame(schoolChange(after), before && schoolChange(before)),
    onMoved: moveCardsHome,
  }),
};

export const classes: ImportFile<ClassRow> = {
  file: 'classes.csv',
  columns: { class_id: readId, school_id: readId, name: readTitle, shift: readShift },
  identity: (row) => row.class_id,
  identityColumn: 'class_id',
  open: tableWriter<ClassRow, ClassRow>({
    table: 'class',
    id: 'class_id',
    parent: { table: 'school', id: 'school_id' },
    toStored: (row) => row,
    change: classChange,
    isMove: (after, before) => after.shift !== before.shift,
    onMoved: movePupils,
  }),
};

type PupilFileRow = Omit<PupilRow, 'active'>;

export const pupils: ImportFile<PupilFileRow> = {
  file: 'pupils.csv',
  columns: { pupil_id: readId, class_id: readId, last_name: readText, first_name: readText, entitled: readFlag },
  identity: (row) => row.pupil_id,
  identityColumn: 'pupil_id',
  open: tableWriter<PupilFileRow, PupilRow>({
    table: 'pupil',
    id: 'pupil_id',
    parent: { table: 'class', id: 'class_id' },
    toStored: (row, before) => ({ ...row, active: before?.active ?? 1 }),
    // A new name alone is nothing to the ledger; another class always is, whatever its school.
    change: (after, before, parent) =>
      unlessSame(holderChange(after, parent as ClassRow), before && holderChange(before, parent as ClassRow)),
    onMoved: leaveSchools,
  }),
};

type ReaderFileRow = Omit<ReaderRow, 'kinds_mask' | 'revoked'> & { kinds: number };

export const readers: ImportFile<ReaderFileRow> = {
  file: 'readers.csv',
  columns: { reader_id: readId, school_id: readId, place: readText, kinds: readKinds, public_key: readPublicKey },
  identity: (row) => row.reader_id,
  identityColumn: 'reader_id',
  open: tableWriter<ReaderFileRow, ReaderRow>({
    table: 'reader',
    id: 'reader_id',
    parent: { table: 'school', id: 'school_id' },
    // A file never undoes a revocation.
    toStored: ({ kinds, ...row }, before) => ({ ...row, kinds_mask: kinds, revoked: before?.revoked ?? 0 }),
    change: (after) => readerChange(after),
  }),
};

function unlessSame(after: NewChange, before: NewChange | undefined): NewChange | null {
  return JSON.stringify(after.payload) === JSON.stringify(before?.payload) ? null : after;
}

/** Holders whose class went to another school or shift. */
async function movePupils(
  transaction: RegistryTransaction,
  append: Append,
  moved: readonly Move<ClassRow>[],
): Promise<void> {
  for (const { after } of moved) {
    const members = transaction.selectFrom('pupil').selectAll().where('class_id', '=', after.class_id);
    await append((await members.execute()).map((pupil) => holderChange(pupil, after)));
  }
  await moveCardsHome(transaction, append);
}

/** Pupils went to other classes: the schools that they left expect them no more, which no entry of theirs says. */
async function leaveSchools(
  transaction: RegistryTransaction,
  append: Append,
  moved: readonly Move<PupilRow>[],
): Promise<void> {
  const classes = await transaction.selectFrom('class').select(['class_id', 'school_id']).execute();
  const schoolOf = new Map(classes.map((row) => [row.class_id, row.school_id]));
  const left = moved
    .filter(({ before, after }) => schoolOf.get(before.class_id) !== schoolOf.get(after.class_id))
    .map(({ before }) => schoolOf.get(before.class_id));
  const schoolIds = [...new Set(left)].filter((schoolId) => schoolId !== undefined);
  if (schoolIds.length > 0) await append([schoolDayChange(schoolIds)]);
  await moveCardsHome(transaction, append);
}
