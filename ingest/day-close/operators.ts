import { accountId, accountParts, Owner } from '../../workers/journal/transfer-record.ts';
import { Kind, kindBit } from '../../workers/ledger/kinds.ts';

/** Who sells at a school: its canteen, or the carrier of its buses. */
export const operatorNames = ['canteen', 'carrier'] as const;
export type OperatorName = (typeof operatorNames)[number];

const kindsMasks: Readonly<Record<OperatorName, number>> = {
  canteen: kindBit(Kind.meal) | kindBit(Kind.buffet),
  carrier: kindBit(Kind.fare),
};

/** The account of an operator's takings. */
export function takingsAccount(operator: OperatorName, schoolId: number): number {
  return accountId(Owner[operator], schoolId);
}

/** Whose takings an account is; undefined for accounts of anybody else. */
export function operatorOf(account: number): { operator: OperatorName; schoolId: number } | undefined {
  const { owner, ownerId } = accountParts(account);
  const operator = operatorNames.find((name) => Owner[name] === owner);
  return operator === undefined ? undefined : { operator, schoolId: ownerId };
}

/** Whether a reader that may take these kinds sells for the operator. */
export function sellsFor(operator: OperatorName, kindsMask: number): boolean {
  return (kindsMask & kindsMasks[operator]) !== 0;
}
