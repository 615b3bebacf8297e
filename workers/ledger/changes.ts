import type { RulesDocument } from './rule-set.ts';

/**
 * What the registry tells the ledger, in the order of its change feed. A shard journals each change before it holds, so
 * that "a block takes effect in journal order". No names and no phone numbers: those stay in the registry.
 */
export type RegistryChange = HolderChange | CardChange | SchoolDistrictChange | RulesChange;

/** The changes that every shard takes; the others go to the shard that owns the pupil. */
export type RegionChange = SchoolDistrictChange | RulesChange;

export type CardStatus = 'active' | 'blocked' | 'replaced';

/** A pupil came, moved class or left. */
export interface HolderChange {
  readonly type: 'holder';
  /** Place in the change feed, > 0, growing. */
  readonly change: number;
  readonly pupilId: number;
  readonly schoolId: number;
  readonly classId: number;
  readonly active: boolean;
  /** Free meals by entitlement. */
  readonly entitled: boolean;
  /** The class's shift, 1 to 3; a journal from before shifts were told has none: 1. */
  readonly shift?: number;
}

/** A card was issued, blocked, unblocked or replaced. */
export interface CardChange {
  readonly type: 'card';
  readonly change: number;
  readonly cardId: number;
  readonly pupilId: number;
  readonly status: CardStatus;
  /** Last day on which the card is good, as days since 1970; 0 for no end. */
  readonly expiresDay: number;
}

/** Which district a school belongs to: whose rules it takes, whose fund pays its free meals. */
export interface SchoolDistrictChange {
  readonly type: 'school';
  readonly change: number;
  readonly schoolId: number;
  readonly districtId: number;
}

/** Other rules hold from here on. The document is the whole of them. */
export interface RulesChange {
  readonly type: 'rules';
  readonly change: number;
  /** Grows with every change of the rules; 1 are the defaults. */
  readonly version: number;
  readonly document: RulesDocument;
}
