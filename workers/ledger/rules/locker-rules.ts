import { Code } from '../codes.ts';
import type { Rule } from './rule.ts';

export const reservation: Rule = {
  name: 'reservation',
  judge: (tap, { reservations }) => {
    if (!tap.rules.isReservationRequired) return Code.accepted;
    const state = reservations.state(tap.pupilId, tap.schoolId, tap.ref, tap.at, tap.isDoubtful);
    if (state === 'held') return Code.accepted;
    return state === 'over' ? Code.lockerExpired : Code.lockerNotReserved;
  },
  look: (tap, { reservations }) => ({
    required: tap.rules.isReservationRequired,
    school: tap.schoolId,
    locker: tap.ref,
    at: tap.at,
    reservations: reservations.of(tap.pupilId),
  }),
};
