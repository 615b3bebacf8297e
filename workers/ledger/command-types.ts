import type { RegistryChange } from './changes.ts';

/** What every command of money has: the payer's key, which makes a repeat harmless, and when it is done. */
interface Keyed {
  /** 1 to 128 bytes of UTF-8. */
  readonly key: string;
  readonly pupilId: number;
  /** Purse number, 1..4. */
  readonly purse: number;
  readonly kop: number;
  /** ms since 1970 UTC. */
  readonly at: number;
  /** Days since 1970, in the zone of whom it is booked for. */
  readonly schoolDay: number;
}

/** Money comes in from outside. */
export interface TopUp extends Keyed {
  readonly type: 'topup';
}

/** Money goes back to the payer. */
export interface Refund extends Keyed {
  readonly type: 'refund';
}

/** From one purse of a pupil to another. */
export interface Move extends Keyed {
  readonly type: 'move';
  readonly toPurse: number;
}

/** Corrects a purse; `kop` above zero gives, below takes. */
export interface Adjust extends Keyed {
  readonly type: 'adjust';
  /** The account on the other side: `accountId(Owner.adjustments, 0)`, or an operator's takings. */
  readonly against: number;
}

/** What the journal holds of a tap: found by who asks for a reversal, or by an OUTCOME. */
export interface TapFacts {
  readonly position: number;
  readonly readerId: number;
  readonly bootEpoch: number;
  readonly seq: number;
  readonly kind: number;
  readonly code: number;
  readonly readerFlags: number;
  readonly cardId: number;
  readonly pupilId: number;
  readonly schoolId: number;
  readonly schoolDay: number;
  readonly at: number;
  readonly atRaw: number;
  readonly clockQuality: number;
  readonly amountKop: number;
  readonly ref: number;
  readonly basis: number;
  readonly purse: number;
  /** NoticeKind. */
  readonly notice: number;
  /** What the tap moved when it was decided; null if nothing. */
  readonly transfer: MovedTransfer | null;
}

export interface MovedTransfer {
  readonly transferId: number;
  readonly debitAccount: number;
  readonly creditAccount: number;
  readonly kop: number;
}

/** Takes back what one tap moved, once. `key` may be empty: the tap itself is what makes a repeat harmless. */
export interface Reverse {
  readonly type: 'reverse';
  readonly key: string;
  readonly tap: TapFacts;
  readonly at: number;
  readonly schoolDay: number;
}

/** A reader tells what it did when the verdict came too late. */
export interface Outcome {
  readonly type: 'outcome';
  readonly tap: TapFacts;
  /** True: let through or sold; false: refused. */
  readonly deed: boolean;
  readonly at: number;
}

/** Sets a purse's daily limit: kopecks, null for none, 'default' for what the rules say. Idempotent by nature. */
export interface SetLimit {
  readonly type: 'limit';
  readonly pupilId: number;
  readonly purse: number;
  readonly limitKop: number | null | 'default';
}

/** Forbids an item to a pupil, or allows it again. */
export interface SetItem {
  readonly type: 'item';
  readonly pupilId: number;
  readonly item: number;
  readonly forbidden: boolean;
}

/** Reserves a locker of a school for a pupil from a time up to another; the same pupil, locker and `from` renews. */
export interface ReserveLocker {
  readonly type: 'locker';
  readonly pupilId: number;
  readonly schoolId: number;
  readonly locker: number;
  readonly from: number;
  /** ms since 1970 UTC, above `from`; equal to `from` cancels. */
  readonly to: number;
}

/** Closes an operator's day in this shard: what comes later is booked as "after close". */
export interface CloseDay {
  readonly type: 'closeDay';
  /** The operator's takings: `accountId(Owner.canteen or Owner.carrier, schoolId)`. */
  readonly operator: number;
  readonly schoolDay: number;
  readonly at: number;
}

/** The registry's feed was followed up to a change: nothing before it concerns this shard any more. */
export interface FeedMark {
  readonly type: 'feed';
  readonly change: number;
}

export type MoneyCommand = TopUp | Refund | Move | Adjust | Reverse;
export type LedgerCommand =
  RegistryChange | MoneyCommand | Outcome | SetLimit | SetItem | ReserveLocker | CloseDay | FeedMark;

/**
 * What the journal keeps of a command that moved money. `kop` and `purse` are as asked; `balanceKop` is the purse's (for a
 * move: the giving one's) afterwards.
 */
export interface Moved {
  readonly type: 'moved';
  readonly command: MoneyCommand['type'];
  readonly key: string;
  readonly pupilId: number;
  readonly purse: number;
  readonly kop: number;
  readonly toPurse: number;
  readonly against: number;
  readonly balanceKop: number;
  readonly transferId: number;
  readonly at: number;
  readonly schoolDay: number;
  /** Reversal: the tap that was taken back, with the movement. */
  readonly tap?: TapFacts;
}

/** What the journal keeps of an OUTCOME; `transfer` is what it moved or whose taking back it was, null if nothing. */
export interface Settled {
  readonly type: 'settled';
  readonly tap: TapFacts;
  readonly deed: boolean;
  readonly transfer: MovedTransfer | null;
  /** The pupil's purse that was touched, 0 if none. */
  readonly purse: number;
  /** FareBasis of a ride that was posted, else 0. */
  readonly basis: number;
  readonly at: number;
}

/** A command as the journal keeps it: its outcome, which replay applies without deciding. */
export type CommandOutcome =
  RegistryChange | Moved | Settled | SetLimit | SetItem | ReserveLocker | CloseDay | FeedMark;

/** What journals held of a top-up before any other command moved money. */
export interface ToppedUp {
  readonly type: 'toppedUp';
  readonly key: string;
  readonly pupilId: number;
  readonly purse: number;
  readonly kop: number;
  readonly balanceKop: number;
  readonly transferId: number;
}

/** What may be found in a journal, whichever program wrote it. */
export type JournaledOutcome = CommandOutcome | ToppedUp;

export type Refusal =
  | 'PUPIL_UNKNOWN'
  | 'PURSE_UNKNOWN'
  | 'PURSE_SAME'
  | 'AMOUNT_INVALID'
  | 'BALANCE_TOO_LARGE'
  | 'FUNDS_INSUFFICIENT'
  | 'NOTHING_MOVED'
  | 'REVERSED_BEFORE'
  | 'SETTLED_BEFORE'
  | 'DAY_CLOSED'
  | 'DAY_TOO_OLD'
  | 'RESERVATION_INVALID'
  | 'LIST_FULL'
  | 'KEY_INVALID'
  | 'KEY_CONFLICT'
  | 'KEYS_FULL';

/** The answer to one command. `isRepeat`: it had been done before and was not done again. */
export type CommandAnswer =
  | { readonly ok: true; readonly isRepeat: boolean; readonly outcome: CommandOutcome }
  | { readonly ok: false; readonly refusal: Refusal };
