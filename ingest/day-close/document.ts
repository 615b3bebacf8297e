import { z } from 'zod';
import { decisionCodes } from '../../workers/ledger/codes.ts';
import { type DayTotals, takingsKop, type Total } from '../../workers/ledger/state/day-totals.ts';
import { id, isoTime, purse, purseName } from '../admin/fields.ts';
import { dateOf } from '../explain/names.ts';
import { afterClose, type Booked } from './booked.ts';
import { operatorNames, operatorOf } from './operators.ts';

const count = z.int();
const total = z.strictObject({ n: count, kop: z.int() });

/** What one operator sold, refused and corrected; kopecks as they came to the operator. */
const sums = z.strictObject({
  takings_kop: z.int().meta({ description: "what all of it brought: the change of the operator's account" }),
  purses: z.array(total.extend({ purse: purse.nullable() })).meta({ description: 'paid sales by purse' }),
  entitlements: total.meta({ description: 'meals that the entitlement fund paid' }),
  free_transfers: count,
  items: z
    .array(total.extend({ item: id.nullable() }))
    .meta({ description: 'what was sold, by item or route, whoever paid; null: not said' }),
  refusals: z.array(z.strictObject({ code: count, name: z.string(), n: count })),
  corrections: z.strictObject({
    reversals: total.meta({ description: 'taken back' }),
    adjustments: total.meta({ description: 'given to pupils (below zero) or taken from them' }),
    outcomes: total.meta({ description: 'sales that a till told of after it had been refused' }),
  }),
  offline: z
    .array(total.extend({ reader: id, unverified_n: count, unverified_kop: z.int() }))
    .meta({ description: 'of the sales: what readers sold offline; unverified: what the rules would have refused' }),
});

export const dayCloseDocument = sums.extend({
  operator: z.enum(operatorNames),
  school: id,
  day: z.iso.date(),
  closed_at: z.iso.datetime().nullable(),
  after_close: sums.nullable().meta({ description: 'what of it came after the close; null while it is open' }),
  readers_pending: z
    .int()
    .meta({ description: "the operator's readers that are away or behind now: they may still bring taps" }),
});
export type DayCloseDocument = z.infer<typeof dayCloseDocument>;
export type DaySums = z.infer<typeof sums>;

/** The document of a day; `readersPending` as the fleet is now. */
export function documentOf(booked: Booked, readersPending: number): DayCloseDocument {
  const { operator, schoolId } = operatorOf(booked.account)!;
  const after = afterClose(booked);
  return {
    operator,
    school: schoolId,
    day: dateOf(booked.schoolDay),
    closed_at: booked.closed === null ? null : isoTime(booked.closed.at),
    ...sumsOf(booked.totals),
    after_close: after === null ? null : sumsOf(after),
    readers_pending: readersPending,
  };
}

function sumsOf(totals: DayTotals): DaySums {
  const { purses, entitled, transfers, items, refused, offline, reversals, adjustments, outcomes } = totals;
  return {
    takings_kop: takingsKop(totals),
    purses: listed(purses).map(([number, { n, kop }]) => ({ purse: purseName(number), n, kop })),
    entitlements: entitled,
    free_transfers: transfers.n,
    items: listed(items).map(([item, { n, kop }]) => ({ item: item === 0 ? null : item, n, kop })),
    refusals: Object.entries(refused).flatMap(([code, n]) => (n === 0 ? [] : [{ ...named(Number(code)), n }])),
    corrections: { reversals, adjustments, outcomes },
    offline: listed(offline).map(([reader, { n, kop, forcedN, forcedKop }]) => {
      return { reader, n, kop, unverified_n: forcedN, unverified_kop: forcedKop };
    }),
  };
}

function named(code: number): { code: number; name: string } {
  return { code, name: decisionCodes.find((one) => one.code === code)?.name ?? String(code) };
}

/** By number; without what has come to nothing, such as what was all there when the day was closed. */
function listed<T extends Total>(record: Readonly<Record<number, T>>): [number, T][] {
  return Object.entries(record).flatMap(([key, value]) => (value.n === 0 && value.kop === 0 ? [] : [[+key, value]]));
}
