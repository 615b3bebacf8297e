import { accountId, Owner, TransferCause } from '../journal/transfer-record.ts';
import type { RegistryChange } from './changes.ts';
import { idempotencyKeyBytesMax, idempotencyKeysMax, movementMaxKop, purseBalanceMaxKop } from './limits.ts';
import { Purse } from './kinds.ts';
import type { Pupils } from './pupils.ts';
import type { Transfer } from './transfers.ts';

/** Money comes in from outside. The same key again changes nothing and gets the first outcome. */
export interface TopUp {
  readonly type: 'topup';
  readonly key: string;
  readonly pupilId: number;
  /** Purse number, 1..4. */
  readonly purse: number;
  readonly kop: number;
  readonly at: number;
  readonly schoolDay: number;
}

/** The registry's feed was followed up to a change: nothing before it concerns this shard any more. */
export interface FeedMark {
  readonly type: 'feed';
  readonly change: number;
}

export type LedgerCommand = RegistryChange | TopUp | FeedMark;

/** What the journal keeps of a top-up. */
export interface ToppedUp {
  readonly type: 'toppedUp';
  readonly key: string;
  readonly pupilId: number;
  readonly purse: number;
  readonly kop: number;
  readonly balanceKop: number;
  readonly transferId: number;
}

/** A command as the journal keeps it: its outcome, which replay applies without deciding. */
export type CommandOutcome = RegistryChange | ToppedUp | FeedMark;

export type Refusal =
  | 'PUPIL_UNKNOWN'
  | 'PURSE_UNKNOWN'
  | 'AMOUNT_INVALID'
  | 'BALANCE_TOO_LARGE'
  | 'KEY_INVALID'
  | 'KEY_CONFLICT'
  | 'KEYS_FULL';

/** The answer to one command. `isRepeat`: it had been done before and was not done again. */
export type CommandAnswer =
  | { readonly ok: true; readonly isRepeat: boolean; readonly outcome: CommandOutcome }
  | { readonly ok: false; readonly refusal: Refusal };

/** What a command is decided from: the ledger, to be read only. */
export interface CommandContext {
  readonly shard: number;
  readonly pupils: Pupils;
  readonly toppedUp: ReadonlyMap<string, ToppedUp>;
  readonly registryChange: number;
  readonly nextTransferId: number;
}

/** Decides one command; `movements` receives what it moves. Nothing is changed here: the ledger applies the outcome. */
export function decideCommand(
  ledger: CommandContext,
  command: LedgerCommand,
  position: number,
): { answer: CommandAnswer; movements: Transfer[] } {
  if (command.type === 'topup') return decideTopUp(ledger, command, position);
  const isRepeat = command.change <= ledger.registryChange;
  return { answer: { ok: true, isRepeat, outcome: command }, movements: [] };
}

function decideTopUp(ledger: CommandContext, command: TopUp, position: number) {
  const refuse = (refusal: Refusal) => ({ answer: { ok: false as const, refusal }, movements: [] });
  const before = ledger.toppedUp.get(command.key);
  if (before !== undefined) {
    const isSame = before.pupilId === command.pupilId && before.purse === command.purse && before.kop === command.kop;
    return isSame
      ? { answer: { ok: true as const, isRepeat: true, outcome: before }, movements: [] }
      : refuse('KEY_CONFLICT');
  }
  if (!isKey(command.key)) return refuse('KEY_INVALID');
  if (ledger.toppedUp.size >= idempotencyKeysMax) return refuse('KEYS_FULL');
  const isAmount = Number.isSafeInteger(command.kop) && command.kop > 0 && command.kop <= movementMaxKop;
  if (!isAmount) return refuse('AMOUNT_INVALID');
  const row = ledger.pupils.row(command.pupilId);
  if (row < 0) return refuse('PUPIL_UNKNOWN');
  if (!isPurse(command.purse)) return refuse('PURSE_UNKNOWN');
  const balanceKop = ledger.pupils.balanceKop(row, command.purse) + command.kop;
  if (balanceKop > purseBalanceMaxKop) return refuse('BALANCE_TOO_LARGE');
  const { key, pupilId, purse, kop } = command;
  const transferId = ledger.nextTransferId;
  const outcome: ToppedUp = { type: 'toppedUp', key, pupilId, purse, kop, balanceKop, transferId };
  const movement: Transfer = {
    transferId,
    causePosition: position,
    debitAccount: accountId(Owner.funding, 0),
    creditAccount: accountId(Owner.pupil, pupilId, purse),
    kop,
    at: command.at,
    reverses: 0,
    pupilId,
    schoolId: 0,
    shard: ledger.shard,
    schoolDay: command.schoolDay,
    cause: TransferCause.topup,
    purse,
  };
  return { answer: { ok: true as const, isRepeat: false, outcome }, movements: [movement] };
}

/** Half a surrogate pair and a byte order mark come back from the journal as something else: the key would not be known. */
function isKey(key: string): boolean {
  if (key.length === 0 || key.length > idempotencyKeyBytesMax || /[\p{Surrogate}\uFEFF]/u.test(key)) return false;
  return new TextEncoder().encode(key).length <= idempotencyKeyBytesMax;
}

/** Purses lie side by side: a number out of range would be another pupil's. */
function isPurse(purse: number): boolean {
  return Number.isInteger(purse) && purse >= Purse.meal && purse <= Purse.services;
}
