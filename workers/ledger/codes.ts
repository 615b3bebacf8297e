import { Kind, ReaderFlag } from './kinds.ts';

/** One decision code: its stable number and name, what the reader shows and what the parent is told. */
export interface DecisionCode {
  readonly code: number;
  readonly name: string;
  readonly meaning: string;
  readonly readerShows: string;
  readonly parentTold: string | null;
}

function row(
  code: number,
  name: string,
  meaning: string,
  readerShows: string,
  parentTold: string | null,
): DecisionCode {
  return { code, name, meaning, readerShows, parentTold };
}

/**
 * The one registry of decision codes. Numbers are never reused. The published table (`codes.json`) and the constants
 * below come from here.
 */
export const decisionCodes = [
  row(10, 'ACCEPTED', 'accepted', 'green', 'entry, exit, purchase or ride'),
  row(
    11,
    'ACCEPTED_ENTITLED',
    'accepted, paid by the entitlement fund',
    'green, exactly as a paid meal',
    'lunch received',
  ),
  row(12, 'ACCEPTED_TRANSFER', 'accepted as a free transfer', 'green', 'in the history'),
  row(
    13,
    'ACCEPTED_OVERDRAFT',
    'accepted, the purse went below zero',
    'green, price only',
    'balance below zero, top up',
  ),
  row(14, 'ACCEPTED_MANUAL', 'entered by staff', "guard's screen", 'entered by staff'),
  row(40, 'CARD_UNKNOWN', 'no such card in this district', 'red; at a gate out, open', null),
  row(41, 'CARD_BLOCKED', 'the card is blocked', 'red; at a gate out, open', 'blocked card used'),
  row(42, 'CARD_EXPIRED', 'the card is past its date', 'red; at a gate out, open', 'renew'),
  row(43, 'HOLDER_INACTIVE', "the card's holder has left", 'red; at a gate out, open', null),
  row(44, 'SCOPE_FOREIGN', "another school's card", 'amber; at a gate out, open', null),
  row(45, 'OUTSIDE_HOURS', 'outside the hours of this reader', 'amber; at a gate out, open', null),
  row(46, 'FUNDS_INSUFFICIENT', 'the purse does not hold the price', 'amber, no sum', 'refused, top up'),
  row(47, 'LIMIT_DAILY', 'the daily limit is reached', 'amber', 'limit reached'),
  row(48, 'ITEM_FORBIDDEN', 'the item is forbidden to this pupil', 'amber', 'item refused'),
  row(49, 'MEAL_ALREADY_TAKEN', 'the meal of this window was taken', 'amber', 'once'),
  row(50, 'MEAL_WINDOW', 'no meal window is open', 'amber', null),
  row(51, 'LOCKER_NOT_RESERVED', 'the locker is not reserved for this pupil', 'red', null),
  row(52, 'LOCKER_EXPIRED', 'the reservation is over', 'amber', 'renew'),
  row(53, 'FARE_DEBT', 'unpaid rides', 'amber, the driver decides', 'debt'),
  row(54, 'PRICE_MISMATCH', "the till's price list is out of date", 'till reloads its list', null),
  row(70, 'SETTLED_BEFORE', 'a repeat older than the remembered answers', 'drop the tap', null),
  row(71, 'BOUNCE', 'the same card again at once', 'the first result again, silently', null),
  row(90, 'RETRY_LATER', 'not decided; the server cannot now', 'decide locally, keep the tap', null),
  row(91, 'ID_CONFLICT', 'this identity was used with other content', 'service lamp', null),
  row(93, 'READER_FORBIDDEN', 'this reader may not take this kind', 'service lamp', null),
] as const satisfies readonly DecisionCode[];

/** Decision codes by name. */
export const Code = {
  accepted: 10,
  acceptedEntitled: 11,
  acceptedTransfer: 12,
  acceptedOverdraft: 13,
  acceptedManual: 14,
  cardUnknown: 40,
  cardBlocked: 41,
  cardExpired: 42,
  holderInactive: 43,
  scopeForeign: 44,
  outsideHours: 45,
  fundsInsufficient: 46,
  limitDaily: 47,
  itemForbidden: 48,
  mealAlreadyTaken: 49,
  mealWindow: 50,
  lockerNotReserved: 51,
  lockerExpired: 52,
  fareDebt: 53,
  priceMismatch: 54,
  settledBefore: 70,
  bounce: 71,
  retryLater: 90,
  idConflict: 91,
  readerForbidden: 93,
} as const;

/** True for codes that let the child through, sell the meal or open the locker. */
export function isAccepted(code: number): boolean {
  return code >= 10 && code < 40;
}

/** Refusals that a top-up, or another day, mends at once: the same tap again is asked again, and is no bounce. */
export function isForWantOfMoney(code: number): boolean {
  return code === Code.fundsInsufficient || code === Code.limitDaily || code === Code.fareDebt;
}

/** An exit always opens: what the rules say of the card, the school or the hour is kept, the deed stands. */
export function opensAnyway(kind: number, code: number): boolean {
  return kind === Kind.gateOut && code >= Code.cardUnknown && code <= Code.outsideHours;
}

/** Whether the child got through, was served or rode: by the rules, or because the reader had let it. */
export function wentThrough(kind: number, code: number, readerFlags: number): boolean {
  if (code === Code.bounce) return false;
  if ((readerFlags & ReaderFlag.letThrough) !== 0) return true;
  if ((readerFlags & ReaderFlag.refused) !== 0) return false;
  return isAccepted(code) || opensAnyway(kind, code);
}
