import { OperatorError } from '../../workers/errors.ts';
import type { Service } from '../service.ts';
import { isoTime } from './fields.ts';

export interface Reserved {
  readonly pupilId: number;
  readonly schoolId: number;
  readonly locker: number;
  /** ms since 1970 UTC, up to, not including, `to`. */
  readonly from: number;
  readonly to: number;
}

/** Everybody's reservations in a school (of one locker, or with 0 of all), from all shards. */
export async function reservationsOf(service: Service, schoolId: number, locker = 0): Promise<Reserved[]> {
  const lists = await Promise.all(service.pool.hosts.map((host) => host.call({ type: 'lockers', schoolId, locker })));
  return lists.flat().sort((a, b) => a.locker - b.locker || a.from - b.from || a.pupilId - b.pupilId);
}

/**
 * Who has which locker: two pupils of different shards must not have one at the same time, and no shard knows the other's.
 * Good for one turn, in which nobody else reserves; asks for each school once.
 */
export class LockerPlan {
  readonly #service: Service;
  readonly #schools = new Map<number, Map<number, Reserved[]>>();

  constructor(service: Service) {
    this.#service = service;
  }

  /** Throws LOCKER_TAKEN, which says when, not by whom. */
  async check(wanted: Reserved): Promise<void> {
    const taken = (await this.#ofLocker(wanted)).find(
      (one) => one.pupilId !== wanted.pupilId && one.from < wanted.to && wanted.from < one.to,
    );
    if (taken === undefined) return;
    const when = `from ${isoTime(taken.from)} to ${isoTime(taken.to)}`;
    const message = `locker ${wanted.locker} of school ${wanted.schoolId} is reserved ${when}`;
    throw new OperatorError('LOCKER_TAKEN', message, 'Choose another locker, or another time.', 1);
  }

  /** Notes what was reserved, for the checks that follow in this turn. */
  async note(made: Reserved): Promise<void> {
    const reservations = await this.#ofLocker(made);
    const place = reservations.findIndex((one) => one.pupilId === made.pupilId && one.from === made.from);
    if (place >= 0) reservations.splice(place, 1);
    reservations.push(made);
  }

  async #ofLocker({ schoolId, locker }: Reserved): Promise<Reserved[]> {
    let school = this.#schools.get(schoolId);
    if (school === undefined) {
      school = new Map();
      for (const one of await reservationsOf(this.#service, schoolId)) {
        school.set(one.locker, [...(school.get(one.locker) ?? []), one]);
      }
      this.#schools.set(schoolId, school);
    }
    const reservations = school.get(locker) ?? [];
    school.set(locker, reservations);
    return reservations;
  }
}
