import { bytesOf, column, grown } from '../growable.ts';
import { Kind, NoticeKind } from '../kinds.ts';

/** School days whose first arrival and last departure are remembered, so that a late tap can correct them. */
const daysTold = 2;

/** Where a pupil is: inside a school (0: outside) since a time; the last gate tap, whatever became of it. */
export interface Whereabouts {
  readonly insideSchoolId: number;
  readonly sinceMs: number;
  readonly sinceDay: number;
  /** The clock of the newest gate tap was doubtful. */
  readonly isDoubtful: boolean;
}

/** The last gate tap of each pupil, where it is now, and what its parents were told of its days; by the pupil's row. */
export class Presence {
  #lastAt = new Float64Array(64);
  #lastSchool = new Uint32Array(64);
  /** Kind of the last gate tap; 0 none. Doubtful clocks are marked by `doubtfulBit`. */
  #last = new Uint8Array(64);
  #throughAt = new Float64Array(64);
  #throughDay = new Uint16Array(64);
  #inside = new Uint32Array(64);
  #toldDay = new Uint16Array(64 * daysTold);
  #firstInAt = new Float64Array(64 * daysTold);
  #lastOutAt = new Float64Array(64 * daysTold);

  /** ms between a gate tap and the pupil's last one; Infinity if there is none, or its clock was doubtful. */
  sinceLastMs(row: number, at: number): number {
    if (this.#last[row] === 0 || (this.#last[row] & doubtfulBit) !== 0) return Infinity;
    return Math.abs(at - this.#lastAt[row]);
  }

  lastKind(row: number): number {
    return this.#last[row] & ~doubtfulBit;
  }

  lastAt(row: number): number {
    return this.#lastAt[row];
  }

  lastSchoolId(row: number): number {
    return this.#lastSchool[row];
  }

  whereabouts(row: number): Whereabouts {
    const [insideSchoolId, sinceMs] = [this.#inside[row], this.#throughAt[row]];
    const isDoubtful = (this.#last[row] & doubtfulBit) !== 0;
    return { insideSchoolId, sinceMs, sinceDay: this.#throughDay[row], isDoubtful };
  }

  insideSchoolId(row: number): number {
    return this.#inside[row];
  }

  /** A gate tap came as far as the rules of its kind. The newest by its own time is the last. */
  tapped(row: number, kind: number, at: number, schoolId: number, isDoubtful: boolean): void {
    if (this.#last[row] !== 0 && at < this.#lastAt[row]) return;
    this.#last[row] = isDoubtful ? kind | doubtfulBit : kind;
    this.#lastAt[row] = at;
    this.#lastSchool[row] = schoolId;
  }

  /** What a passage is to the parents: news, known by what they were told since, or a correction of the day. */
  noticeOf(row: number, kind: number, at: number, day: number): number {
    if (at >= this.#throughAt[row]) return NoticeKind.news;
    const slot = this.#find(row, day);
    // Of a day that is still remembered nothing was told yet; of an older one nobody knows what was.
    if (slot < 0) return this.#toldDay[this.#oldest(row)] <= day ? NoticeKind.correction : NoticeKind.suppressed;
    const told = kind === Kind.gateIn ? this.#firstInAt[slot] : this.#lastOutAt[slot];
    const isOther = told === 0 || (kind === Kind.gateIn ? at < told : at > told);
    return isOther ? NoticeKind.correction : NoticeKind.suppressed;
  }

  /** The pupil went through. An older passage than the newest changes its day, not where the pupil is. */
  passed(row: number, kind: number, at: number, schoolId: number, day: number): void {
    const slot = this.#findOrBegin(row, day);
    if (slot >= 0 && kind === Kind.gateIn) {
      const first = this.#firstInAt[slot];
      this.#firstInAt[slot] = first === 0 ? at : Math.min(first, at);
    } else if (slot >= 0) {
      this.#lastOutAt[slot] = Math.max(this.#lastOutAt[slot], at);
    }
    if (at < this.#throughAt[row]) return;
    this.#throughAt[row] = at;
    this.#throughDay[row] = day;
    this.#inside[row] = kind === Kind.gateIn ? schoolId : 0;
  }

  /** The passage did not happen after all: if it was the newest, the pupil is where it was. */
  undone(row: number, kind: number, at: number, schoolId: number): void {
    if (this.#throughAt[row] === at) this.#inside[row] = kind === Kind.gateIn ? 0 : schoolId;
  }

  reserve(rows: number): void {
    this.#lastAt = grown(this.#lastAt, rows);
    this.#lastSchool = grown(this.#lastSchool, rows);
    this.#last = grown(this.#last, rows);
    this.#throughAt = grown(this.#throughAt, rows);
    this.#throughDay = grown(this.#throughDay, rows);
    this.#inside = grown(this.#inside, rows);
    this.#toldDay = grown(this.#toldDay, rows * daysTold);
    this.#firstInAt = grown(this.#firstInAt, rows * daysTold);
    this.#lastOutAt = grown(this.#lastOutAt, rows * daysTold);
  }

  save(columns: Map<string, Uint8Array>, rows: number): void {
    columns.set('gate.lastAt', bytesOf(this.#lastAt, rows));
    columns.set('gate.lastSchool', bytesOf(this.#lastSchool, rows));
    columns.set('gate.last', bytesOf(this.#last, rows));
    columns.set('gate.throughAt', bytesOf(this.#throughAt, rows));
    columns.set('gate.throughDay', bytesOf(this.#throughDay, rows));
    columns.set('gate.inside', bytesOf(this.#inside, rows));
    columns.set('gate.toldDay', bytesOf(this.#toldDay, rows * daysTold));
    columns.set('gate.firstInAt', bytesOf(this.#firstInAt, rows * daysTold));
    columns.set('gate.lastOutAt', bytesOf(this.#lastOutAt, rows * daysTold));
  }

  load(columns: ReadonlyMap<string, Uint8Array>): void {
    this.#lastAt = column(columns, 'gate.lastAt', Float64Array);
    this.#lastSchool = column(columns, 'gate.lastSchool', Uint32Array);
    this.#last = column(columns, 'gate.last', Uint8Array);
    this.#throughAt = column(columns, 'gate.throughAt', Float64Array);
    this.#throughDay = column(columns, 'gate.throughDay', Uint16Array);
    this.#inside = column(columns, 'gate.inside', Uint32Array);
    this.#toldDay = column(columns, 'gate.toldDay', Uint16Array);
    this.#firstInAt = column(columns, 'gate.firstInAt', Float64Array);
    this.#lastOutAt = column(columns, 'gate.lastOutAt', Float64Array);
  }

  #find(row: number, day: number): number {
    const first = row * daysTold;
    for (let slot = first; slot < first + daysTold; slot++) if (this.#toldDay[slot] === day) return slot;
    return -1;
  }

  #oldest(row: number): number {
    const first = row * daysTold;
    return this.#toldDay[first] <= this.#toldDay[first + 1] ? first : first + 1;
  }

  #findOrBegin(row: number, day: number): number {
    const found = this.#find(row, day);
    if (found >= 0) return found;
    const oldest = this.#oldest(row);
    if (this.#toldDay[oldest] > day) return -1;
    this.#toldDay[oldest] = day;
    this.#firstInAt[oldest] = 0;
    this.#lastOutAt[oldest] = 0;
    return oldest;
  }
}

const doubtfulBit = 128;
