import type { Generated } from 'kysely';
import type { CardStatus } from '../../workers/ledger/changes.ts';
import type { Role } from './roles.ts';

/** Rows as they are stored. Flags are 0 or 1, ids are positive and fit 32 bits, absent dates are null. */
export interface RegistryTables {
  district: DistrictRow;
  school: SchoolRow;
  class: ClassRow;
  pupil: PupilRow;
  card: CardRow;
  reader: ReaderRow;
  change: ChangeTable;
  rules: RulesRow;
  admin_token: AdminTokenRow;
  audit: AuditTable;
}

export interface DistrictRow {
  district_id: number;
  name: string;
}

export interface SchoolRow {
  school_id: number;
  district_id: number;
  name: string;
  /** IANA zone, in the spelling of the zone database. */
  tz: string;
}

export interface ClassRow {
  class_id: number;
  school_id: number;
  name: string;
  /** 1 to 3. */
  shift: number;
}

export interface PupilRow {
  pupil_id: number;
  class_id: number;
  last_name: string;
  first_name: string;
  entitled: number;
  active: number;
}

export interface CardRow {
  card_id: number;
  /** The district of the pupil's school, kept here because a UID means a card within its district only. */
  district_id: number;
  /** Upper-case hex of 4, 7 or 10 bytes in read order. */
  uid: string;
  uid_bytes: number;
  pupil_id: number;
  status: CardStatus;
  /** Last day on which the card is good, YYYY-MM-DD, or null for no end. */
  expires: string | null;
}

export interface ReaderRow {
  reader_id: number;
  school_id: number;
  place: string;
  /** Bits by `kindBit`. */
  kinds_mask: number;
  /** 64 upper-case hex digits. */
  public_key: string;
  revoked: number;
}

/** `cardLeft`: the UID no longer means this card in the district that the payload names, because the pupil moved away. */
export type ChangeKind = 'holder' | 'card' | 'cardLeft' | 'reader' | 'school' | 'rules';

interface ChangeTable {
  change: Generated<number>;
  kind: ChangeKind;
  entity_id: number;
  /** JSON, without names: see `feed.ts`. */
  payload: string;
}

/** One version of the rules, from 2 on; version 1 are the defaults, which have no row. Rows are never changed. */
export interface RulesRow {
  version: number;
  /** JSON: a `RulesDocument`. */
  document: string;
  /** ms since 1970. */
  imported_at: number;
}

export interface AdminTokenRow {
  name: string;
  role: Role;
  /** The one school that it is good for, or null for the whole region. */
  school_id: number | null;
  /** SHA-256 of the token in hex: the token itself is not kept. */
  token_hash: string;
  /** ms since 1970. */
  created_at: number;
  revoked_at: number | null;
}

export interface AuditTable {
  audit_id: Generated<number>;
  at_ms: number;
  who: string;
  role: string;
  command: string;
  /** JSON. */
  request: string;
  /** 1 done, 0 refused or failed, null not ended. */
  ok: number | null;
  /** JSON, or null while not ended. */
  outcome: string | null;
  ended_at_ms: number | null;
}
