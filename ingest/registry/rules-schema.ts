import { writeFileSync } from 'node:fs';
import { z } from 'zod';
import type { RulesDocument } from '../../workers/ledger/rule-set.ts';
import { idMax, isDate, isId, isPrintable, textCharactersMax } from './fields.ts';
import { mealWindowsMax, reducedRidesPerMonthMax, ruleKopMax, ruleSecondsMax, transferMinutesMax } from './limits.ts';
import { inOrder, unique } from './rules-checks.ts';

/*
 * The form of `rules.json`. Its published twin is `rules.schema.json`; after a change of this file, write it anew:
 *   node ingest/registry/rules-schema.ts && npx prettier --write ingest/registry/rules.schema.json
 */

const kop = z.int().min(0).max(ruleKopMax).describe('kopecks');
const limitKop = kop.nullable().describe('kopecks; null: no limit');
const seconds = z.int().min(0).max(ruleSecondsMax).describe('seconds');

const from = z.string().regex(/^([01]\d|2[0-3]):[0-5]\d$/, 'must be a time of day as HH:MM');
const to = z.string().regex(/^(([01]\d|2[0-3]):[0-5]\d|24:00)$/, 'must be a time of day as HH:MM, or 24:00');
const hours = inOrder(z.tuple([from, to]), 0, 1)
  .nullable()
  .describe('local time, from up to, not including, to; null: always');

const realDate = z
  .string()
  .regex(/^\d{4}-\d{2}-\d{2}$/, { error: 'must be a date as YYYY-MM-DD', abort: true })
  .refine(isDate, 'must be a day of the calendar');
const decimalId = z
  .string()
  .regex(/^[1-9]\d{0,9}$/, { error: 'the key must be a number from 1 in decimal, without leading zeros', abort: true })
  .refine((text) => isId(Number(text)), `the key must not exceed ${idMax}`);

const mealWindow = z.strictObject({
  window: z.int().min(1).max(mealWindowsMax).describe('what an entitlement is remembered by'),
  name: z.string().max(textCharactersMax).refine(isPrintable, 'must not contain control characters').exactOptional(),
  from,
  to,
  shifts: unique(z.array(z.int().min(1).max(3)).min(1))
    .exactOptional()
    .describe('absent: all'),
  entitlement: z.boolean().exactOptional().describe('whether it gives one; absent: yes'),
});

const gate = z.strictObject({ bounce_s: seconds, passback_s: seconds, two_places_s: seconds, hours });
const meal = z.strictObject({
  bounce_s: seconds,
  overdraft_kop: kop,
  daily_limit_kop: limitKop,
  windows: unique(z.array(inOrder(mealWindow, 'from', 'to')), 'window'),
  hours,
});
const buffet = z.strictObject({ bounce_s: seconds, daily_limit_kop: limitKop, hours });
const locker = z.strictObject({ bounce_s: seconds, reservation_required: z.boolean(), hours });
const fare = z.strictObject({
  bounce_s: seconds,
  transfer_min: z.int().min(0).max(transferMinutesMax).describe('minutes'),
  daily_limit_kop: limitKop,
  routes: z.record(decimalId, z.strictObject({ kop, reduced_kop: kop.exactOptional() })).describe('by route number'),
  reduced_for: z.enum(['none', 'entitled', 'all']),
  reduced_rides_per_month: z.int().min(0).max(reducedRidesPerMonthMax).nullable().describe('null: no bound'),
  hours,
});

const layer = z
  .strictObject({
    gate: gate.exactPartial(),
    meal: meal.exactPartial(),
    buffet: buffet.exactPartial(),
    locker: locker.exactPartial(),
    fare: fare.exactPartial(),
    prices: z.record(decimalId, kop).describe('kopecks by item number'),
    closed_days: z.array(realDate).describe('dates without meals'),
    closed_weekdays: unique(z.array(z.int().min(1).max(7))).describe('weekdays without meals, 1 Monday to 7 Sunday'),
  })
  .exactPartial()
  .meta({ id: 'layer' });

export const rulesSchema: z.ZodType<RulesDocument> = z
  .strictObject({
    region: layer,
    districts: z.record(decimalId, layer).describe('by district id'),
    schools: z.record(decimalId, layer).describe('by school id'),
  })
  .exactPartial()
  .meta({ title: 'rules.json', description: 'The rules that taps are decided by, in layers.' });

/** The published form of the schema. Not in it: order of times, uniqueness, real dates, ids that are known. */
export function publishedSchema(): object {
  return z.toJSONSchema(rulesSchema);
}

if (import.meta.main) {
  const text = JSON.stringify(publishedSchema(), null, 2);
  writeFileSync(new URL('rules.schema.json', import.meta.url), `${text}\n`);
}
