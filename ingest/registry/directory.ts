import { defaultRulesVersion } from '../../workers/ledger/rule-set.ts';
import { CardIndex } from './card-index.ts';
import {
  decodeEntry,
  readerChange,
  schoolChange,
  type DirectoryChange,
  type FeedEntry,
  type NewChange,
} from './feed.ts';
import type { CardUidChange, ReaderChange, SchoolChange } from './feed.ts';
import { readRulesVersion } from './rules.ts';
import { readLastChange, type Registry, type RegistryTransaction } from './store.ts';

/** A reader as the gateway knows it. Updated in place: whoever holds it sees a revocation at once. */
export interface ReaderEntry {
  readonly readerId: number;
  schoolId: number;
  districtId: number;
  timeZone: string;
  /** Bits by `kindBit`. */
  kindsMask: number;
  /** 32 bytes, Ed25519. */
  publicKey: Uint8Array;
  revoked: boolean;
  place: string;
}

/** What the gateway needs of the registry, in memory: readers by id, cards by district and UID, the rules' version. */
export class Directory {
  readonly readers = new Map<number, ReaderEntry>();
  readonly cards: CardIndex;
  /** The feed entry up to which this view is complete. */
  appliedChange: number;
  /** The version of the rules in force as far as the feed was followed. */
  rulesVersion = defaultRulesVersion;
  private readonly schools = new Map<number, { districtId: number; timeZone: string }>();

  constructor(appliedChange = 0, cardsExpected = 0) {
    this.appliedChange = appliedChange;
    this.cards = new CardIndex(cardsExpected);
  }

  /** Applies one change; one that was applied before changes nothing. */
  apply(entry: DirectoryChange): void {
    if (entry.change <= this.appliedChange) return;
    this.put(entry);
    this.appliedChange = entry.change;
  }

  /** Applies a stretch of the feed and moves on past what concerns the ledger only. */
  follow(entries: readonly FeedEntry[]): void {
    for (const { change, directory } of entries) {
      if (directory !== null) this.apply(directory);
      this.appliedChange = Math.max(this.appliedChange, change);
    }
  }

  /** Takes over a fact, whatever its number. */
  put(entry: DirectoryChange): void {
    switch (entry.type) {
      case 'reader':
        return this.putReader(entry);
      case 'school':
        return this.putSchool(entry);
      case 'cardUid':
        return this.putCard(entry);
      case 'rules':
        this.rulesVersion = entry.version;
        return;
    }
  }

  private putReader(entry: ReaderChange): void {
    const { readerId, schoolId, kindsMask, revoked, place } = entry;
    const school = this.schools.get(schoolId);
    if (school === undefined) throw new Error(`feed entry ${entry.change}: reader ${readerId} before its school`);
    const publicKey = new Uint8Array(Buffer.from(entry.publicKey, 'hex'));
    const current = { schoolId, ...school, kindsMask, publicKey, revoked, place };
    const known = this.readers.get(readerId);
    if (known === undefined) this.readers.set(readerId, { readerId, ...current });
    else Object.assign(known, current);
  }

  private putSchool({ schoolId, districtId, timeZone }: SchoolChange): void {
    this.schools.set(schoolId, { districtId, timeZone });
    for (const reader of this.readers.values()) {
      if (reader.schoolId === schoolId) Object.assign(reader, { districtId, timeZone });
    }
  }

  private putCard({ districtId, uid, cardId, pupilId, status }: CardUidChange): void {
    const bytes = Buffer.from(uid, 'hex');
    if (status === 'replaced') this.cards.remove(districtId, bytes, cardId);
    else this.cards.set(districtId, bytes, cardId, pupilId);
  }
}

const pageCards = 20_000;

/** Reads the directory as of one feed entry, whatever others write meanwhile. */
export async function loadDirectory(registry: Registry): Promise<Directory> {
  return await registry.snapshot(async (transaction) => {
    const { cards } = await transaction
      .selectFrom('card')
      .select((build) => build.fn.countAll<number>().as('cards'))
      .executeTakeFirstOrThrow();
    const directory = new Directory(await readLastChange(transaction), Number(cards));
    directory.rulesVersion = await readRulesVersion(transaction);
    const schools = await transaction.selectFrom('school').selectAll().execute();
    for (const school of schools) putStored(directory, schoolChange(school));
    const readers = await transaction.selectFrom('reader').selectAll().execute();
    for (const reader of readers) putStored(directory, readerChange(reader));
    await loadCards(transaction, directory);
    return directory;
  });
}

/** Goes the way of a feed entry, so that what is stored and what is told cannot differ in form. */
function putStored(directory: Directory, { kind, payload }: NewChange): void {
  const entry = decodeEntry({ change: 0, kind, payload: JSON.stringify(payload) }).directory;
  if (entry !== null) directory.put(entry);
}

async function loadCards(transaction: RegistryTransaction, directory: Directory): Promise<void> {
  for (let lastId = 0; ;) {
    const page = await transaction
      .selectFrom('card')
      .select(['card_id', 'district_id', 'uid', 'pupil_id'])
      .where('card_id', '>', lastId)
      .where('status', '<>', 'replaced')
      .orderBy('card_id')
      .limit(pageCards)
      .execute();
    if (page.length === 0) return;
    for (const card of page) {
      directory.cards.set(card.district_id, Buffer.from(card.uid, 'hex'), card.card_id, card.pupil_id);
    }
    lastId = page[page.length - 1].card_id;
  }
}
