import type { TapRecords } from '../journal/tap-record.ts';
import { Present, TapOffset } from '../journal/tap-record.ts';
import { accountId, Owner, TransferCause } from '../journal/transfer-record.ts';
import { Code, isAccepted, opensAnyway, wentThrough } from './codes.ts';
import type { LedgerState } from './ledger-state.ts';
import { NoticeKind, TapFlag } from './kinds.ts';
import { gateFlags } from './rules/gate-rules.ts';
import { isOverLimit, saleOf } from './rules/payment.ts';
import type { TapCase } from './tap-case.ts';
import type { Transfer, TransferRecords } from './transfers.ts';

const balanceShownMaxKop = 2 ** 31 - 1;
/** Flags that the shard gives; the others come with the record. STALE_RULES stays once it is set: see `staleFlag`. */
const ownFlags = TapFlag.passback | TapFlag.wrongPlace | TapFlag.overLimit | TapFlag.forced;

/** Puts the rules' code and the reader's deed together: what moves, which flags stay, what may be shown. */
export function settle(
  ledger: LedgerState,
  tap: TapCase,
  code: number,
  records: TapRecords,
  row: number,
  transfers: TransferRecords,
): void {
  const isKnown = tap.pupilRow >= 0;
  const isThrough = wentThrough(tap.kind, code, tap.readerFlags);
  const sale = isKnown ? saleOf(tap.kind) : undefined;
  const isFunds = sale !== undefined && code === Code.acceptedEntitled;
  const debitedKop = isThrough && sale !== undefined && !isFunds ? tap.priceKop : 0;
  const flags = flagsOf(ledger, tap, code, debitedKop) | staleFlag(ledger, records, row);
  records.setU16(row, TapOffset.flags, (records.getU16(row, TapOffset.flags) & ~ownFlags) | flags);
  records.setU32(row, TapOffset.rulesVersion, ledger.rules.version);
  writeHolder(ledger, tap, records, row);
  records.setU8(row, TapOffset.purse, sale === undefined || isFunds ? 0 : tap.purse);
  records.setU8(row, TapOffset.basis, isThrough && isKnown ? tap.basis : 0);
  records.setU8(row, TapOffset.notice, noticeOf(ledger, tap, code, records.getU16(row, TapOffset.flags), isThrough));
  records.setI64(row, TapOffset.debitedKop, debitedKop);
  if (sale !== undefined && tap.amountKop === 0) records.setI64(row, TapOffset.amountKop, tap.priceKop);
  if (sale !== undefined && isThrough && tap.priceKop > 0) {
    const from = isFunds ? accountId(Owner.entitlementFund, tap.rules.districtId) : 0;
    move(ledger, tap, from, accountId(sale.seller, tap.schoolId), records.getI64(row, TapOffset.position), transfers);
  }
  const purse = debitedKop > 0 ? tap.purse : (sale?.purse ?? 0);
  const balanceKop = sale === undefined ? 0 : ledger.pupils.balanceKop(tap.pupilRow, purse);
  const isShown = sale !== undefined && isBalanceShown(code) && Math.abs(balanceKop) <= balanceShownMaxKop;
  writeAnswer(records, row, code, isShown, balanceKop);
}

/** Writes what the reader is told. */
export function writeAnswer(
  records: TapRecords,
  row: number,
  code: number,
  isShown: boolean,
  balanceKop: number,
): void {
  records.setU8(row, TapOffset.code, code);
  const present = records.getU8(row, TapOffset.present);
  records.setU8(row, TapOffset.present, isShown ? present | Present.balanceShown : present & ~Present.balanceShown);
  records.setI64(row, TapOffset.balanceKop, balanceKop);
}

/** A free meal looks exactly like a paid one; an overdraft shows the price only. */
function isBalanceShown(code: number): boolean {
  return code >= Code.accepted && code <= Code.acceptedTransfer;
}

function flagsOf(ledger: LedgerState, tap: TapCase, code: number, debitedKop: number): number {
  const isAgainstRules = tap.isDone && !isAccepted(code) && code !== Code.bounce;
  const isAgainstReader = tap.isRefusedByReader && isAccepted(code);
  let flags = isAgainstRules || isAgainstReader || opensAnyway(tap.kind, code) ? TapFlag.forced : 0;
  if (tap.isDone && debitedKop > 0 && isOverLimit(tap, ledger)) flags |= TapFlag.overLimit;
  return tap.isGate && isOfItsKind(code) ? flags | gateFlags(tap, ledger) : flags;
}

/** True for codes of taps that came as far as the rules of their kind. */
export function isOfItsKind(code: number): boolean {
  return isAccepted(code) || (code > Code.holderInactive && code < Code.settledBefore);
}

/**
 * The record comes in with the rules version that the reader told. A batch that is sent again after a crash may carry our
 * own version there already, and then the flag as well.
 */
function staleFlag(ledger: LedgerState, records: TapRecords, row: number): number {
  if ((records.getU16(row, TapOffset.flags) & TapFlag.offline) === 0) return 0;
  return records.getU32(row, TapOffset.rulesVersion) < ledger.rules.version ? TapFlag.staleRules : 0;
}

/** The gateway's card index may be ahead of this shard: the row has to name the pupil who pays. */
function writeHolder({ pupils }: LedgerState, tap: TapCase, records: TapRecords, row: number): void {
  const isKnown = tap.pupilRow >= 0;
  if (isKnown) records.setU32(row, TapOffset.pupilId, tap.pupilId);
  records.setU32(row, TapOffset.homeSchoolId, isKnown ? pupils.schoolId(tap.pupilRow) : 0);
  records.setU32(row, TapOffset.classId, isKnown ? pupils.classId(tap.pupilRow) : 0);
}

/** Refusals that a parent is told of (`codes.ts`). */
const toldRefusals: readonly number[] = [
  Code.cardBlocked,
  Code.cardExpired,
  Code.fundsInsufficient,
  Code.limitDaily,
  Code.itemForbidden,
  Code.mealAlreadyTaken,
  Code.lockerExpired,
  Code.fareDebt,
];

/** What the tap is to the pupil's parents. */
function noticeOf(ledger: LedgerState, tap: TapCase, code: number, flags: number, isThrough: boolean): number {
  if (tap.pupilRow < 0 || code === Code.bounce) return NoticeKind.none;
  if (isThrough) {
    return tap.isGate ? ledger.presence.noticeOf(tap.pupilRow, tap.kind, tap.at, tap.schoolDay) : NoticeKind.news;
  }
  if (!toldRefusals.includes(code)) return NoticeKind.none;
  return (flags & TapFlag.late) === 0 ? NoticeKind.news : NoticeKind.suppressed;
}

/** Moves the price from the pupil's purse, or from the fund that `from` names, to the seller. */
function move(
  ledger: LedgerState,
  tap: TapCase,
  from: number,
  creditAccount: number,
  position: number,
  transfers: TransferRecords,
): void {
  const { pupilId, schoolId, schoolDay, at, priceKop } = tap;
  const transfer: Transfer = {
    transferId: ledger.nextTransferId,
    causePosition: position,
    debitAccount: from === 0 ? accountId(Owner.pupil, pupilId, tap.purse) : from,
    creditAccount,
    kop: priceKop,
    at,
    reverses: 0,
    pupilId,
    schoolId,
    shard: ledger.shard,
    schoolDay,
    cause: TransferCause.tap,
    purse: from === 0 ? tap.purse : 0,
  };
  transfers.append(transfer);
  ledger.accounts.apply(transfer);
}
