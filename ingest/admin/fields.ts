import { z } from 'zod';
import { type PurseName, purseNames } from '../../workers/ledger/kinds.ts';
import { idempotencyKeyBytesMax, movementMaxKop } from '../../workers/ledger/limits.ts';
import { idMax } from '../registry/fields.ts';
import { reasonCharactersMax } from './limits.ts';

/* Fields that many routes share: what they are in JSON, and what they are as text in a path or a query. */

export const id = z.int().min(1).max(idMax);
export const purse = z.enum(purseNames);
export const purseNumber = (name: PurseName): number => purseNames.indexOf(name) + 1;
export const purseName = (number: number): PurseName | null => purseNames[number - 1] ?? null;

export const kop = z.int().min(1).max(movementMaxKop);
/** Above zero gives, below takes. */
export const signedKop = z
  .int()
  .min(-movementMaxKop)
  .max(movementMaxKop)
  .refine((value) => value !== 0, 'must not be 0');

/** The payer's idempotency key: the ledger counts its bytes. */
export const key = z
  .string()
  .min(1)
  .max(idempotencyKeyBytesMax)
  .meta({ description: `idempotency key, 1 to ${idempotencyKeyBytesMax} bytes: the same again changes nothing` });

export const reason = z.string().trim().min(1).max(reasonCharactersMax);

/** READER:EPOCH:SEQ. */
export const tapIdentity = z
  .string()
  .regex(/^\d{1,10}:\d{1,10}:\d{1,10}$/, 'expected READER:EPOCH:SEQ')
  .meta({ description: 'READER:EPOCH:SEQ' });

/** A time with its zone; seconds may be left out. */
export const time = z.union([z.iso.datetime({ offset: true }), z.iso.datetime({ offset: true, precision: -1 })], {
  error: 'expected a time with its zone, such as 2026-09-01T08:00:00+03:00',
});

export const isoTime = (ms: number): string => new Date(ms).toISOString();

/** A number of a path or a query. */
function wholeNumber(min: number, max: number) {
  return z
    .string()
    .regex(/^\d{1,16}$/, 'expected a whole number')
    .transform(Number)
    .pipe(z.int().min(min).max(max));
}
export const idText = wholeNumber(1, idMax);
export const countText = (max: number) => wholeNumber(1, max);
