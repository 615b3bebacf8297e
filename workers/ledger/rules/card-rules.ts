import { Code } from '../codes.ts';
import type { Rule } from './rule.ts';

/** The rules that stand before those of the kind: card, holder, bounce. */

export const knownCard: Rule = {
  name: 'known-card',
  judge: (tap, { cards, pupils }) => {
    tap.cardRow = tap.cardId === 0 ? -1 : cards.row(tap.cardId);
    if (tap.cardRow < 0) return Code.cardUnknown;
    tap.pupilId = cards.pupilId(tap.cardRow);
    tap.pupilRow = pupils.row(tap.pupilId);
    return tap.pupilRow < 0 ? Code.cardUnknown : 0;
  },
  look: (tap, { cards }) => ({ card: tap.cardId, known: tap.cardId !== 0 && cards.row(tap.cardId) >= 0 }),
};

export const usableCard: Rule = {
  name: 'usable-card',
  judge: (tap, { cards }) => {
    if (cards.isBlocked(tap.cardRow)) return Code.cardBlocked;
    if (!cards.isActive(tap.cardRow)) return Code.cardUnknown;
    const expiresDay = cards.expiresDay(tap.cardRow);
    return expiresDay !== 0 && tap.schoolDay > expiresDay ? Code.cardExpired : 0;
  },
  look: (tap, { cards }) => ({
    status: cards.status(tap.cardRow),
    expires_day: cards.expiresDay(tap.cardRow),
    school_day: tap.schoolDay,
  }),
};

export const activeHolder: Rule = {
  name: 'active-holder',
  judge: (tap, { pupils }) => (pupils.isActive(tap.pupilRow) ? 0 : Code.holderInactive),
  look: (tap, { pupils }) => ({ pupil: tap.pupilId, active: pupils.isActive(tap.pupilRow) }),
};

export const bounce: Rule = {
  name: 'bounce',
  judge: (tap, { recent }) => (recent.isBounce(tap) ? Code.bounce : 0),
  look: (tap, { recent }) => ({
    last: recent.find(tap.cardId, tap.kind) ?? null,
    at: tap.at,
    within_ms: tap.rules.bounceMs[tap.kind],
    price_kop: tap.priceKop,
  }),
};

/** When the readers of this kind are open. A doubtful time is not held against the child. */
export const hours: Rule = {
  name: 'hours',
  judge: (tap) => {
    const open = tap.rules.hours[tap.kind];
    if (open === undefined || tap.isDoubtful) return 0;
    return tap.localMinute >= open.from && tap.localMinute < open.to ? 0 : Code.outsideHours;
  },
  look: (tap) => ({
    open: tap.rules.hours[tap.kind] ?? null,
    local_minute: tap.localMinute,
    clock_doubtful: tap.isDoubtful,
  }),
};

export const byHand: Rule = {
  name: 'by-hand',
  judge: (tap) => (tap.isByHand ? Code.acceptedManual : 0),
  look: (tap) => ({ by_hand: tap.isByHand }),
};
