import { type DecidedCommand, done, isAmount, isPurse, refuse } from './command-answers.ts';
import type { CloseDay, LedgerCommand, ReserveLocker, SetItem, SetLimit } from './command-types.ts';
import { decideMoney } from './money-commands.ts';
import { decideOutcome } from './outcome-command.ts';
import type { LedgerState } from './ledger-state.ts';

export type { DecidedCommand } from './command-answers.ts';
export type * from './command-types.ts';

/** Decides one command; `movements` receives what it moves. Nothing is changed here: the ledger applies the outcome. */
export function decideCommand(ledger: LedgerState, command: LedgerCommand, position: number): DecidedCommand {
  switch (command.type) {
    case 'topup':
    case 'refund':
    case 'move':
    case 'adjust':
    case 'reverse':
      return decideMoney(ledger, command, position);
    case 'outcome':
      return decideOutcome(ledger, command, position);
    case 'limit':
      return decideLimit(ledger, command);
    case 'item':
      return decideItem(ledger, command);
    case 'locker':
      return decideLocker(ledger, command);
    case 'closeDay':
      return decideClose(ledger, command);
    case 'holder':
    case 'card':
    case 'school':
    case 'rules':
    case 'feed':
      return done(command, command.change <= ledger.registryChange);
  }
}

function decideLimit({ pupils, settings }: LedgerState, command: SetLimit): DecidedCommand {
  const { pupilId, purse, limitKop } = command;
  if (pupils.row(pupilId) < 0) return refuse('PUPIL_UNKNOWN');
  if (!isPurse(purse)) return refuse('PURSE_UNKNOWN');
  if (typeof limitKop === 'number' && !isAmount(limitKop, 0)) return refuse('AMOUNT_INVALID');
  const before = settings.limit(pupilId, purse);
  return done(command, limitKop === (before === undefined ? 'default' : before));
}

function decideItem({ pupils, settings }: LedgerState, command: SetItem): DecidedCommand {
  const { pupilId, item, forbidden } = command;
  if (pupils.row(pupilId) < 0) return refuse('PUPIL_UNKNOWN');
  const isRepeat = settings.isForbidden(pupilId, item) === forbidden;
  if (!isRepeat && forbidden && !settings.hasRoomForItem(pupilId)) return refuse('LIST_FULL');
  return done(command, isRepeat);
}

function decideLocker({ pupils, reservations }: LedgerState, command: ReserveLocker): DecidedCommand {
  const { pupilId, locker, from, to } = command;
  if (pupils.row(pupilId) < 0) return refuse('PUPIL_UNKNOWN');
  if (!(locker > 0 && to >= from)) return refuse('RESERVATION_INVALID');
  const before = reservations.find(command);
  const isRepeat = to === from ? before === undefined : before?.to === to;
  if (!isRepeat && to > from && !reservations.hasRoom(command)) return refuse('LIST_FULL');
  return done(command, isRepeat);
}

function decideClose({ book }: LedgerState, command: CloseDay): DecidedCommand {
  const { operator, schoolDay } = command;
  if (book.isTooOld(operator, schoolDay)) return refuse('DAY_TOO_OLD');
  return done(command, (book.day(operator, schoolDay)?.closed ?? null) !== null);
}
