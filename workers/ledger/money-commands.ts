import { accountId, accountParts, Owner, TransferCause } from '../journal/transfer-record.ts';
import { type DecidedCommand, done, isAmount, isPurse, refuse } from './command-answers.ts';
import type {
  Adjust,
  MoneyCommand,
  Move,
  Moved,
  MovedTransfer,
  Refund,
  Refusal,
  Reverse,
  TopUp,
} from './command-types.ts';
import type { LedgerState } from './ledger-state.ts';
import { idempotencyKeyBytesMax, idempotencyKeysMax, purseBalanceMaxKop, settledMax } from './limits.ts';
import type { Transfer } from './transfers.ts';

type Keyed = Exclude<MoneyCommand, Reverse>;

/** Decides a command that moves money: once per key, and within what purses may hold. */
export function decideMoney(ledger: LedgerState, command: MoneyCommand, position: number): DecidedCommand {
  const before = command.key === '' ? undefined : ledger.doneBefore.byKey.get(command.key);
  if (before !== undefined) return isSame(before, command) ? done(before, true) : refuse('KEY_CONFLICT');
  if (command.type === 'reverse') return decideReverse(ledger, command, position);
  const refusal = refusalOf(ledger, command);
  return refusal === undefined ? moneyMoves(ledger, command, position) : refuse(refusal);
}

function refusalOf({ pupils, doneBefore }: LedgerState, command: Keyed): Refusal | undefined {
  if (!isKey(command.key)) return 'KEY_INVALID';
  if (doneBefore.byKey.size >= idempotencyKeysMax) return 'KEYS_FULL';
  if (!isAmount(command.type === 'adjust' ? Math.abs(command.kop) : command.kop)) return 'AMOUNT_INVALID';
  const row = pupils.row(command.pupilId);
  if (row < 0) return 'PUPIL_UNKNOWN';
  if (!isPurse(command.purse)) return 'PURSE_UNKNOWN';
  const balanceKop = pupils.balanceKop(row, command.purse);
  if (command.type === 'refund') return balanceKop < command.kop ? 'FUNDS_INSUFFICIENT' : undefined;
  if (command.type !== 'move') {
    // A reversal may have filled a purse above the bound: what takes from it is welcome.
    return command.kop > 0 && balanceKop + command.kop > purseBalanceMaxKop ? 'BALANCE_TOO_LARGE' : undefined;
  }
  if (!isPurse(command.toPurse)) return 'PURSE_UNKNOWN';
  if (command.toPurse === command.purse) return 'PURSE_SAME';
  if (balanceKop < command.kop) return 'FUNDS_INSUFFICIENT';
  return pupils.balanceKop(row, command.toPurse) + command.kop > purseBalanceMaxKop ? 'BALANCE_TOO_LARGE' : undefined;
}

const causes = {
  topup: TransferCause.topup,
  refund: TransferCause.refund,
  move: TransferCause.move,
  adjust: TransferCause.adjustment,
} as const;

function moneyMoves(ledger: LedgerState, command: Keyed, position: number): DecidedCommand {
  const { type, key, pupilId, purse, kop, at, schoolDay } = command;
  const own = accountId(Owner.pupil, pupilId, purse);
  const other = otherAccount(command);
  const isGiven = type === 'topup' || (type === 'adjust' && kop > 0);
  const movement: Transfer = {
    ...transferOf(ledger, position, isGiven ? other : own, isGiven ? own : other, Math.abs(kop)),
    at,
    pupilId,
    schoolId: type === 'adjust' ? accountParts(command.against).ownerId : 0,
    schoolDay,
    cause: causes[type],
    purse,
  };
  const balanceKop = ledger.pupils.balanceKop(ledger.pupils.row(pupilId), purse) + (isGiven ? 1 : -1) * movement.kop;
  const toPurse = type === 'move' ? command.toPurse : 0;
  const against = type === 'adjust' ? command.against : 0;
  const { transferId } = movement;
  const rest = { key, pupilId, purse, kop, toPurse, against, balanceKop, transferId, at, schoolDay };
  return done({ type: 'moved', command: type, ...rest }, false, [movement]);
}

