import type { TapRecords } from '../../journal/tap-record.ts';
import { TapOffset } from '../../journal/tap-record.ts';
import { accountId, accountParts, Owner } from '../../journal/transfer-record.ts';
import { Code } from '../codes.ts';
import { bookDaysMax, bookItemsMax } from '../limits.ts';
import { Kind, TapFlag } from '../kinds.ts';
import { addTo, type DayTotals, mergeTotals, newDayTotals, newTotal, type Total } from './day-totals.ts';
import { encodeRow, loadRows, saveEncoded } from './json-rows.ts';

/** One operator's school day: all of it, and how it stood when it was closed. */
export interface BookedDay {
  /** The operator's takings account. */
  readonly operator: number;
  readonly schoolDay: number;
  readonly totals: DayTotals;
  closed: { readonly at: number; readonly totals: DayTotals } | null;
}

/** The operators' days in one shard: what they sold, refused, corrected. Counted from outcomes, never decided here. */
export class DayBook {
  /** By school, for each kind of operator: account numbers are too large to be quick keys. */
  readonly #canteens = new Map<number, Map<number, BookedDay>>();
  readonly #carriers = new Map<number, Map<number, BookedDay>>();
  /** Days as a snapshot keeps them; dropped when they change. Nearly all are over, and stay as they are. */
  readonly #encoded = new WeakMap<BookedDay, Uint8Array>();

  day(operator: number, schoolDay: number): BookedDay | undefined {
    const { owner, ownerId } = accountParts(operator);
    return this.#of(owner).get(ownerId)?.get(schoolDay);
  }

