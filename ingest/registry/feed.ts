import type { Transaction } from 'kysely';
import type { CardStatus, RegistryChange } from '../../workers/ledger/changes.ts';
import type { RulesDocument } from '../../workers/ledger/rule-set.ts';
import { dayOfDate } from './fields.ts';
import type { CardRow, ChangeKind, ClassRow, PupilRow, ReaderRow, RegistryTables, SchoolRow } from './schema.ts';

/**
 * The change feed: what the ledger, the gateway's directory and the schools' days have to know, in the order in which it was committed.
 * An entry is written in the transaction that made the change. Payloads carry ids and settings, never names.
 */
export interface FeedEntry {
  readonly change: number;
  readonly ledger: RegistryChange | null;
  readonly directory: DirectoryChange | null;
  readonly schoolDay: SchoolDayChange | null;
}

/** What is known of schools, or expected of their days, may be other than before. */
export interface SchoolDayChange {
  readonly schoolIds: readonly number[];
  /** The past days that are concerned as well, days since 1970, both included; null: none. */
  readonly pastDays: readonly [from: number, to: number] | null;
  /** Whether schools, classes or readers themselves changed. */
  readonly isOfTables: boolean;
}

export type DirectoryChange = ReaderChange | SchoolChange | CardUidChange | RulesVersionChange;

export interface ReaderChange {
  readonly type: 'reader';
  readonly change: number;
  readonly readerId: number;
  readonly schoolId: number;
  readonly place: string;
  /** Bits by `kindBit`. */
  readonly kindsMask: number;
  /** 64 hex digits. */
  readonly publicKey: string;
  readonly revoked: boolean;
}

export interface SchoolChange {
  readonly type: 'school';
  readonly change: number;
  readonly schoolId: number;
  readonly districtId: number;
  readonly timeZone: string;
}

/** The UID means (or, when `replaced`, no longer means) this card in this district. */
export interface CardUidChange {
  readonly type: 'cardUid';
  readonly change: number;
  readonly districtId: number;
  /** Upper-case hex. */
  readonly uid: string;
  readonly cardId: number;
  readonly pupilId: number;
  readonly status: CardStatus;
}

/** Rules of this version hold from here on. */
export interface RulesVersionChange {
  readonly type: 'rules';
  readonly change: number;
  readonly version: number;
}

/** An entry that is not yet numbered. */
export interface NewChange {
  readonly kind: ChangeKind;
  readonly entityId: number;
  readonly payload: object;
}

export interface StoredChange {
  readonly change: number;
  readonly kind: ChangeKind;
  readonly payload: string;
  /** Of kind 'rules': the document as JSON, which is stored once, with its version. */
  readonly document?: string;
}

/** A pupil's class, as far as the ledger is concerned. */
export type HolderClass = Pick<ClassRow, 'school_id' | 'shift'>;

export function holderChange(pupil: PupilRow, { school_id: schoolId, shift }: HolderClass): NewChange {
  const { pupil_id: pupilId, class_id: classId } = pupil;
  const payload = { pupilId, schoolId, classId, active: pupil.active === 1, entitled: pupil.entitled === 1, shift };
  return { kind: 'holder', entityId: pupilId, payload };
}

export function cardChange(card: CardRow): NewChange {
  return { kind: 'card', entityId: card.card_id, payload: cardPayload(card, card.status) };
}

/** The card is taken out of the district that the row names; the ledger is not concerned. */
export function cardLeftChange(card: CardRow): NewChange {
  return { kind: 'cardLeft', entityId: card.card_id, payload: cardPayload(card, 'replaced') };
}

function cardPayload(card: CardRow, status: CardStatus): object {
  return {
    cardId: card.card_id,
    pupilId: card.pupil_id,
    status,
    expiresDay: card.expires === null ? 0 : dayOfDate(card.expires),
    districtId: card.district_id,
    uid: card.uid,
  };
}

export function readerChange(reader: ReaderRow): NewChange {
  const { reader_id: readerId, school_id: schoolId, place, kinds_mask: kindsMask, public_key: publicKey } = reader;
  return {
    kind: 'reader',
    entityId: readerId,
    payload: { readerId, schoolId, place, kindsMask, publicKey, revoked: reader.revoked === 1 },
  };
}

