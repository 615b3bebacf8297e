import { Code } from '../codes.ts';
import { FareBasis, Purse } from '../kinds.ts';
import type { Rule } from './rule.ts';

/** Unpaid rides are a transport purse below zero; a top-up releases them. */
export const debt: Rule = {
  name: 'debt',
  judge: (tap, { pupils }) => (pupils.balanceKop(tap.pupilRow, Purse.transport) < 0 ? Code.fareDebt : 0),
  look: (tap, { pupils }) => ({ balance_kop: pupils.balanceKop(tap.pupilRow, Purse.transport) }),
};

export const transfer: Rule = {
  name: 'transfer',
  judge: (tap, { rides }) => {
    if (!rides.givesTransfer(tap.pupilRow, tap.at, tap.ref, tap.rules.transferMs)) return 0;
    tap.basis = FareBasis.transfer;
    tap.priceKop = 0;
    return Code.acceptedTransfer;
  },
  look: (tap, { rides }) => ({
    last_ride: rides.last(tap.pupilRow),
    route: tap.ref,
    at: tap.at,
    within_ms: tap.rules.transferMs,
  }),
};
