import { Present, TapOffset, type TapRecords } from '../journal/tap-record.ts';
import { accountParts, Owner } from '../journal/transfer-record.ts';
import { OperatorError } from '../errors.ts';
import { Code, isForWantOfMoney, wentThrough } from './codes.ts';
import type { CommandOutcome, JournaledOutcome, Moved, Settled, TapFacts, ToppedUp } from './command-types.ts';
import { ClockQuality, Kind } from './kinds.ts';
import type { LedgerState } from './ledger-state.ts';
import { saleOf } from './rules/payment.ts';
import { isOfItsKind } from './settle.ts';
import { monthOfDay } from './state/rides.ts';

/*
 * How outcomes change the state. Deciding and replay both come through here; nothing is decided, and transfers are moved
 * elsewhere (`Accounts.apply`).
 */

/** A decided or quarantined tap. */
export function applyTap(ledger: LedgerState, records: TapRecords, row: number): void {
  const code = records.getU8(row, TapOffset.code);
  if (code === Code.idConflict) return;
  const readerId = records.getU32(row, TapOffset.readerId);
  rememberAnswer(ledger, records, row, readerId, code);
  if (code === Code.readerForbidden) return;
  const kind = records.getU8(row, TapOffset.kind);
  const isThrough = wentThrough(kind, code, records.getU8(row, TapOffset.readerFlags));
  if (saleOf(kind) !== undefined) ledger.book.tap(records, row, isThrough && isHolderKnown(records, row));
  if (isOfItsKind(code) && (isThrough || !isForWantOfMoney(code))) ledger.recent.remember(records, row, isThrough);
  if (isHolderKnown(records, row)) applyToHolder(ledger, records, row, kind, code, isThrough);
}

function rememberAnswer(ledger: LedgerState, records: TapRecords, row: number, readerId: number, code: number): void {
  const bootEpoch = records.getU32(row, TapOffset.bootEpoch);
  const window = ledger.windowOf(readerId, bootEpoch);
  // A block keeps its quarantine behind its taps: replayed, a 93 of the older epoch may come after a tap of the newer one.
  if (bootEpoch < window.bootEpoch) return;
  const isShown = (records.getU8(row, TapOffset.present) & Present.balanceShown) !== 0;
  const seq = records.getU32(row, TapOffset.seq);
  const balanceKop = isShown ? records.getI64(row, TapOffset.balanceKop) : 0;
  const position = records.getI64(row, TapOffset.position);
  window.push(seq, records.getU32(row, TapOffset.contentHash), code, isShown, balanceKop, position);
}

function isHolderKnown(records: TapRecords, row: number): boolean {
  return records.getU32(row, TapOffset.homeSchoolId) !== 0;
}

function applyToHolder(
  ledger: LedgerState,
  records: TapRecords,
  row: number,
  kind: number,
  code: number,
  isThrough: boolean,
): void {
  const pupilRow = ledger.pupils.row(records.getU32(row, TapOffset.pupilId));
  const day = records.getU16(row, TapOffset.schoolDay);
  if (kind <= Kind.gateOut) {
    const at = records.getI64(row, TapOffset.at);
    const schoolId = records.getU32(row, TapOffset.schoolId);
    const isDoubtful = records.getU8(row, TapOffset.clockQuality) === ClockQuality.D;
    if (isOfItsKind(code)) ledger.presence.tapped(pupilRow, kind, at, schoolId, isDoubtful);
    if (isThrough) ledger.presence.passed(pupilRow, kind, at, schoolId, day);
    return;
  }
  const debitedKop = records.getI64(row, TapOffset.debitedKop);
  if (debitedKop > 0) ledger.days.addSpent(pupilRow, day, records.getU8(row, TapOffset.purse), debitedKop);
  const basis = records.getU8(row, TapOffset.basis);
  if (basis === 0) return;
  if (kind === Kind.meal) ledger.days.take(pupilRow, day, basis);
  else applyRide(ledger, pupilRow, records.getI64(row, TapOffset.at), records.getU32(row, TapOffset.ref), day, basis);
}

function applyRide(ledger: LedgerState, row: number, at: number, route: number, day: number, basis: number): void {
  ledger.rides.ridden(row, at, route, monthOfDay(day), basis);
}

/** A command's outcome. Throws JOURNAL_NEWER for one that this program does not know: passed over, it would be forgotten. */
export function applyOutcome(ledger: LedgerState, outcome: JournaledOutcome): void {
  switch (outcome.type) {
    case 'moved':
      return applyMoved(ledger, outcome);
    case 'toppedUp':
      return applyMoved(ledger, movedOf(outcome));
    case 'settled':
      return applySettled(ledger, outcome);
    case 'limit':
      return ledger.settings.setLimit(outcome);
    case 'item':
      return ledger.settings.setItem(outcome);
    case 'locker':
      return ledger.reservations.set(outcome);
    case 'closeDay':
      return ledger.book.close(outcome.operator, outcome.schoolDay, outcome.at);
    case 'holder':
    case 'card':
    case 'school':
    case 'rules':
    case 'feed':
      applyChange(ledger, outcome);
      ledger.registryChange = outcome.change;
      return;
    default:
      throw newer(outcome);
  }
}