function otherAccount(command: TopUp | Refund | Move | Adjust): number {
  if (command.type === 'move') return accountId(Owner.pupil, command.pupilId, command.toPurse);
  return command.type === 'adjust' ? command.against : accountId(Owner.funding, 0);
}

/** Takes back what a tap moved: when it was decided, or by an OUTCOME afterwards. */
function decideReverse(ledger: LedgerState, command: Reverse, position: number): DecidedCommand {
  const { key, tap, at, schoolDay } = command;
  if (key !== '' && !isKey(key)) return refuse('KEY_INVALID');
  const { doneBefore, pupils } = ledger;
  if (doneBefore.byKey.size >= idempotencyKeysMax) return refuse('KEYS_FULL');
  const row = pupils.row(tap.pupilId);
  if (row < 0) return refuse('PUPIL_UNKNOWN');
  const moved = movedByTap(ledger, tap.position, tap.transfer);
  if (moved === null) return refuse('NOTHING_MOVED');
  if (doneBefore.reversed.has(moved.transferId)) return refuse('REVERSED_BEFORE');
  if (doneBefore.reversed.size >= settledMax) return refuse('LIST_FULL');
  const movement = reversalOf(ledger, position, moved, { tap, at, schoolDay });
  const { purse } = movement;
  const isOwn = accountParts(moved.debitAccount).owner === Owner.pupil;
  const balanceKop = purse === 0 ? 0 : pupils.balanceKop(row, purse) + (isOwn ? moved.kop : 0);
  const { pupilId } = tap;
  const rest = { key, pupilId, purse, kop: moved.kop, toPurse: 0, against: moved.creditAccount, balanceKop };
  const { transferId } = movement;
  const taken = { ...tap, transfer: moved };
  const outcome: Moved = { type: 'moved', command: 'reverse', ...rest, transferId, at, schoolDay, tap: taken };
  return done(outcome, false, [movement]);
}

/** The movement behind a tap that stands: its own, unless an OUTCOME made one later. */
export function movedByTap(ledger: LedgerState, position: number, own: MovedTransfer | null): MovedTransfer | null {
  const settled = ledger.doneBefore.settled.get(position);
  return settled?.deed === true && settled.transfer !== null ? settled.transfer : own;
}

type ReversedFor = Pick<Reverse, 'tap' | 'at' | 'schoolDay'>;

export function reversalOf(ledger: LedgerState, position: number, moved: MovedTransfer, why: ReversedFor): Transfer {
  const { tap, at, schoolDay } = why;
  const { owner, purse } = accountParts(moved.debitAccount);
  return {
    ...transferOf(ledger, position, moved.creditAccount, moved.debitAccount, moved.kop),
    at,
    reverses: moved.transferId,
    pupilId: tap.pupilId,
    schoolId: tap.schoolId,
    schoolDay,
    cause: TransferCause.reversal,
    purse: owner === Owner.pupil ? purse : 0,
  };
}

export function transferOf(
  ledger: LedgerState,
  position: number,
  debitAccount: number,
  creditAccount: number,
  kop: number,
) {
  const { nextTransferId: transferId, shard } = ledger;
  return { transferId, causePosition: position, debitAccount, creditAccount, kop, reverses: 0, shard };
}

function isSame(before: Moved, command: MoneyCommand): boolean {
  if (before.command !== command.type) return false;
  if (command.type === 'reverse') return before.tap?.position === command.tap.position;
  const isSameSum = before.pupilId === command.pupilId && before.purse === command.purse && before.kop === command.kop;
  if (command.type === 'move') return isSameSum && before.toPurse === command.toPurse;
  return isSameSum && (command.type !== 'adjust' || before.against === command.against);
}

/** Half a surrogate pair and a byte order mark come back from the journal as something else: the key would not be known. */
function isKey(key: string): boolean {
  if (key.length === 0 || key.length > idempotencyKeyBytesMax || /[\p{Surrogate}\uFEFF]/u.test(key)) return false;
  return new TextEncoder().encode(key).length <= idempotencyKeyBytesMax;
}
