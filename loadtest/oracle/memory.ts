import type { OraclePupil, OraclePurse, OracleTap, Verdict } from './model.ts';

export interface LastTap {
  readonly readerId: number;
  readonly bootEpoch: number;
  readonly atMs: number;
  readonly rawMs: number;
  readonly doubtful: boolean;
  readonly priceKop: number;
  readonly wentThrough: boolean;
}

interface GateTap {
  readonly atMs: number;
  readonly kind: number;
  readonly schoolId: number;
  readonly doubtful: boolean;
}

/** What one pupil's earlier taps left behind. */
export class PupilMemory {
  readonly balancesKop: Record<OraclePurse, number>;
  /** The card's last tap of each kind that came as far as the rules of its kind and was no bounce. */
  readonly last = new Map<number, LastTap>();
  gate: GateTap | null = null;
  #passage: { atMs: number; inside: boolean } | null = null;
  ride: { readonly atMs: number; readonly route: number; transferred: boolean } | null = null;
  readonly #spentKop = new Map<string, number>();
  readonly #meals = new Set<string>();
  readonly #reducedRides = new Map<string, number>();

  constructor(pupil: OraclePupil) {
    this.balancesKop = { ...pupil.purses };
  }

  get inside(): boolean {
    return this.#passage?.inside ?? false;
  }

  pass({ atMs, kind }: OracleTap): void {
    if (this.#passage === null || atMs >= this.#passage.atMs) this.#passage = { atMs, inside: kind === 1 };
  }

  spentKop(day: string, purse: OraclePurse): number {
    return this.#spentKop.get(`${day} ${purse}`) ?? 0;
  }

  /** A ride that was not made after all gives no transfer and counts to no month; its own transfer may be taken again. */
  rideNotMade({ tap, judgement, code }: Pick<Verdict, 'tap' | 'judgement' | 'code'>): void {
    const { ride } = this;
    if (code === 12) {
      if (ride !== null) ride.transferred = false;
      return;
    }
    if (ride?.atMs === tap.atMs && ride.route === tap.ref) this.ride = null;
    if (judgement.reduced) this.#reducedRides.set(tap.day.slice(0, 7), this.reducedRides(tap.day) - 1);
  }

  /** `kop` below zero gives back. */
  spend(day: string, purse: OraclePurse, kop: number): void {
    this.balancesKop[purse] -= kop;
    this.#spentKop.set(`${day} ${purse}`, this.spentKop(day, purse) + kop);
  }

  hasEaten(day: string, window: number): boolean {
    return this.#meals.has(`${day} ${window}`);
  }

  eat(day: string, window: number): void {
    this.#meals.add(`${day} ${window}`);
  }

  giveMealBack(day: string, window: number): void {
    this.#meals.delete(`${day} ${window}`);
  }

  reducedRides(day: string): number {
    return this.#reducedRides.get(day.slice(0, 7)) ?? 0;
  }

  /** A paid ride starts a new transfer if no later ride has, and counts to the month if it was reduced. */
  rideWith({ tap, judgement }: Pick<Verdict, 'tap' | 'judgement'>): void {
    if (this.ride === null || tap.atMs >= this.ride.atMs) {
      this.ride = { atMs: tap.atMs, route: tap.ref, transferred: false };
    }
    if (judgement.reduced) this.#reducedRides.set(tap.day.slice(0, 7), this.reducedRides(tap.day) + 1);
  }
}
