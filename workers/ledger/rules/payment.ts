import { Owner, type OwnerKind } from '../../journal/transfer-record.ts';
import { Code } from '../codes.ts';
import { FareBasis, Kind, Purse } from '../kinds.ts';
import { monthOfDay } from '../state/rides.ts';
import type { TapCase } from '../tap-case.ts';
import type { Rule, RuleContext } from './rule.ts';

/** Which of its own purses a kind of sale takes first, and whose takings it makes. */
export interface Sale {
  readonly purse: number;
  readonly seller: OwnerKind;
}

const sales: (Sale | undefined)[] = [];
sales[Kind.meal] = { purse: Purse.meal, seller: Owner.canteen };
sales[Kind.buffet] = { purse: Purse.buffet, seller: Owner.canteen };
sales[Kind.fare] = { purse: Purse.transport, seller: Owner.carrier };

/** The sale behind a kind; undefined for kinds that move no money. */
export function saleOf(kind: number): Sale | undefined {
  return sales[kind];
}

/** Values of `TapCase.payment`. */
export const Payment = { none: 0, held: 1, overdraft: 2 } as const;

/** Finds the price and who would pay it; decides nothing. */
export const pricing: Rule = {
  name: 'pricing',
  judge: (tap, context) => {
    const sale = sales[tap.kind];
    if (sale === undefined) return 0;
    tap.priceKop = tap.kind === Kind.fare ? fareKop(tap, context) : itemKop(tap);
    choosePayer(tap, context, sale.purse);
    return 0;
  },
  look: (tap, { pupils, rides }) => ({
    asked_kop: tap.amountKop,
    ref: tap.ref,
    list_kop: tap.rules.prices.get(tap.ref) ?? null,
    ...(tap.kind === Kind.fare && {
      fare: tap.rules.routes.get(tap.ref) ?? null,
      reduced_for: tap.rules.reducedFor,
      reduced_rides: rides.reducedRides(tap.pupilRow, monthOfDay(tap.schoolDay)),
    }),
    entitled: pupils.isEntitled(tap.pupilRow),
  }),
};

export const funds: Rule = {
  name: 'funds',
  judge: (tap) => (tap.payment === Payment.none ? Code.fundsInsufficient : 0),
  look: (tap, { pupils }) => ({
    price_kop: tap.priceKop,
    purse: tap.purse,
    balance_kop: pupils.balanceKop(tap.pupilRow, tap.purse),
    overdraft_kop: tap.kind === Kind.meal ? tap.rules.overdraftKop : 0,
  }),
};

export const dailyLimit: Rule = {
  name: 'daily-limit',
  judge: (tap, context) => (isOverLimit(tap, context) ? Code.limitDaily : 0),
  look: (tap, context) => ({
    purse: tap.purse,
    spent_kop: context.days.spentKop(tap.pupilRow, tap.schoolDay, tap.purse),
    price_kop: tap.priceKop,
    limit_kop: finiteOrNull(limitKop(tap, context)),
  }),
};

/** What remains is accepted, from the purse's money or within its overdraft. */
export const sale: Rule = {
  name: 'sale',
  judge: (tap) => (tap.payment === Payment.overdraft ? Code.acceptedOverdraft : Code.accepted),
  look: (tap) => ({ purse: tap.purse, overdraft: tap.payment === Payment.overdraft }),
};

/** True if the price takes its purse above what may be spent that school day. */
export function isOverLimit(tap: TapCase, context: RuleContext): boolean {
  if (tap.priceKop === 0) return false;
  const spentKop = context.days.spentKop(tap.pupilRow, tap.schoolDay, tap.purse);
  return spentKop + tap.priceKop > limitKop(tap, context);
}

function limitKop(tap: TapCase, { settings }: RuleContext): number {
  const own = settings.limit(tap.pupilId, tap.purse);
  return own === undefined ? tap.rules.dailyLimitKop[tap.purse] : (own ?? Infinity);
}

function finiteOrNull(kop: number): number | null {
  return kop === Infinity ? null : kop;
}

function itemKop({ amountKop, ref, rules }: TapCase): number {
  return amountKop > 0 ? amountKop : (rules.prices.get(ref) ?? 0);
}

function fareKop(tap: TapCase, { pupils, rides }: RuleContext): number {
  const { rules, pupilRow } = tap;
  const route = rules.routes.get(tap.ref);
  tap.basis = FareBasis.full;
  if (route === undefined) return tap.amountKop;
  const { reduced_kop: reducedKop } = route;
  const isMeant = rules.reducedFor === 'all' || (rules.reducedFor === 'entitled' && pupils.isEntitled(pupilRow));
  if (reducedKop === undefined || !isMeant) return route.kop;
  if (rides.reducedRides(pupilRow, monthOfDay(tap.schoolDay)) >= rules.reducedRidesPerMonth) return route.kop;
  tap.basis = FareBasis.reduced;
  return reducedKop;
}

/** One purse pays the whole price: the kind's own, for a meal else the buffet's, else the meal's overdraft. */
function choosePayer(tap: TapCase, { pupils }: RuleContext, ownPurse: number): void {
  const { pupilRow, priceKop } = tap;
  const own = pupils.balanceKop(pupilRow, ownPurse);
  tap.purse = ownPurse;
  tap.payment = Payment.held;
  if (priceKop === 0 || own >= priceKop) return;
  tap.payment = Payment.none;
  if (tap.kind !== Kind.meal) return;
  if (pupils.balanceKop(pupilRow, Purse.buffet) >= priceKop) {
    tap.purse = Purse.buffet;
    tap.payment = Payment.held;
  } else if (own - priceKop >= -tap.rules.overdraftKop) {
    tap.payment = Payment.overdraft;
  }
}
