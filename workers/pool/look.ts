import { Purse } from '../ledger/kinds.ts';
import type { BookedDay } from '../ledger/state/day-book.ts';
import type { Shard } from '../shard/shard.ts';
import { movementsShownMax } from './limits.ts';
import type { AccountState, Inside, PurseSums, Reserved, TapIdentity } from './messages.ts';

/* What is asked of a shard and changes nothing. */

export function accountOf(owner: Shard, pupilId: number, schoolDay: number): AccountState | null {
  const { pupils, days, settings, reservations, presence, accounts } = owner.ledger;
  const row = pupils.row(pupilId);
  if (row < 0) return null;
  const limits = owner.ledger.rules.of(pupils.schoolId(row)).dailyLimitKop;
  const { insideSchoolId, sinceMs } = presence.whereabouts(row);
  return {
    pupilId,
    schoolId: pupils.schoolId(row),
    classId: pupils.classId(row),
    active: pupils.isActive(row),
    entitled: pupils.isEntitled(row),
    shift: pupils.shift(row),
    balancesKop: byPurse((purse) => pupils.balanceKop(row, purse)),
    spentKop: byPurse((purse) => days.spentKop(row, schoolDay, purse)),
    limits: settings.limits(pupilId),
    rulesLimitsKop: byPurse((purse) => (limits[purse] === Infinity ? null : limits[purse])),
    entitlementsTaken: days.taken(row, schoolDay),
    forbiddenItems: settings.forbiddenItems(pupilId),
    reservations: reservations.of(pupilId),
    insideSchoolId,
    insideSinceMs: insideSchoolId === 0 ? 0 : sinceMs,
    movements: accounts.recent.of(pupilId, movementsShownMax),
    position: owner.lastPosition,
  };
}

function byPurse<T>(kop: (purse: number) => T): Record<keyof PurseSums, T> {
  const { meal, buffet, transport, services } = Purse;
  return { meal: kop(meal), buffet: kop(buffet), transport: kop(transport), services: kop(services) };
}

/** Journal positions of taps that the shard answered, as far as it remembers them; else 0. */
export function locate(owner: Shard, taps: readonly TapIdentity[]): number[] {
  return taps.map(({ readerId, bootEpoch, seq }) => {
    const window = owner.ledger.windows.get(readerId);
    const place = window?.bootEpoch === bootEpoch ? window.find(seq) : -1;
    return window === undefined || place < 0 ? 0 : window.position(place, owner.lastPosition);
  });
}

/** For each key, whether the shard has done a command under it. */
export function heldKeys(owner: Shard, keys: readonly string[]): boolean[] {
  return keys.map((key) => owner.ledger.doneBefore.byKey.has(key));
}

export function reservationsOf(owner: Shard, schoolId: number, locker: number): Reserved[] {
  return [...owner.ledger.reservations.ofLocker(schoolId, locker)];
}

/** Who went into the school and has not come out, whatever the day. */
export function insideOf(owner: Shard, schoolId: number): Inside[] {
  const { pupils, presence } = owner.ledger;
  const inside: Inside[] = [];
  for (let row = 0; row < pupils.count; row++) {
    if (presence.insideSchoolId(row) !== schoolId) continue;
    const { sinceMs, sinceDay, isDoubtful } = presence.whereabouts(row);
    inside.push({ pupilId: pupils.id(row), classId: pupils.classId(row), sinceMs, schoolDay: sinceDay, isDoubtful });
  }
  return inside;
}

export function bookedDays(owner: Shard, operator: number, schoolDay: number): BookedDay[] {
  const { book } = owner.ledger;
  const days = operator === 0 ? [...book.days()] : book.daysOf(operator);
  return schoolDay === 0 ? days : days.filter((day) => day.schoolDay === schoolDay);
}
