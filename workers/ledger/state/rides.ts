import { bytesOf, column, grown } from '../growable.ts';
import { FareBasis } from '../kinds.ts';

/** The last paid ride of each pupil and its reduced rides of a month; by the pupil's row. */
export class Rides {
  #at = new Float64Array(64);
  #route = new Uint32Array(64);
  /** When the ride's free transfer was taken, 0 if it was not. */
  #transferAt = new Float64Array(64);
  #month = new Uint16Array(64);
  #reduced = new Uint16Array(64);

  /** True if the last paid ride, on another route, gives a free ride at this time. */
  givesTransfer(row: number, at: number, route: number, withinMs: number): boolean {
    if (route === 0 || this.#route[row] === 0 || this.#route[row] === route) return false;
    const sinceMs = at - this.#at[row];
    return this.#transferAt[row] === 0 && sinceMs >= 0 && sinceMs < withinMs;
  }

  /** Reduced rides had in a month (`monthOfDay`); none are known of a month before the newest. */
  reducedRides(row: number, month: number): number {
    return this.#month[row] === month ? this.#reduced[row] : 0;
  }

  last(row: number): { at: number; route: number; isTransferGiven: boolean } {
    return { at: this.#at[row], route: this.#route[row], isTransferGiven: this.#transferAt[row] !== 0 };
  }

  /** A ride was made on this basis. */
  ridden(row: number, at: number, route: number, month: number, basis: number): void {
    if (basis === FareBasis.transfer) {
      this.#transferAt[row] = at;
      return;
    }
    if (at >= this.#at[row]) {
      this.#at[row] = at;
      this.#route[row] = route;
      this.#transferAt[row] = 0;
    }
    if (basis !== FareBasis.reduced || month < this.#month[row]) return;
    this.#reduced[row] = month === this.#month[row] ? this.#reduced[row] + 1 : 1;
    this.#month[row] = month;
  }

  /** The ride was not made after all: it gives no transfer, and counts to no month; a transfer may be taken again. */
  undone(row: number, at: number, route: number, month: number, basis: number): void {
    if (basis === FareBasis.transfer) {
      if (this.#transferAt[row] === at) this.#transferAt[row] = 0;
      return;
    }
    if (this.#at[row] === at && this.#route[row] === route) {
      this.#at[row] = 0;
      this.#route[row] = 0;
      this.#transferAt[row] = 0;
    }
    if (basis === FareBasis.reduced && month === this.#month[row] && this.#reduced[row] > 0) this.#reduced[row] -= 1;
  }

  reserve(rows: number): void {
    this.#at = grown(this.#at, rows);
    this.#route = grown(this.#route, rows);
    this.#transferAt = grown(this.#transferAt, rows);
    this.#month = grown(this.#month, rows);
    this.#reduced = grown(this.#reduced, rows);
  }

  save(columns: Map<string, Uint8Array>, rows: number): void {
    columns.set('ride.at', bytesOf(this.#at, rows));
    columns.set('ride.route', bytesOf(this.#route, rows));
    columns.set('ride.transfer', bytesOf(this.#transferAt, rows));
    columns.set('ride.month', bytesOf(this.#month, rows));
    columns.set('ride.reduced', bytesOf(this.#reduced, rows));
  }

  load(columns: ReadonlyMap<string, Uint8Array>): void {
    this.#at = column(columns, 'ride.at', Float64Array);
    this.#route = column(columns, 'ride.route', Uint32Array);
    this.#transferAt = column(columns, 'ride.transfer', Float64Array);
    this.#month = column(columns, 'ride.month', Uint16Array);
    this.#reduced = column(columns, 'ride.reduced', Uint16Array);
  }
}

/**
 * Months since January 1970 of a day since 1970 in the Gregorian calendar, by arithmetic: no clock and no Date here.
 * Eras of 400 years begin on 1 March, which puts the leap day last (the algorithm of H. Hinnant's "chrono-compatible
 * low-level date algorithms").
 */
export function monthOfDay(day: number): number {
  const shifted = day + 719_468;
  const era = Math.floor(shifted / 146_097);
  const dayOfEra = shifted - era * 146_097;
  const centuryDays = Math.floor(dayOfEra / 36_524);
  const yearOfEra = Math.floor(
    (dayOfEra - Math.floor(dayOfEra / 1_460) + centuryDays - Math.floor(dayOfEra / 146_096)) / 365,
  );
  const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100));
  const monthFromMarch = Math.floor((5 * dayOfYear + 2) / 153);
  return (yearOfEra + era * 400 - 1970) * 12 + monthFromMarch + 2;
}