  /** One operator's days. */
  daysOf(operator: number): BookedDay[] {
    const { owner, ownerId } = accountParts(operator);
    return [...(this.#of(owner).get(ownerId)?.values() ?? [])];
  }

  *days(): Generator<BookedDay> {
    for (const days of this.#canteens.values()) yield* days.values();
    for (const days of this.#carriers.values()) yield* days.values();
  }

  /** True for a day that is no longer kept, or so old that it will not be. */
  isTooOld(operator: number, schoolDay: number): boolean {
    const { owner, ownerId } = accountParts(operator);
    return isTooOld(this.#of(owner).get(ownerId), schoolDay);
  }

  /** Books a decided sale or ride; `wentThrough`: the child was served, whatever the rules said. */
  tap(records: TapRecords, row: number, wentThrough: boolean): void {
    const kind = records.getU8(row, TapOffset.kind);
    const code = records.getU8(row, TapOffset.code);
    if (code === Code.bounce) return;
    const owner = kind === Kind.fare ? Owner.carrier : Owner.canteen;
    const schoolId = records.getU32(row, TapOffset.schoolId);
    const totals = this.#toChange(owner, schoolId, records.getU16(row, TapOffset.schoolDay))?.totals;
    if (totals === undefined) return;
    if (wentThrough) sold(totals, records, row, code);
    else if (code >= Code.cardUnknown) totals.refused[code] = (totals.refused[code] ?? 0) + 1;
  }

  outcome(operator: number, schoolDay: number, kop: number): void {
    const totals = this.#totals(operator, schoolDay);
    if (totals !== undefined) addTo(totals.outcomes, kop);
  }

  /** Kopecks that go back to the pupil or the fund. */
  reversal(operator: number, schoolDay: number, kop: number): void {
    const totals = this.#totals(operator, schoolDay);
    if (totals !== undefined) addTo(totals.reversals, -kop);
  }

  /** `kop` as the pupil gets them. */
  adjustment(operator: number, schoolDay: number, kop: number): void {
    if (accountParts(operator).owner === Owner.adjustments) return;
    const totals = this.#totals(operator, schoolDay);
    if (totals !== undefined) addTo(totals.adjustments, -kop);
  }

  close(operator: number, schoolDay: number, at: number): void {
    const { owner, ownerId } = accountParts(operator);
    const day = this.#toChange(owner, ownerId, schoolDay);
    if (day !== undefined) day.closed ??= { at, totals: mergeTotals(newDayTotals(), day.totals) };
  }

  save(columns: Map<string, Uint8Array>): void {
    const rows: Uint8Array[] = [];
    for (const day of this.days()) {
      let row = this.#encoded.get(day);
      if (row === undefined) this.#encoded.set(day, (row = encodeRow(day)));
      rows.push(row);
    }
    saveEncoded(columns, 'book', rows);
  }

  load(columns: ReadonlyMap<string, Uint8Array>): void {
    for (const day of loadRows<BookedDay>(columns, 'book')) {
      const { owner, ownerId } = accountParts(day.operator);
      const days = this.#of(owner).get(ownerId) ?? new Map<number, BookedDay>();
      this.#of(owner).set(ownerId, days.set(day.schoolDay, day));
    }
  }

  #of(owner: number): Map<number, Map<number, BookedDay>> {
    return owner === Owner.carrier ? this.#carriers : this.#canteens;
  }

  #totals(operator: number, schoolDay: number): DayTotals | undefined {
    const { owner, ownerId } = accountParts(operator);
    return this.#toChange(owner, ownerId, schoolDay)?.totals;
  }

  #toChange(owner: number, schoolId: number, schoolDay: number): BookedDay | undefined {
    const day = this.#dayOf(owner, schoolId, schoolDay);
    if (day !== undefined) this.#encoded.delete(day);
    return day;
  }

  /** The day, begun if need be; undefined for one that is too old to be kept. */
  #dayOf(owner: number, schoolId: number, schoolDay: number): BookedDay | undefined {
    const operators = this.#of(owner);
    let days = operators.get(schoolId);
    const known = days?.get(schoolDay);
    if (known !== undefined) return known;
    if (isTooOld(days, schoolDay)) return undefined;
    if (days === undefined) operators.set(schoolId, (days = new Map<number, BookedDay>()));
    const operator = accountId(owner === Owner.carrier ? Owner.carrier : Owner.canteen, schoolId);
    const day: BookedDay = { operator, schoolDay, totals: newDayTotals(), closed: null };
    days.set(schoolDay, day);
    if (days.size > bookDaysMax) days.delete(Math.min(...days.keys()));
    return day;
  }
}

function isTooOld(days: ReadonlyMap<number, BookedDay> | undefined, schoolDay: number): boolean {
  if (days === undefined || days.has(schoolDay) || days.size < bookDaysMax) return false;
  return schoolDay < Math.min(...days.keys());
}

/** The item's total; one item too many, from a till that sends other numbers there, is counted as not said (0). */
function itemOf({ items }: DayTotals, item: number): Total {
  const known = items[item] as Total | undefined;
  if (known !== undefined) return known;
  const isRoom = item === 0 || Object.keys(items).length < bookItemsMax;
  return (items[isRoom ? item : 0] ??= newTotal());
}

function sold(totals: DayTotals, records: TapRecords, row: number, code: number): void {
  const debitedKop = records.getI64(row, TapOffset.debitedKop);
  const isEntitled = code === Code.acceptedEntitled;
  const kop = isEntitled ? records.getI64(row, TapOffset.amountKop) : debitedKop;
  if (isEntitled) addTo(totals.entitled, kop);
  else if (code === Code.acceptedTransfer) addTo(totals.transfers, 0);
  else addTo((totals.purses[records.getU8(row, TapOffset.purse)] ??= newTotal()), kop);
  addTo(itemOf(totals, records.getU32(row, TapOffset.ref)), kop);
  const flags = records.getU16(row, TapOffset.flags);
  if ((flags & TapFlag.offline) === 0) return;
  const reader = records.getU32(row, TapOffset.readerId);
  const offline = (totals.offline[reader] ??= { n: 0, kop: 0, forcedN: 0, forcedKop: 0 });
  addTo(offline, kop);
  if ((flags & TapFlag.forced) === 0) return;
  offline.forcedN += 1;
  offline.forcedKop += kop;
}
