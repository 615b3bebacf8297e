import { z } from 'zod';
import { queryLimits } from './limits.ts';

const id = z.coerce.number().int().min(1).max(4_294_967_295);
const day = z.iso.date();
/** Numbers of the kinds of taps, by name. */
export const kindNumbers = {
  'gate-in': 1,
  'gate-out': 2,
  meal: 3,
  buffet: 4,
  'locker-open': 5,
  'locker-close': 6,
  fare: 7,
} as const;

/** 0 stands for "all" in the SQL. */
const optionalId = (about: string) => id.optional().describe(about);

/**
 * What queries take, as text of an address. Which schools they are about is no parameter of theirs: `district` and
 * `school` become the list of schools that the caller may see.
 */
export const parameter = {
  day: day.describe('School day, YYYY-MM-DD'),
  from: day.describe('First school day, YYYY-MM-DD'),
  to: day.describe('Last school day, included'),
  class: optionalId('One class only'),
  kind: z
    .enum(Object.keys(kindNumbers) as (keyof typeof kindNumbers)[])
    .optional()
    .describe('Taps of one kind only'),
  pupil: id.describe('The pupil'),
  reader: optionalId('One reader only'),
  limit: z.coerce.number().int().min(1).max(queryLimits.rowsMax).optional().describe('Rows at most'),
} as const;

/** One day. */
export const oneDay = z.strictObject({ day: parameter.day });
/** One day, one class of it if asked. */
export const dayAndClass = z.strictObject({ day: parameter.day, class: parameter.class });
/** Some days. */
export const someDays = z.strictObject({ from: parameter.from, to: parameter.to });
/** Some days, one class if asked. */
export const daysAndClass = z.strictObject({ from: parameter.from, to: parameter.to, class: parameter.class });

/** What is bound to the SQL: `class_id`, `kind`, `reader_id` are 0 and `rows_max` is the bound where nothing was said. */
export function boundParameters(said: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const { class: classId = 0, kind, reader = 0, limit = queryLimits.rowsMax, ...rest } = said;
  const kindNumber = kind === undefined ? 0 : kindNumbers[kind as keyof typeof kindNumbers];
  return { ...rest, class_id: classId, kind: kindNumber, reader_id: reader, rows_max: limit };
}
