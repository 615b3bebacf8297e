import { Owner, type OwnerKind } from '../journal/transfer-record.ts';
import type { Cards } from './cards.ts';
import { Code } from './codes.ts';
import { Kind, Purse } from './kinds.ts';
import { mealOverdraftKop } from './limits.ts';
import type { Pupils } from './pupils.ts';
import type { RecentTaps } from './recent.ts';
import type { TapCase } from './tap-case.ts';

/** What the rules look at beside the tap. They read; only the ledger writes. */
export interface RuleContext {
  readonly pupils: Pupils;
  readonly cards: Cards;
  readonly recent: RecentTaps;
}

/** A rule answers a code that ends the judgement, or 0 to let the next rule speak. */
export type Rule = (tap: TapCase, context: RuleContext) => number;

/** What a kind of tap sells: which purse pays whom. */
export interface Sale {
  readonly purse: number;
  readonly seller: OwnerKind;
  /** How far below zero the purse may go, kopecks. */
  readonly overdraftKop: number;
}

const sales: (Sale | undefined)[] = [];
sales[Kind.meal] = { purse: Purse.meal, seller: Owner.canteen, overdraftKop: mealOverdraftKop };
sales[Kind.buffet] = { purse: Purse.buffet, seller: Owner.canteen, overdraftKop: 0 };
sales[Kind.fare] = { purse: Purse.transport, seller: Owner.carrier, overdraftKop: 0 };

/** The sale behind a kind; undefined for kinds that move no money. */
export function saleOf(kind: number): Sale | undefined {
  return sales[kind];
}

const knownCard: Rule = (tap, { cards, pupils }) => {
  tap.cardRow = tap.cardId === 0 ? -1 : cards.row(tap.cardId);
  if (tap.cardRow < 0) return Code.cardUnknown;
  tap.pupilRow = pupils.row(cards.pupilId(tap.cardRow));
  return tap.pupilRow < 0 ? Code.cardUnknown : 0;
};

const usableCard: Rule = (tap, { cards }) => {
  if (cards.isBlocked(tap.cardRow)) return Code.cardBlocked;
  if (!cards.isActive(tap.cardRow)) return Code.cardUnknown;
  const expiresDay = cards.expiresDay(tap.cardRow);
  return expiresDay !== 0 && tap.schoolDay > expiresDay ? Code.cardExpired : 0;
};

const activeHolder: Rule = (tap, { pupils }) => (pupils.isActive(tap.pupilRow) ? 0 : Code.holderInactive);

const bounce: Rule = (tap, { recent }) => (recent.isBounce(tap) ? Code.bounce : 0);

const gate: Rule = (tap) => (tap.isByHand ? Code.acceptedManual : Code.accepted);

const locker: Rule = () => Code.accepted;

const payment: Rule = (tap, { pupils }) => {
  const sale = sales[tap.kind]!;
  const afterKop = pupils.balanceKop(tap.pupilRow, sale.purse) - tap.amountKop;
  if (tap.amountKop === 0 || afterKop >= 0) return Code.accepted;
  return afterKop >= -sale.overdraftKop ? Code.acceptedOverdraft : Code.fundsInsufficient;
};

const common: readonly Rule[] = [knownCard, usableCard, activeHolder, bounce];
const rulesOfKind: (readonly Rule[])[] = [];
rulesOfKind[Kind.gateIn] = [...common, gate];
rulesOfKind[Kind.gateOut] = [...common, gate];
rulesOfKind[Kind.meal] = [...common, payment];
rulesOfKind[Kind.buffet] = [...common, payment];
rulesOfKind[Kind.lockerOpen] = [...common, locker];
rulesOfKind[Kind.lockerClose] = [...common, locker];
rulesOfKind[Kind.fare] = [...common, payment];

/** The code that the rules give a tap, in their order; they do not look at what the reader has already done. */
export function judge(tap: TapCase, context: RuleContext): number {
  for (const rule of rulesOfKind[tap.kind]) {
    const code = rule(tap, context);
    if (code !== 0) return code;
  }
  throw new Error(`no rule speaks for kind ${tap.kind}`);
}