export function schoolChange(school: SchoolRow): NewChange {
  const { school_id: schoolId, district_id: districtId, tz: timeZone } = school;
  return { kind: 'school', entityId: schoolId, payload: { schoolId, districtId, timeZone } };
}

/** A class came or changed; with another school both are concerned. */
export function classChange(after: ClassRow, before: ClassRow | undefined): NewChange {
  const { class_id: classId, school_id: schoolId } = after;
  const schoolIds = [...new Set([schoolId, before?.school_id ?? schoolId])];
  return { kind: 'class', entityId: classId, payload: { classId, schoolIds } };
}

/** `pastDays`: as in `SchoolDayChange`. */
export function schoolDayChange(schoolIds: readonly number[], pastDays: SchoolDayChange['pastDays'] = null): NewChange {
  return { kind: 'schoolDay', entityId: schoolIds[0], payload: { schoolIds, pastDays } };
}

export function rulesChange(version: number): NewChange {
  return { kind: 'rules', entityId: version, payload: { version } };
}

/** Appends to the feed within the transaction that makes the change; answers the entry's number. */
export async function appendChange(transaction: Transaction<RegistryTables>, entry: NewChange): Promise<number> {
  const { kind, entityId: entity_id, payload } = entry;
  const inserted = await transaction
    .insertInto('change')
    .values({ kind, entity_id, payload: JSON.stringify(payload) })
    .returning('change')
    .executeTakeFirstOrThrow();
  return inserted.change;
}

export function decodeEntry({ change, kind, payload, document = '{}' }: StoredChange): FeedEntry {
  const fields: unknown = JSON.parse(payload);
  const entry = { change, ledger: null, directory: null, schoolDay: null };
  switch (kind) {
    case 'holder': {
      const holder = fields as HolderPayload;
      return { ...entry, ledger: { type: 'holder', change, ...holder }, schoolDay: concerns([holder.schoolId], false) };
    }
    case 'card': {
      const card = fields as CardPayload;
      const { cardId, pupilId, status, expiresDay } = card;
      const ledger = { type: 'card', change, cardId, pupilId, status, expiresDay } as const;
      return { ...entry, ledger, directory: cardUid(change, card) };
    }
    case 'cardLeft':
      return { ...entry, directory: cardUid(change, fields as CardPayload) };
    case 'reader': {
      const directory = { type: 'reader', change, ...(fields as ReaderPayload) } as const;
      return { ...entry, directory, schoolDay: concerns([], true) };
    }
    case 'school': {
      const school = fields as SchoolPayload;
      const { schoolId, districtId } = school;
      const ledger = { type: 'school', change, schoolId, districtId } as const;
      const directory = { type: 'school', change, ...school } as const;
      return { ...entry, ledger, directory, schoolDay: concerns([schoolId], true) };
    }
    case 'class':
      return { ...entry, schoolDay: concerns((fields as ClassPayload).schoolIds, true) };
    case 'schoolDay': {
      const { schoolIds, pastDays } = fields as SchoolDayPayload;
      return { ...entry, schoolDay: { schoolIds, pastDays, isOfTables: false } };
    }
    case 'rules': {
      const { version } = fields as RulesPayload;
      const ledger = { type: 'rules', change, version, document: JSON.parse(document) as RulesDocument } as const;
      return { ...entry, ledger, directory: { type: 'rules', change, version } };
    }
  }
}

function concerns(schoolIds: readonly number[], isOfTables: boolean): SchoolDayChange {
  return { schoolIds, pastDays: null, isOfTables };
}

function cardUid(change: number, { districtId, uid, cardId, pupilId, status }: CardPayload): CardUidChange {
  return { type: 'cardUid', change, districtId, uid, cardId, pupilId, status };
}

type Payload<Change> = Omit<Change, 'type' | 'change'>;
type HolderPayload = Payload<Extract<RegistryChange, { type: 'holder' }>>;
type CardPayload = Payload<Extract<RegistryChange, { type: 'card' }>> & { districtId: number; uid: string };
type ReaderPayload = Payload<ReaderChange>;
type SchoolPayload = Payload<SchoolChange>;
type RulesPayload = Payload<RulesVersionChange>;
interface ClassPayload {
  readonly classId: number;
  readonly schoolIds: readonly number[];
}
type SchoolDayPayload = Omit<SchoolDayChange, 'isOfTables'>;
