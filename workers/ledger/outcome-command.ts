import { accountId, accountParts, Owner, TransferCause } from '../journal/transfer-record.ts';
import { Code, isAccepted } from './codes.ts';
import { type DecidedCommand, done, refuse } from './command-answers.ts';
import type { MovedTransfer, Outcome, Settled, TapFacts } from './command-types.ts';
import type { LedgerState } from './ledger-state.ts';
import { settledMax } from './limits.ts';
import { ReaderFlag } from './kinds.ts';
import { movedByTap, reversalOf, transferOf } from './money-commands.ts';
import { pricing, saleOf } from './rules/payment.ts';
import { TapCase } from './tap-case.ts';
import type { Transfer } from './transfers.ts';

/**
 * Decides what a reader's OUTCOME changes: a deed after a refusal is posted as a fact, an acceptance without a deed is
 * taken back. The first OUTCOME of a tap counts, and a tap that told its deed itself (flags 1 and 2) has none to tell.
 */
export function decideOutcome(ledger: LedgerState, command: Outcome, position: number): DecidedCommand {
  const { tap, deed, at } = command;
  const before = ledger.doneBefore.settled.get(tap.position);
  const nothing: Settled = { type: 'settled', tap, deed, transfer: null, purse: 0, basis: 0, at };
  if (before !== undefined) {
    return before.deed === deed ? done({ ...nothing, transfer: before.transfer }, true) : refuse('SETTLED_BEFORE');
  }
  if (ledger.doneBefore.settled.size >= settledMax) return refuse('LIST_FULL');
  const toldItself = (tap.readerFlags & (ReaderFlag.letThrough | ReaderFlag.refused)) !== 0;
  if (toldItself || ledger.pupils.row(tap.pupilId) < 0) return done(nothing);
  if (deed && isRefusal(tap.code)) return post(ledger, nothing, position);
  if (!deed && isAccepted(tap.code)) return takeBack(ledger, nothing, position);
  return done(nothing);
}

function isRefusal(code: number): boolean {
  return code >= Code.cardUnknown && code < Code.settledBefore;
}

/** The child was served after all: the price moves, by the purse that would pay now. */
function post(ledger: LedgerState, settled: Settled, position: number): DecidedCommand {
  const { tap } = settled;
  const sale = saleOf(tap.kind);
  if (sale === undefined) return done(settled);
  const priced = pricedAgain(ledger, tap);
  const { purse, basis, priceKop } = priced;
  if (priceKop === 0) return done({ ...settled, purse, basis });
  const debitAccount = accountId(Owner.pupil, tap.pupilId, purse);
  const movement: Transfer = {
    ...transferOf(ledger, position, debitAccount, accountId(sale.seller, tap.schoolId), priceKop),
    at: settled.at,
    pupilId: tap.pupilId,
    schoolId: tap.schoolId,
    schoolDay: tap.schoolDay,
    cause: TransferCause.outcome,
    purse,
  };
  return done({ ...settled, purse, basis, transfer: movedOf(movement) }, false, [movement]);
}

function pricedAgain(ledger: LedgerState, tap: TapFacts): TapCase {
  const priced = new TapCase();
  priced.loadFacts(tap);
  priced.rules = ledger.rules.of(tap.schoolId);
  priced.pupilRow = ledger.pupils.row(tap.pupilId);
  pricing.judge(priced, ledger);
  return priced;
}

function takeBack(ledger: LedgerState, settled: Settled, position: number): DecidedCommand {
  const { tap, at } = settled;
  const moved = movedByTap(ledger, tap.position, tap.transfer);
  if (moved === null || ledger.doneBefore.reversed.has(moved.transferId)) return done(settled);
  const movement = reversalOf(ledger, position, moved, { tap, at, schoolDay: tap.schoolDay });
  const { owner, purse } = accountParts(moved.debitAccount);
  return done({ ...settled, purse: owner === Owner.pupil ? purse : 0, transfer: moved }, false, [movement]);
}

function movedOf({ transferId, debitAccount, creditAccount, kop }: Transfer): MovedTransfer {
  return { transferId, debitAccount, creditAccount, kop };
}
