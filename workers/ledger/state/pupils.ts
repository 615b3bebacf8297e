import { bytesOf, column, grown } from '../growable.ts';
import type { HolderChange } from '../changes.ts';

const purses = 4;
const activeBit = 1;
const entitledBit = 2;
/** The shift stands above the bits. */
const shiftPlace = 2;

/** The pupils of one shard, in columns. `row` counts from 0 and never changes for a pupil. */
export class Pupils {
  #rows = new Map<number, number>();
  #ids = new Uint32Array(64);
  #schools = new Uint32Array(64);
  #classes = new Uint32Array(64);
  #bits = new Uint8Array(64);
  #balances = new Float64Array(64 * purses);

  get count(): number {
    return this.#rows.size;
  }

  /** The pupil's row, or -1. */
  row(pupilId: number): number {
    return this.#rows.get(pupilId) ?? -1;
  }

  id(row: number): number {
    return this.#ids[row];
  }

  schoolId(row: number): number {
    return this.#schools[row];
  }

  classId(row: number): number {
    return this.#classes[row];
  }

  isActive(row: number): boolean {
    return (this.#bits[row] & activeBit) !== 0;
  }

  isEntitled(row: number): boolean {
    return (this.#bits[row] & entitledBit) !== 0;
  }

  /** 1 to 3. */
  shift(row: number): number {
    return this.#bits[row] >> shiftPlace;
  }

  /** Kopecks in a purse (1..4). */
  balanceKop(row: number, purse: number): number {
    return this.#balances[row * purses + purse - 1];
  }

  addKop(row: number, purse: number, kop: number): void {
    this.#balances[row * purses + purse - 1] += kop;
  }

  /** Adds the pupil or renews what is known of them; balances stay. */
  set(change: HolderChange): void {
    let row = this.row(change.pupilId);
    if (row < 0) {
      row = this.#rows.size;
      this.#reserve(row + 1);
      this.#rows.set(change.pupilId, row);
      this.#ids[row] = change.pupilId;
    }
    this.#schools[row] = change.schoolId;
    this.#classes[row] = change.classId;
    this.#bits[row] =
      (change.active ? activeBit : 0) | (change.entitled ? entitledBit : 0) | ((change.shift ?? 1) << shiftPlace);
  }

  save(columns: Map<string, Uint8Array>): void {
    const count = this.count;
    columns.set('pupil.id', bytesOf(this.#ids, count));
    columns.set('pupil.school', bytesOf(this.#schools, count));
    columns.set('pupil.class', bytesOf(this.#classes, count));
    columns.set('pupil.bits', bytesOf(this.#bits, count));
    columns.set('pupil.balance', bytesOf(this.#balances, count * purses));
  }

  load(columns: ReadonlyMap<string, Uint8Array>): void {
    this.#ids = column(columns, 'pupil.id', Uint32Array);
    this.#schools = column(columns, 'pupil.school', Uint32Array);
    this.#classes = column(columns, 'pupil.class', Uint32Array);
    this.#bits = column(columns, 'pupil.bits', Uint8Array);
    this.#balances = column(columns, 'pupil.balance', Float64Array);
    this.#rows = new Map();
    for (let row = 0; row < this.#ids.length; row++) this.#rows.set(this.#ids[row], row);
  }

  #reserve(count: number): void {
    this.#ids = grown(this.#ids, count);
    this.#schools = grown(this.#schools, count);
    this.#classes = grown(this.#classes, count);
    this.#bits = grown(this.#bits, count);
    this.#balances = grown(this.#balances, count * purses);
  }
}
