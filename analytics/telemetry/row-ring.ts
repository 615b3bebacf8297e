/** Rows in order of arrival, at most `rowsMax`: beyond that the oldest go, and are counted. */
export class RowRing<T> {
  readonly #rowsMax: number;
  /** A row lies at its number modulo `rowsMax`. */
  #rows: T[] = [];
  /** Numbers of the oldest row and of the one that comes next. */
  #first = 0;
  #next = 0;
  /** The numbers that were taken last, the second exclusive. */
  #takenFrom = 0;
  #takenTo = 0;
  dropped = 0;

  constructor(rowsMax: number) {
    this.#rowsMax = rowsMax;
  }

  get size(): number {
    return this.#next - this.#first;
  }

  push(row: T): void {
    this.#rows[this.#next % this.#rowsMax] = row;
    this.#next += 1;
    if (this.size <= this.#rowsMax) return;
    this.#first += 1;
    this.dropped += 1;
  }

  /** Takes out the oldest rows, to be ended by `arrived` or `giveBack` before the next are taken. */
  take(rowsMax: number): T[] {
    this.#takenFrom = this.#first;
    this.#takenTo = this.#first + Math.min(rowsMax, this.size);
    this.#first = this.#takenTo;
    const count = this.#takenTo - this.#takenFrom;
    return Array.from({ length: count }, (_, place) => this.#rows[(this.#takenFrom + place) % this.#rowsMax]);
  }

  /** Those taken are elsewhere; an empty ring holds no memory. */
  arrived(): void {
    if (this.size > 0) return;
    this.#rows = [];
    this.#first = this.#next = 0;
  }

  /** Those taken come back to the front, as far as newer rows left room. */
  giveBack(): void {
    this.#first = Math.max(this.#takenFrom, this.#next - this.#rowsMax);
    this.dropped += Math.min(this.#first, this.#takenTo) - this.#takenFrom;
  }

  /** Drops all; gives how many. */
  clear(): number {
    const count = this.size;
    this.dropped += count;
    this.#first = this.#next;
    return count;
  }
}
