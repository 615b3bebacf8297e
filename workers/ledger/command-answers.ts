import type { CommandAnswer, CommandOutcome, Refusal } from './command-types.ts';
import { movementMaxKop } from './limits.ts';
import { Purse } from './kinds.ts';
import type { Transfer } from './transfers.ts';

export interface DecidedCommand {
  readonly answer: CommandAnswer;
  readonly movements: Transfer[];
}

export function done(outcome: CommandOutcome, isRepeat = false, movements: Transfer[] = []): DecidedCommand {
  return { answer: { ok: true, isRepeat, outcome }, movements };
}

export function refuse(refusal: Refusal): DecidedCommand {
  return { answer: { ok: false, refusal }, movements: [] };
}

/** Purses lie side by side: a number out of range would be another pupil's. */
export function isPurse(purse: number): boolean {
  return Number.isInteger(purse) && purse >= Purse.meal && purse <= Purse.services;
}

/** A sum that a limit or, from 1 on, a movement may have. */
export function isAmount(kop: number, min = 1): boolean {
  return Number.isSafeInteger(kop) && kop >= min && kop <= movementMaxKop;
}
