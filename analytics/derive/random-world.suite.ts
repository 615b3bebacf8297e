import type { Random } from '../../workers/random.suite.ts';
import type { RosterRow, TapRow, TransferRow, World } from './naive.suite.ts';

/** Schools are three hours east of Greenwich. */
const zoneMs = 3 * 3_600_000;
const dayMs = 86_400_000;
export const minuteMs = 60_000;

/** The moment of a local time, `hour` with fractions. */
export function localMs(day: number, hour: number): number {
  return day * dayMs - zoneMs + Math.round(hour * 3_600_000);
}

export interface WorldSize {
  readonly schools: readonly number[];
  readonly days: readonly number[];
  readonly pupils: number;
  /** Positions and transfer ids begin behind this. */
  readonly after: number;
}

const shardsMax = 2;

/** Makes rows of all kinds: what one would not expect is as likely as what one would. */
export class WorldMaker {
  readonly world: World = { taps: [], transfers: [], roster: [], closed: new Set(), gates: [] };
  readonly #random: Random;
  readonly #size: WorldSize;
  #position: number;
  #transferId: number;

  constructor(random: Random, size: WorldSize) {
    this.#random = random;
    this.#size = size;
    this.#position = size.after;
    this.#transferId = size.after;
  }

  make(): World {
    const { schools, days } = this.#size;
    for (const [index, schoolId] of schools.entries()) {
      for (let gate = 0; gate < 1 + this.#random(3); gate++) this.#gate(schoolId, schoolId * 10 + gate, days);
      for (const day of days) this.#schoolDay(schoolId, day, index);
    }
    return this.world;
  }

  tap(tap: Partial<TapRow> & Pick<TapRow, 'schoolId' | 'schoolDay' | 'pupilId' | 'kind' | 'atMs'>): TapRow {
    this.#position += 1;
    const localMinute = Math.floor((tap.atMs + zoneMs - tap.schoolDay * dayMs) / minuteMs);
    const row: TapRow = {
      shard: tap.pupilId % shardsMax,
      position: this.#position,
      classId: tap.schoolId * 100,
      code: 10,
      readerFlags: 0,
      flags: 0,
      quality: 'A',
      localMinute,
      ref: 0,
      amountKop: 0,
      basis: 0,
      ...tap,
    };
    this.world.taps.push(row);
    return row;
  }

  transfer(tap: TapRow, more: Partial<TransferRow>): TransferRow {
    this.#transferId += 1;
    const { shard, position, schoolId, schoolDay, pupilId, amountKop } = tap;
    const row: TransferRow = {
      transferId: this.#transferId,
      shard,
      causePosition: position,
      schoolId,
      schoolDay,
      pupilId,
      cause: 1,
      purse: 1,
      kop: amountKop,
      reverses: 0,
      toCarrier: tap.kind === 7,
      ...more,
    };
    this.world.transfers.push(row);
    return row;
  }

  /** Takes a transfer back, on its own day or on another. */
  reverse(paid: TransferRow, schoolDay = paid.schoolDay): void {
    this.#position += 1;
    this.#transferId += 1;
    const back = { transferId: this.#transferId, causePosition: this.#position, schoolDay, cause: 4 };
    this.world.transfers.push({ ...paid, ...back, reverses: paid.transferId });
  }

  #gate(schoolId: number, readerId: number, days: readonly number[]): void {
    const beatsMs: number[] = [];
    const everySeconds = [20, 85, 92, 105, 200][this.#random(5)];
    for (const day of days) {
      for (let at = localMs(day, 6.9); at < localMs(day, 15); at += everySeconds * 1_000) {
        if (this.#random(60) > 0) beatsMs.push(at);
      }
    }
    this.world.gates.push({ schoolId, readerId, beatsMs });
  }

  #schoolDay(schoolId: number, day: number, index: number): void {
    if (this.#random(8) === 0) this.world.closed.add(`${schoolId}:${day}`);
    const hasTwoShifts = index % 2 === 1;
    for (let pupil = 1; pupil <= this.#size.pupils; pupil++) {
      const pupilId = schoolId * 1_000 + pupil;
      const row = this.#rosterRow({ schoolId, day, pupilId, shift: hasTwoShifts && pupil % 2 === 0 ? 2 : 1 });
      this.world.roster.push(row);
      // A second freeze forgets some pupils, moves others to another class.
      if (this.#random(12) > 0) this.world.roster.push({ ...row, classId: row.classId + this.#random(2), revision: 2 });
      this.#gates(row);
      this.#meals(row);
    }
    this.#guests(schoolId, day);
  }

  #rosterRow(of: { schoolId: number; day: number; pupilId: number; shift: number }): RosterRow {
    const from = of.shift === 1 ? [7, 8.5, 14] : [13.5, 14, 19.5];
    const [doorsMs, bellMs, endMs] = from.map((hour) => localMs(of.day, hour));
    return {
      schoolId: of.schoolId,
      schoolDay: of.day,
      pupilId: of.pupilId,
      classId: of.schoolId * 100 + this.#random(3),
      shift: of.shift,
      doorsMs,
      bellMs,
      endMs,
      entitled: this.#random(2),
      excused: this.#random(10) === 0 ? 1 : 0,
      revision: 1,
    };
  }

  #gates({ schoolId, schoolDay, pupilId, bellMs, endMs }: RosterRow): void {
    const passages = [0, 1, 2, 2, 2, 3, 5][this.#random(7)];
    for (let index = 0; index < passages; index++) {
      const aroundMs = index === 0 ? bellMs : index === 1 ? endMs : bellMs + this.#random(6 * 60) * minuteMs;
      // To the millisecond at the bell, and 15 minutes before the end, at times.
      const edgeMs = index === 1 && this.#random(4) === 0 ? -15 * minuteMs : 0;
      const atMs = aroundMs + edgeMs + [0, 1, -1, (this.#random(60) - 40) * minuteMs][this.#random(4)];
      const kind = this.#random(8) === 0 ? 1 + this.#random(2) : index % 2 === 0 ? 1 : 2;
      const code = [10, 10, 10, 10, 10, 14, 71, 44, 45, 41][this.#random(10)];
      const quality = (['A', 'A', 'B', 'D'] as const)[this.#random(4)];
      const readerFlags = [0, 0, 0, 1, 2, 8][this.#random(6)];
      this.tap({ schoolId, schoolDay, pupilId, kind, atMs, code, quality, readerFlags, flags: this.#random(2) * 256 });
    }
  }

  #meals({ schoolId, schoolDay, pupilId, bellMs }: RosterRow): void {
    for (let index = 0; index < this.#random(4); index++) {
      const atMs = bellMs + this.#random(300) * minuteMs;
      const sale = { schoolId, schoolDay, pupilId, atMs, ref: this.#random(3), amountKop: 1 + this.#random(3) };
      const which = this.#random(6);
      if (which === 0) this.#freeMeal(sale);
      else if (which === 1) this.tap({ ...sale, kind: 3, code: 49, readerFlags: this.#random(3) });
      else if (which === 2) this.#posted(sale);
      else this.#paid(sale);
    }
  }

  #freeMeal(sale: Sale): void {
    const tap = this.tap({ ...sale, kind: 3, code: 11, basis: 1 + this.#random(2) });
    const paid = this.transfer(tap, { purse: 0 });
    if (this.#random(5) === 0) this.reverse(paid, sale.schoolDay + this.#random(2));
  }

  #paid(sale: Sale): void {
    const tap = this.tap({ ...sale, kind: [3, 4, 7][this.#random(3)] });
    const paid = this.transfer(tap, { purse: 1 + this.#random(3) });
    if (this.#random(4) === 0) this.reverse(paid, sale.schoolDay + this.#random(2));
  }

  /** Refused, and served all the same: an OUTCOME moved the money, now and then at another price. */
  #posted(sale: Sale): void {
    const kind = [3, 4, 7][this.#random(3)];
    const tap = this.tap({ ...sale, kind, code: 46, readerFlags: this.#random(4) === 0 ? 2 : 0 });
    const posted = this.transfer(tap, { cause: 7, purse: 1 + this.#random(2), kop: sale.amountKop + this.#random(2) });
    this.#position += 1;
    posted.causePosition = this.#position;
    if (this.#random(4) === 0) this.reverse(posted);
  }

  /** A pupil of another school, an unknown card, money from outside. */
  #guests(schoolId: number, schoolDay: number): void {
    const atMs = localMs(schoolDay, 9);
    this.tap({ schoolId, schoolDay, pupilId: 999_001, kind: 1, atMs, readerFlags: 1, code: 44 });
    this.tap({ schoolId, schoolDay, pupilId: 0, kind: 1, atMs, code: 40 });
    this.#freeMeal({ schoolId, schoolDay, pupilId: 999_001, atMs, ref: 1, amountKop: 5 });
    const topup = this.tap({ schoolId, schoolDay, pupilId: 999_002, kind: 4, atMs, code: 46, amountKop: 700 });
    this.transfer(topup, { cause: 2 });
  }
}

interface Sale {
  readonly schoolId: number;
  readonly schoolDay: number;
  readonly pupilId: number;
  readonly atMs: number;
  readonly ref: number;
  readonly amountKop: number;
}
