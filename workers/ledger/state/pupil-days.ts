import { bytesOf, column, grown } from '../growable.ts';

/** School days of a pupil whose spending and entitlements are remembered. */
export const daysRemembered = 3;
const purses = 4;

/** What each pupil spent and which entitlements it took, for its newest school days; by the pupil's row. */
export class PupilDays {
  /** Day of each slot, 0 for an empty one. */
  #days = new Uint16Array(64 * daysRemembered);
  /** Bit by meal window: 1 << window. */
  #windows = new Uint16Array(64 * daysRemembered);
  #spent = new Float64Array(64 * daysRemembered * purses);

  /** Kopecks that taps took from a purse (1..4) that day; 0 for a day that is not remembered. */
  spentKop(row: number, day: number, purse: number): number {
    const slot = this.#find(row, day);
    return slot < 0 ? 0 : this.#spent[slot * purses + purse - 1];
  }

  isTaken(row: number, day: number, window: number): boolean {
    const slot = this.#find(row, day);
    return slot >= 0 && (this.#windows[slot] & (1 << window)) !== 0;
  }

  /** Numbers of the windows whose entitlement was taken that day. */
  taken(row: number, day: number): number[] {
    const slot = this.#find(row, day);
    const mask = slot < 0 ? 0 : this.#windows[slot];
    return Array.from({ length: 16 }, (_, window) => window).filter((window) => (mask & (1 << window)) !== 0);
  }

  /** Adds to what was spent; a day older than those remembered is let go. */
  addSpent(row: number, day: number, purse: number, kop: number): void {
    const slot = this.#findOrBegin(row, day);
    if (slot >= 0) this.#spent[slot * purses + purse - 1] += kop;
  }

  /** Takes back what was spent, if the day is still remembered. */
  giveBack(row: number, day: number, purse: number, kop: number): void {
    const slot = this.#find(row, day);
    if (slot >= 0) this.#spent[slot * purses + purse - 1] -= kop;
  }

  take(row: number, day: number, window: number): void {
    const slot = this.#findOrBegin(row, day);
    if (slot >= 0) this.#windows[slot] |= 1 << window;
  }

  free(row: number, day: number, window: number): void {
    const slot = this.#find(row, day);
    if (slot >= 0) this.#windows[slot] &= ~(1 << window);
  }

  reserve(rows: number): void {
    this.#days = grown(this.#days, rows * daysRemembered);
    this.#windows = grown(this.#windows, rows * daysRemembered);
    this.#spent = grown(this.#spent, rows * daysRemembered * purses);
  }

  save(columns: Map<string, Uint8Array>, rows: number): void {
    columns.set('day.day', bytesOf(this.#days, rows * daysRemembered));
    columns.set('day.windows', bytesOf(this.#windows, rows * daysRemembered));
    columns.set('day.spent', bytesOf(this.#spent, rows * daysRemembered * purses));
  }

  load(columns: ReadonlyMap<string, Uint8Array>): void {
    this.#days = column(columns, 'day.day', Uint16Array);
    this.#windows = column(columns, 'day.windows', Uint16Array);
    this.#spent = column(columns, 'day.spent', Float64Array);
  }

  #find(row: number, day: number): number {
    const first = row * daysRemembered;
    for (let slot = first; slot < first + daysRemembered; slot++) if (this.#days[slot] === day) return slot;
    return -1;
  }

  /** The slot of a day; a new day takes the place of the oldest, unless it is older still. */
  #findOrBegin(row: number, day: number): number {
    const found = this.#find(row, day);
    if (found >= 0) return found;
    let oldest = row * daysRemembered;
    for (let slot = oldest + 1; slot < (row + 1) * daysRemembered; slot++) {
      if (this.#days[slot] < this.#days[oldest]) oldest = slot;
    }
    if (this.#days[oldest] > day) return -1;
    this.#days[oldest] = day;
    this.#windows[oldest] = 0;
    this.#spent.fill(0, oldest * purses, (oldest + 1) * purses);
    return oldest;
  }
}
