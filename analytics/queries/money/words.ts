/** How kinds of taps and purses are told in answers. */

export const kindText = `transform(kind, [1, 2, 3, 4, 5, 6, 7],
    ['gate-in', 'gate-out', 'meal', 'buffet', 'locker-open', 'locker-close', 'fare'], 'unknown')`;

/** A sale that no purse paid was paid by the entitlement fund. */
export const payerText = `transform(purse, [0, 1, 2, 3, 4], ['entitlement', 'meal', 'buffet', 'transport', 'services'],
    'unknown')`;

export const ofTheKind = '({kind:UInt8} = 0 OR kind = {kind:UInt8})';

/** Different pupils behind rows of `v_spend_day AS v` who kept something of it. */
export const eaters = 'uniqExactArray(v.eaters)';
/** The same, where there are many groups of few: faster then. */
export const eatersOfMany = 'groupBitmapArray(v.eaters)';

/** Never more than the pupils behind the rows, at the price of one set and not of two: those of whom all was taken back are few. */
export function pupilsAtLeast(eatersOf: string): string {
  return `greatest(${eatersOf}, uniqExactArray(v.taken_back))`;
}

export const aboutEaters =
  'different pupils with a sale that was not taken back on its day, whoever paid: a purse or the fund';
export const aboutPupilsAtLeast =
  'at least so many different pupils are behind the figures: the eaters, or those of whom something was taken back, if more';