function newer(unknown: never): OperatorError {
  const message = `the journal holds a command of type ${String((unknown as { type: unknown }).type)}`;
  return new OperatorError('JOURNAL_NEWER', message, 'Run the newer program that wrote it.');
}

/** A top-up of an older program; its time and day stand with its transfer. */
function movedOf({ key, pupilId, purse, kop, balanceKop, transferId }: ToppedUp): Moved {
  const what = { type: 'moved', command: 'topup', key, pupilId, purse, kop, balanceKop, transferId } as const;
  return { ...what, toPurse: 0, against: 0, at: 0, schoolDay: 0 };
}

type Change = Extract<CommandOutcome, { change: number }>;

function applyChange(ledger: LedgerState, change: Change): void {
  switch (change.type) {
    case 'holder':
      ledger.pupils.set(change);
      ledger.days.reserve(ledger.pupils.count);
      ledger.presence.reserve(ledger.pupils.count);
      ledger.rides.reserve(ledger.pupils.count);
      return;
    case 'card':
      return ledger.cards.set(change);
    case 'school':
      return ledger.rules.setDistrict(change.schoolId, change.districtId);
    case 'rules':
      return ledger.rules.replace(change.version, change.document);
    case 'feed':
      return;
  }
}

function applyMoved(ledger: LedgerState, moved: Moved): void {
  ledger.doneBefore.moved(moved);
  const { against, schoolDay, kop, tap } = moved;
  if (moved.command === 'adjust') ledger.book.adjustment(against, schoolDay, kop);
  if (moved.command !== 'reverse' || tap === undefined || tap.transfer === null) return;
  ledger.doneBefore.reverse(tap.transfer.transferId);
  giveBack(ledger, tap, tap.transfer.debitAccount, kop);
  ledger.book.reversal(against, schoolDay, kop);
}

function applySettled(ledger: LedgerState, settled: Settled): void {
  const { tap, deed, transfer, purse, basis } = settled;
  ledger.doneBefore.settle(settled);
  const row = ledger.pupils.row(tap.pupilId);
  if (row < 0) return;
  if (isPosted(settled)) ledger.recent.served(tap);
  if (isUndone(settled)) ledger.recent.forget(tap);
  if (tap.kind <= Kind.gateOut) return applyPassage(ledger, row, settled);
  if (tap.kind === Kind.fare && isUndone(settled)) {
    ledger.rides.undone(row, tap.at, tap.ref, monthOfDay(tap.schoolDay), tap.basis);
  }
  if (deed && basis !== 0) applyRide(ledger, row, tap.at, tap.ref, tap.schoolDay, basis);
  if (transfer === null) {
    // An entitled meal for nothing moved nothing, and yet its window is free again; one that was taken back before is not its own.
    const isFree = tap.code === Code.acceptedEntitled && tap.transfer === null && (tap.readerFlags & 3) === 0;
    if (!deed && isFree) ledger.days.free(row, tap.schoolDay, tap.basis);
    return;
  }
  if (deed) {
    ledger.days.addSpent(row, tap.schoolDay, purse, transfer.kop);
    ledger.book.outcome(transfer.creditAccount, tap.schoolDay, transfer.kop);
    return;
  }
  ledger.doneBefore.reverse(transfer.transferId);
  giveBack(ledger, tap, transfer.debitAccount, transfer.kop);
  ledger.book.reversal(transfer.creditAccount, tap.schoolDay, transfer.kop);
}

/** The reader let through what had been refused. A tap that told its deed itself (flags 1 and 2) has none to tell. */
function isPosted({ tap, deed }: Settled): boolean {
  const isRefusal = !wentThrough(tap.kind, tap.code, 0) && tap.code < Code.settledBefore;
  return deed && isRefusal && (tap.readerFlags & 3) === 0;
}

/** What had been accepted, or was open anyway, did not happen. */
function isUndone({ tap, deed }: Settled): boolean {
  return !deed && wentThrough(tap.kind, tap.code, 0) && (tap.readerFlags & 3) === 0;
}

/** A gate that tells its deed later: the child is inside, or gone, or is not. */
function applyPassage({ presence }: LedgerState, row: number, settled: Settled): void {
  const { kind, at, schoolId, schoolDay } = settled.tap;
  if (isPosted(settled)) presence.passed(row, kind, at, schoolId, schoolDay);
  if (isUndone(settled)) presence.undone(row, kind, at, schoolId);
}

/** What a tap's transfer took is free again: the daily limit, or the entitlement of a window. */
function giveBack({ pupils, days }: LedgerState, tap: TapFacts, debitAccount: number, kop: number): void {
  const row = pupils.row(tap.pupilId);
  const { owner, purse } = accountParts(debitAccount);
  if (owner === Owner.pupil) days.giveBack(row, tap.schoolDay, purse, kop);
  else days.free(row, tap.schoolDay, tap.basis);
}
