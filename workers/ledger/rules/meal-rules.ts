import { Code } from '../codes.ts';
import type { TapCase } from '../tap-case.ts';
import type { Rule, RuleContext } from './rule.ts';

/** The window that stands for the whole day where a school has none. */
const wholeDayWindow = 1;

export const listPrice: Rule = {
  name: 'price',
  judge: (tap) => {
    const listKop = tap.rules.prices.get(tap.ref);
    const isOther = listKop !== undefined && tap.amountKop > 0 && tap.amountKop !== listKop;
    return isOther ? Code.priceMismatch : 0;
  },
  look: (tap) => ({ item: tap.ref, asked_kop: tap.amountKop, list_kop: tap.rules.prices.get(tap.ref) ?? null }),
};

export const forbiddenItem: Rule = {
  name: 'forbidden-item',
  judge: (tap, { settings }) => (tap.ref !== 0 && settings.isForbidden(tap.pupilId, tap.ref) ? Code.itemForbidden : 0),
  look: (tap, { settings }) => ({ item: tap.ref, forbidden: settings.forbiddenItems(tap.pupilId) }),
};

export const closedDay: Rule = {
  name: 'closed-day',
  judge: (tap) => {
    if (tap.isDoubtful) return 0;
    const isClosed = tap.rules.closedDays.has(tap.schoolDay) || isClosedWeekday(tap);
    return isClosed ? Code.mealWindow : 0;
  },
  look: (tap) => ({
    school_day: tap.schoolDay,
    closed: tap.rules.closedDays.has(tap.schoolDay),
    closed_weekday: isClosedWeekday(tap),
    clock_doubtful: tap.isDoubtful,
  }),
};

export const mealWindow: Rule = {
  name: 'meal-window',
  judge: (tap, { pupils }) => {
    const { windows } = tap.rules;
    if (windows.length === 0) {
      tap.window = wholeDayWindow;
      tap.windowGivesEntitlement = true;
      return 0;
    }
    const shiftBit = 1 << pupils.shift(tap.pupilRow);
    for (const { window, from, to, shiftsMask, givesEntitlement } of windows) {
      if ((shiftsMask & shiftBit) === 0 || tap.localMinute < from || tap.localMinute >= to) continue;
      tap.window = window;
      tap.windowGivesEntitlement = givesEntitlement;
      return 0;
    }
    return tap.isDoubtful ? 0 : Code.mealWindow;
  },
  look: (tap, { pupils }) => ({
    windows: tap.rules.windows,
    shift: pupils.shift(tap.pupilRow),
    local_minute: tap.localMinute,
    clock_doubtful: tap.isDoubtful,
  }),
};

export const entitlement: Rule = {
  name: 'entitlement',
  judge: (tap, context) => {
    const { pupils, days } = context;
    if (!pupils.isEntitled(tap.pupilRow)) return 0;
    if (tap.isDoubtful) return anyWindowLeft(tap, context);
    if (!tap.windowGivesEntitlement) return 0;
    if (days.isTaken(tap.pupilRow, tap.schoolDay, tap.window)) return Code.mealAlreadyTaken;
    tap.basis = tap.window;
    return Code.acceptedEntitled;
  },
  look: (tap, { pupils, days }) => ({
    entitled: pupils.isEntitled(tap.pupilRow),
    window: tap.window,
    gives_entitlement: tap.windowGivesEntitlement,
    taken: days.taken(tap.pupilRow, tap.schoolDay),
  }),
};

/**
 * Nobody knows when it was: the open window if it is left, else the first of the pupil's shift that is. Where none gives an
 * entitlement there is none that could have been taken.
 */
function anyWindowLeft(tap: TapCase, { pupils, days }: RuleContext): number {
  const isLeft = (window: number) => !days.isTaken(tap.pupilRow, tap.schoolDay, window);
  const shiftBit = 1 << pupils.shift(tap.pupilRow);
  let isAnyGiven = tap.windowGivesEntitlement;
  let found = tap.windowGivesEntitlement && isLeft(tap.window) ? tap.window : 0;
  for (const { window, shiftsMask, givesEntitlement } of tap.rules.windows) {
    if (!givesEntitlement || (shiftsMask & shiftBit) === 0) continue;
    isAnyGiven = true;
    if (found === 0 && isLeft(window)) found = window;
  }
  if (!isAnyGiven) return 0;
  if (found === 0) return Code.mealAlreadyTaken;
  tap.basis = found;
  return Code.acceptedEntitled;
}

function isClosedWeekday({ rules, schoolDay }: TapCase): boolean {
  // 1 January 1970 was a Thursday.
  const weekday = ((schoolDay + 3) % 7) + 1;
  return (rules.closedWeekdaysMask & (1 << weekday)) !== 0;
}
