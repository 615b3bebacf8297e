import { appendChange, readerChange } from './feed.ts';
import { check, checkId, refused, requireSchool } from './checks.ts';
import { namesOfKinds, readKinds, readPublicKey, readText } from './fields.ts';
import type { ReaderRow } from './schema.ts';
import type { Registry, RegistryTransaction } from './store.ts';

/** What a reader is, as a command prints it. */
export interface ReaderView {
  readonly readerId: number;
  readonly schoolId: number;
  readonly place: string;
  readonly kinds: string[];
  readonly publicKey: string;
  readonly revoked: boolean;
}

/** `change` is the feed entry that the command made, or null where nothing had to change. */
export type ReaderResult = ReaderView & { readonly change: number | null };

export interface NewReader {
  readonly readerId: number;
  readonly schoolId: number;
  /** Names of kinds: a list, or text with commas or spaces between them. */
  readonly kinds: string | readonly string[];
  /** 64 hex digits. */
  readonly publicKey: string;
  readonly place?: string;
}

/**
 * Enrols a reader, or changes its settings (an absent or empty place stays). A reader in service keeps its key: a slip in
 * the id must not shut another one out. A revoked reader is enrolled anew with what is given.
 */
export async function addReader(registry: Registry, reader: NewReader): Promise<ReaderResult> {
  const wanted = checkReader(reader);
  return await registry.transaction(async (transaction) => {
    await requireSchool(transaction, wanted.school_id);
    const known = await findReader(transaction, wanted.reader_id);
    if (known !== undefined && known.revoked === 0) requireSameKey(known, wanted);
    const row = { ...wanted, place: wanted.place || (known?.place ?? '') };
    if (known !== undefined && sameReader(known, row)) return { ...readerView(known), change: null };
    await transaction
      .insertInto('reader')
      .values(row)
      .onConflict((conflict) => conflict.column('reader_id').doUpdateSet(row))
      .execute();
    return { ...readerView(row), change: await appendChange(transaction, readerChange(row)) };
  });
}

function checkReader({ readerId, schoolId, kinds, publicKey, place = '' }: NewReader): ReaderRow {
  return {
    reader_id: checkId('--id', readerId),
    school_id: checkId('--school', schoolId),
    place: check('--place', readText(place)),
    kinds_mask: check('--kinds', readKinds(typeof kinds === 'string' ? kinds : kinds.join(' '))),
    public_key: check('--public-key', readPublicKey(publicKey)),
    revoked: 0,
  };
}

/** Takes a reader's rights away; for one that has none, nothing. */
export async function revokeReader(registry: Registry, readerId: number): Promise<ReaderResult> {
  checkId('--id', readerId);
  return await registry.transaction(async (transaction) => {
    const known = await findReader(transaction, readerId);
    if (known === undefined) throw refused('READER_UNKNOWN', `there is no reader ${readerId}`, 'See: reader list');
    if (known.revoked === 1) return { ...readerView(known), change: null };
    const row = { ...known, revoked: 1 };
    await transaction.updateTable('reader').set({ revoked: 1 }).where('reader_id', '=', readerId).execute();
    return { ...readerView(row), change: await appendChange(transaction, readerChange(row)) };
  });
}

export async function listReaders(registry: Registry): Promise<ReaderView[]> {
  const rows = await registry.db.selectFrom('reader').selectAll().orderBy('reader_id').execute();
  return rows.map(readerView);
}

async function findReader(transaction: RegistryTransaction, readerId: number): Promise<ReaderRow | undefined> {
  return await transaction.selectFrom('reader').selectAll().where('reader_id', '=', readerId).executeTakeFirst();
}

function requireSameKey(known: ReaderRow, wanted: ReaderRow): void {
  if (known.public_key === wanted.public_key) return;
  const message = `reader ${known.reader_id} is in service with another public key`;
  throw refused('READER_EXISTS', message, `Revoke it first (reader revoke --id ${known.reader_id}), then add it again`);
}

function sameReader(known: ReaderRow, wanted: ReaderRow): boolean {
  const columns = ['school_id', 'place', 'kinds_mask', 'public_key', 'revoked'] as const;
  return columns.every((column) => known[column] === wanted[column]);
}

function readerView(row: ReaderRow): ReaderView {
  return {
    readerId: row.reader_id,
    schoolId: row.school_id,
    place: row.place,
    kinds: namesOfKinds(row.kinds_mask),
    publicKey: row.public_key,
    revoked: row.revoked === 1,
  };
}
