import { deepStrictEqual } from 'node:assert';
import type { Expected } from './auditor.suite.ts';
import { account, type World } from './auditor-world.suite.ts';
import type { Ledger } from './ledger.ts';
import { takingsKop } from './state/day-totals.ts';
import type { LedgerUnderTest, TestTap } from './taps.suite.ts';
import { readTransfers } from './transfers.ts';
import { schoolOfReader } from './wishes.suite.ts';

/* What has to be the same in the ledger and in the auditor's world, after every wish. */

/** Every account, limit, day, reservation and whereabouts. */
export function compareState(test: LedgerUnderTest, world: World): void {
  const { ledger } = test;
  mustEqual('Σ', ledger.accounts.sumKop(), 0);
  const held = test.kopByAccount();
  for (const id of new Set([...held.keys(), ...world.kop.keys()])) {
    mustEqual(`kopecks of account ${id.toString(16)}`, held.get(id) ?? 0, world.kopOf(id));
  }
  for (const pupil of Object.values(world.pupils)) {
    const row = ledger.pupils.row(pupil.id);
    mustEqual('inside', ledger.presence.insideSchoolId(row), pupil.passage?.inside ?? 0);
    for (const purse of [1, 2, 3, 4]) {
      mustEqual('own limit', ledger.settings.limit(pupil.id, purse), pupil.limits[purse]);
      for (const day of Object.keys(pupil.days).map(Number)) {
        mustEqual('spent', ledger.days.spentKop(row, day, purse), world.spentKop(pupil, purse, day));
      }
    }
    const reserved = ledger.reservations.of(pupil.id).map((one) => Object.values(one).join(' '));
    const wanted = [...pupil.lockers.values()].map((one) => Object.values(one).join(' '));
    mustEqual('lockers', reserved.sort().join(), wanted.sort().join());
    mustEqual('forbidden', ledger.settings.forbiddenItems(pupil.id).sort().join(), [...pupil.forbidden].sort().join());
    for (const [day, { taken }] of Object.entries(pupil.days)) {
      const inOrder = [...taken].sort((left, right) => left - right);
      mustEqual('taken', ledger.days.taken(row, Number(day)).join(), inOrder.join());
    }
  }
}

/** What the operators' days say they took is what their accounts hold. */
export function compareDayBook(ledger: Ledger, world: World): void {
  const taken = new Map<number, number>();
  for (const { operator, totals } of ledger.book.days()) {
    taken.set(operator, (taken.get(operator) ?? 0) + takingsKop(totals));
  }
  for (const schoolId of Object.values(schoolOfReader)) {
    for (const operator of [account.canteen(schoolId), account.carrier(schoolId)]) {
      mustEqual(`day book of school ${schoolId}`, taken.get(operator) ?? 0, world.kopOf(operator));
    }
  }
}

/** What a tap moved, to every field of the record. */
export function compareTransfer(test: LedgerUnderTest, tap: TestTap, expected: Expected['moved']): void {
  mustEqual('transfers', test.transfers.count, expected === undefined ? 0 : 1);
  for (const transfer of readTransfers(test.transfers.bytes)) {
    const { debitAccount: from, creditAccount: to, kop, purse, at, schoolId, schoolDay, cause, reverses } = transfer;
    mustBeSame('transfer', { from, to, kop, purse }, expected);
    const [told, wanted] = [
      [at, schoolId, schoolDay, cause, reverses],
      [tap.at, tap.schoolId, tap.schoolDay, 1, 0],
    ];
    mustEqual('of the transfer', told.join(), wanted.join());
  }
}

/** Throws plainly: an assertion would cost more than what it looks at. */
export function mustEqual(what: string, found: unknown, expected: unknown): void {
  if (found !== expected) throw new Error(`${what}: ${String(found)}, the auditor says ${String(expected)}`);
}

export function mustBeSame(what: string, found: unknown, expected: unknown): void {
  try {
    deepStrictEqual(found, expected);
  } catch (error) {
    throw new Error(`${what}: not the same. ${(error as Error).message}`, { cause: error });
  }
}
