import { accountParts, Owner, TransferCause } from '../../workers/journal/transfer-record.ts';
import { purseNames, TapFlag } from '../../workers/ledger/kinds.ts';

/* Numbers of the records as people read them. */

/** An account, such as `pupil:17:meal` or `canteen:3`. */
export function accountName(account: number): string {
  const { owner, purse, ownerId } = accountParts(account);
  const kind = Object.entries(Owner).find(([, number]) => number === owner)?.[0] ?? String(owner);
  return purse === 0 ? `${kind}:${ownerId}` : `${kind}:${ownerId}:${purseNames[purse - 1]}`;
}

/** The flags of a decided tap, such as `OFFLINE`. */
export function flagNames(flags: number): string[] {
  return Object.entries(TapFlag)
    .filter(([, bit]) => (flags & bit) !== 0)
    .map(([name]) => name.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase());
}

export function causeName(cause: number): string {
  return Object.entries(TransferCause).find(([, number]) => number === cause)?.[0] ?? String(cause);
}

/** YYYY-MM-DD of a day since 1970. */
export function dateOf(day: number): string {
  return new Date(day * 86_400_000).toISOString().slice(0, 10);
}

/** A time as ISO 8601. A reader's clock may show anything, also what no calendar holds. */
export function timeOf(ms: number): string {
  const date = new Date(ms);
  return Number.isNaN(date.getTime()) ? `${ms} ms` : date.toISOString();
}
