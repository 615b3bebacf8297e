import type { PupilMemory } from './memory.ts';
import type { Judgement, OraclePupil, OraclePurse, OracleTap } from './model.ts';
import { givesEntitlement, holds, isClosed, isOpen, windowsOf, type SchoolRules } from './rules.ts';

/** What a rule needs to know: the tap, whose it is, what went before, what holds at the reader's school. */
export interface Case {
  readonly tap: OracleTap;
  readonly pupil: OraclePupil;
  readonly memory: PupilMemory;
  readonly rules: SchoolRules;
}

export interface Price {
  readonly kop: number;
  readonly reduced: boolean;
}

type Funds = Pick<Judgement, 'code' | 'payer'>;

const ownPurse: Readonly<Record<number, OraclePurse>> = { 3: 'meal', 4: 'buffet', 7: 'transport' };

/** The price of any kind; 0 for those that sell nothing. */
export function priceOf({ tap, pupil, memory, rules }: Case): Price {
  if (tap.kind === 3 || tap.kind === 4) {
    return { kop: tap.amountKop || (rules.prices[tap.ref] ?? 0), reduced: false };
  }
  if (tap.kind !== 7) return { kop: 0, reduced: false };
  const { routes, reduced_for: reducedFor, reduced_rides_per_month: quota } = rules.fare;
  const route = routes[tap.ref] as (typeof routes)[string] | undefined;
  if (route === undefined) return { kop: tap.amountKop, reduced: false };
  const isOfThose = reducedFor === 'all' || (reducedFor === 'entitled' && pupil.entitled);
  const reduced =
    route.reduced_kop !== undefined && isOfThose && (quota === null || memory.reducedRides(tap.day) < quota);
  return { kop: reduced ? (route.reduced_kop ?? 0) : route.kop, reduced };
}

/** `funds` and `daily-limit`: who pays a price, and whether it may. */
export function fundsOf(the: Case, priceKop: number): Funds {
  if (priceKop === 0) return { code: 10, payer: null };
  const { code, payer } = purseThatHolds(the, priceKop);
  if (payer === null) return { code, payer };
  const { tap, memory } = the;
  const limitKop = limitOf(the, payer);
  const isOver = limitKop !== null && memory.spentKop(tap.day, payer) + priceKop > limitKop;
  return { code: isOver ? 47 : code, payer };
}

function purseThatHolds({ tap, memory, rules }: Case, priceKop: number): Funds {
  const { balancesKop } = memory;
  const own = ownPurse[tap.kind];
  if (balancesKop[own] >= priceKop) return { code: 10, payer: own };
  if (tap.kind !== 3) return { code: 46, payer: null };
  if (balancesKop.buffet >= priceKop) return { code: 10, payer: 'buffet' };
  const isWithinOverdraft = balancesKop.meal - priceKop >= -rules.meal.overdraft_kop;
  return isWithinOverdraft ? { code: 13, payer: 'meal' } : { code: 46, payer: null };
}

const kindOfPurse = { meal: 'meal', buffet: 'buffet', transport: 'fare' } as const;

/** The daily limit of a purse: the pupil's own where it has one, else that of the purse's kind. */
export function limitOf({ pupil, rules }: Pick<Case, 'pupil' | 'rules'>, purse: OraclePurse): number | null {
  const own = pupil.limitsKop[purse];
  return own === undefined ? rules[kindOfPurse[purse]].daily_limit_kop : own;
}

/** Who pays for a deed: whoever `funds` would take, else the kind's own purse. */
export function payerOfDeed(the: Case, priceKop: number): OraclePurse | null {
  if (priceKop === 0) return null;
  return fundsOf(the, priceKop).payer ?? ownPurse[the.tap.kind] ?? null;
}

/** The code of a meal or a buffet sale, and the window whose entitlement it takes. */
export function judgeMeal(the: Case, priceKop: number): Pick<Judgement, 'code' | 'window'> {
  const code = refusalOfSale(the);
  if (code !== null) return { code, window: null };
  const { tap, pupil } = the;
  return tap.kind === 3 && pupil.entitled
    ? entitlement(the, priceKop)
    : { code: fundsOf(the, priceKop).code, window: null };
}

function refusalOfSale({ tap, pupil, rules }: Case): number | null {
  const { doubtful, minute, amountKop, ref } = tap;
  const isMeal = tap.kind === 3;
  if (!doubtful && !holds(isMeal ? rules.meal.hours : rules.buffet.hours, minute)) return 45;
  const listed = rules.prices[ref] as number | undefined;
  if (amountKop !== 0 && listed !== undefined && listed !== amountKop) return 54;
  if (ref !== 0 && pupil.forbidden.includes(ref)) return 48;
  if (!doubtful && isClosed(rules, tap.day)) return 50;
  const isShut = !windowsOf(rules, pupil.shift).some((window) => isOpen(window, minute));
  return isMeal && !doubtful && isShut ? 50 : null;
}

function entitlement(the: Case, priceKop: number): Pick<Judgement, 'code' | 'window'> {
  const { tap, pupil, memory, rules } = the;
  const windows = windowsOf(rules, pupil.shift);
  const open = windows.find((window) => isOpen(window, tap.minute));
  const isLeft = ({ window }: { window: number }): boolean => !memory.hasEaten(tap.day, window);
  if (!tap.doubtful) {
    if (open === undefined || !givesEntitlement(open)) return { code: fundsOf(the, priceKop).code, window: null };
    return isLeft(open) ? { code: 11, window: open.window } : { code: 49, window: null };
  }
  const first = [...(open ? [open] : []), ...windows].find((window) => givesEntitlement(window) && isLeft(window));
  return first ? { code: 11, window: first.window } : { code: 49, window: null };
}
