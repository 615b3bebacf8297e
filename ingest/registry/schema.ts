import type { Generated } from 'kysely';
import type { CardStatus } from '../../workers/ledger/changes.ts';
import type { Role, UserRole } from './roles.ts';

/** Rows as they are stored. Flags are 0 or 1, ids are positive and fit 32 bits, absent dates are null. */
export interface RegistryTables {
  district: DistrictRow;
  school: SchoolRow;
  class: ClassRow;
  pupil: PupilRow;
  card: CardRow;
  reader: ReaderRow;
  bells: BellsRow;
  calendar: CalendarRow;
  absence: AbsenceRow;
  change: ChangeTable;
  rules: RulesRow;
  admin_token: AdminTokenRow;
  audit: AuditTable;
  dashboard_user: UserRow;
  dashboard_session: SessionRow;
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

/** When a shift of a school begins and ends, in minutes of the local day; up to 1,440, which is midnight. */
export interface BellsRow {
  school_id: number;
  /** 1 to 3. */
  shift: number;
  doors_min: number;
  /** First bell. */
  first_min: number;
  /** End of the last lesson. */
  last_min: number;
}

export type CalendarKind = 'holiday' | 'closed' | 'open';

/** A line of a district's calendar; of those that speak of a day the one with the highest place counts. */
export interface CalendarRow {
  district_id: number;
  /** From 0, in the order of the file. */
  place: number;
  /** Null for all schools of the district. */
  school_id: number | null;
  /** YYYY-MM-DD, both included. */
  from_day: string;
  to_day: string;
  kind: CalendarKind;
}

/** Days on which a pupil is excused, both included. */
export interface AbsenceRow {
  pupil_id: number;
  /** YYYY-MM-DD. */
  from_day: string;
  /** Null for an absence that was taken back. */
  to_day: string | null;
}

/**
 * `cardLeft`: the UID no longer means this card in the district that the payload names, because the pupil moved away.
 * `class`, `schoolDay`: what is expected of a school's day may be other than before; neither ledger nor gateway is concerned.
 */
export type ChangeKind = 'holder' | 'card' | 'cardLeft' | 'reader' | 'school' | 'rules' | 'class' | 'schoolDay';

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

/** Somebody who may look at the dashboards. Of the scope the one column of the role is set, of `class` its school as well. */
export interface UserRow {
  /** The name without its case: two users cannot differ in that alone. */
  name_key: string;
  name: string;
  role: UserRole;
  district_id: number | null;
  school_id: number | null;
  class_id: number | null;
  /** Argon2id, in the encoded form; null for a user that signs in with a token only. */
  password_hash: string | null;
  /** SHA-256 of the token in hex, or null. */
  token_hash: string | null;
  /** ms since 1970. */
  created_at: number;
}

export interface SessionRow {
  /** SHA-256 of what the browser holds, in hex. */
  token_hash: string;
  name_key: string;
  /** ms since 1970, by the machine's clock. */
  created_at: number;
  /** When it was used last, to the minute. */
  seen_at: number;
}
