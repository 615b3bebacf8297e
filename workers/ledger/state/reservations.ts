import { reservationKeptMs, reservationsPerPupilMax } from '../limits.ts';
import type { ReserveLocker } from '../command-types.ts';
import { loadRows, saveRows } from './json-rows.ts';

/** A locker of a school, for a pupil, from a time up to, not including, another; ms since 1970 UTC. */
export interface Reservation {
  readonly schoolId: number;
  readonly locker: number;
  readonly from: number;
  readonly to: number;
}

/** The reservations of one shard's pupils. */
export class Reservations {
  readonly #byPupil = new Map<number, Reservation[]>();

  of(pupilId: number): readonly Reservation[] {
    return this.#byPupil.get(pupilId) ?? [];
  }

  /** Everybody's reservations of one locker. */
  *ofLocker(schoolId: number, locker: number): Generator<Reservation & { pupilId: number }> {
    for (const [pupilId, reservations] of this.#byPupil) {
      for (const one of reservations) {
        if (one.schoolId === schoolId && (locker === 0 || one.locker === locker)) yield { pupilId, ...one };
      }
    }
  }

  /** Whether the pupil has the locker at a time, had it before, or neither. `isDoubtful`: the time does not count. */
  state(pupilId: number, schoolId: number, locker: number, at: number, isDoubtful: boolean): 'held' | 'over' | 'none' {
    let state: 'over' | 'none' = 'none';
    for (const one of this.of(pupilId)) {
      if (one.schoolId !== schoolId || one.locker !== locker) continue;
      if (isDoubtful || (one.from <= at && at < one.to)) return 'held';
      if (one.to <= at) state = 'over';
    }
    return state;
  }

  find({ pupilId, schoolId, locker, from }: ReserveLocker): Reservation | undefined {
    return this.of(pupilId).find((one) => one.schoolId === schoolId && one.locker === locker && one.from === from);
  }

  hasRoom(command: ReserveLocker): boolean {
    return this.#others(command).length < reservationsPerPupilMax;
  }

  set(command: ReserveLocker): void {
    const { pupilId, schoolId, locker, from, to } = command;
    const reservations = this.#others(command);
    if (to > from) reservations.push({ schoolId, locker, from, to });
    if (reservations.length > 0) this.#byPupil.set(pupilId, reservations);
    else this.#byPupil.delete(pupilId);
  }

  save(columns: Map<string, Uint8Array>): void {
    saveRows(columns, 'locker', this.#byPupil);
  }

  load(columns: ReadonlyMap<string, Uint8Array>): void {
    for (const [pupilId, reservations] of loadRows<[number, Reservation[]]>(columns, 'locker')) {
      this.#byPupil.set(pupilId, reservations);
    }
  }

  /** What stays beside a reservation that begins then: not the same one, and nothing long over. */
  #others({ pupilId, schoolId, locker, from }: ReserveLocker): Reservation[] {
    return this.of(pupilId).filter((one) => {
      const isSame = one.schoolId === schoolId && one.locker === locker && one.from === from;
      return !isSame && one.to > from - reservationKeptMs;
    });
  }
}
