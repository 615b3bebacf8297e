/** How kinds of taps and purses are told in answers. */

export const kindText = `transform(kind, [1, 2, 3, 4, 5, 6, 7],
    ['gate-in', 'gate-out', 'meal', 'buffet', 'locker-open', 'locker-close', 'fare'], 'unknown')`;

/** A sale that no purse paid was paid by the entitlement fund. */
export const payerText = `transform(purse, [0, 1, 2, 3, 4], ['entitlement', 'meal', 'buffet', 'transport', 'services'],
    'unknown')`;

export const ofTheKind = '({kind:UInt8} = 0 OR kind = {kind:UInt8})';

/** Different pupils behind rows of `v_spend_day AS v`: those who kept something, and all. */
export const eaters = 'groupBitmapArray(v.eaters)';
export const pupilsConcerned = 'groupBitmapArray(arrayConcat(v.eaters, v.taken_back))';

export const aboutEaters =
  'different pupils with a sale that was not taken back on its day, whoever paid: a purse or the fund';
