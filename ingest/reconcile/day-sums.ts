import { TapOffset, TapRecords } from '../../workers/journal/tap-record.ts';
import { Owner, TransferOffset, transferRecordBytes } from '../../workers/journal/transfer-record.ts';
import { type JournalBlock, SectionType } from '../../workers/journal/types.ts';

/** What is counted of a school's day. Kopecks as they came to the school's canteen and carrier. */
export interface DaySums {
  /** Decided taps of all kinds, refusals and bounces included. */
  taps: number;
  /** Of them: meals, buffet and rides that were served or refused; no bounces. */
  sales: number;
  /** What transfers brought the operators' accounts, less what was taken back or given to pupils. */
  takingsKop: number;
}

/** Counted sums, by school and then by day; beside them the newest position of each shard that changed a day. */
export class SumsOfDays {
  readonly #schools = new Map<number, Map<number, CountedDay>>();
  readonly #shards: number;
  readonly #daysMax: number;
  size = 0;
  /** Days before this one were let go. */
  keptFromDay = 0;

  constructor(shards: number, daysMax: number) {
    this.#shards = shards;
    this.#daysMax = daysMax;
  }

  schools(): IterableIterator<number> {
    return this.#schools.keys();
  }

  daysOf(schoolId: number): ReadonlyMap<number, CountedDay> {
    return this.#schools.get(schoolId) ?? noDays;
  }

  /** The day, to be changed; undefined for one that was let go. */
  day(schoolId: number, schoolDay: number): CountedDay | undefined {
    if (schoolDay < this.keptFromDay) return undefined;
    let days = this.#schools.get(schoolId);
    if (days === undefined) this.#schools.set(schoolId, (days = new Map<number, CountedDay>()));
    let sums = days.get(schoolDay);
    if (sums === undefined) {
      sums = { taps: 0, sales: 0, takingsKop: 0, positions: Array.from({ length: this.#shards }, () => 0) };
      days.set(schoolDay, sums);
      this.size += 1;
    }
    return sums;
  }

  /** Lets the oldest days go while there are more than may be. */
  trim(): void {
    while (this.size > this.#daysMax) {
      let oldest = Infinity;
      for (const days of this.#schools.values()) for (const day of days.keys()) oldest = Math.min(oldest, day);
      this.keptFromDay = oldest + 1;
      for (const days of this.#schools.values()) if (days.delete(oldest)) this.size -= 1;
    }
  }
}

export interface CountedDay extends DaySums {
  /** By shard, the newest position that changed the day since the start; 0 for none. */
  readonly positions: number[];
}

const noDays: ReadonlyMap<number, CountedDay> = new Map();

/** Adds what a block of a shard's journal holds. */
export function countBlock(sums: SumsOfDays, block: JournalBlock): void {
  for (const { type, bytes, count } of block.sections) {
    if (type === SectionType.taps) countTaps(sums, block, new TapRecords(bytes.buffer, bytes.byteOffset, count));
    if (type === SectionType.transfers) countTransfers(sums, block, bytes);
  }
}

function countTaps(sums: SumsOfDays, { shard, lastPosition }: JournalBlock, records: TapRecords): void {
  for (let row = 0; row < records.capacity; row++) {
    const day = sums.day(records.getU32(row, TapOffset.schoolId), records.getU16(row, TapOffset.schoolDay));
    if (day === undefined) continue;
    day.taps += 1;
    if (isSale(records, row)) day.sales += 1;
    day.positions[shard] = lastPosition;
  }
}

const bounce = 71;

/**
 * What the day book counts: a sale or a ride that was served to somebody known, or refused. Said here once more, from the
 * record alone: this side of the comparison shares nothing with the ledger.
 */
export function isSale(records: TapRecords, row: number): boolean {
  const kind = records.getU8(row, TapOffset.kind);
  if (kind !== 3 && kind !== 4 && kind !== 7) return false;
  const code = records.getU8(row, TapOffset.code);
  if (code === bounce) return false;
  if (code >= 40) return true;
  const deed = records.getU8(row, TapOffset.readerFlags) & 3;
  return deed !== 2 && records.getU32(row, TapOffset.homeSchoolId) !== 0;
}

function countTransfers(sums: SumsOfDays, { shard, lastPosition }: JournalBlock, bytes: Uint8Array): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  for (let start = 0; start < bytes.length; start += transferRecordBytes) {
    const schoolDay = view.getUint16(start + TransferOffset.schoolDay, true);
    const kop = Number(view.getBigInt64(start + TransferOffset.kop, true));
    for (const [account, sign] of [
      [TransferOffset.creditAccount, 1],
      [TransferOffset.debitAccount, -1],
    ] as const) {
      const owner = view.getUint8(start + account + 5);
      if (owner !== Owner.canteen && owner !== Owner.carrier) continue;
      const day = sums.day(view.getUint32(start + account, true), schoolDay);
      if (day === undefined) continue;
      day.takingsKop += sign * kop;
      day.positions[shard] = lastPosition;
    }
  }
}
