/**
 * What the registry tells the ledger, in the order of its change feed. A shard journals each change before it holds, so
 * that "a block takes effect in journal order". No names and no phone numbers: those stay in the registry.
 */
export type RegistryChange = HolderChange | CardChange;

export type CardStatus = 'active' | 'blocked' | 'replaced';

/** A pupil came, moved class or left. Goes to the shard that owns the pupil. */
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
}

/** A card was issued, blocked, unblocked or replaced. Goes to the shard that owns its pupil. */
export interface CardChange {
  readonly type: 'card';
  readonly change: number;
  readonly cardId: number;
  readonly pupilId: number;
  readonly status: CardStatus;
  /** Last day on which the card is good, as days since 1970; 0 for no end. */
  readonly expiresDay: number;
}
