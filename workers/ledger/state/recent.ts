import { bytesOf, column, grown } from '../growable.ts';
import { TapOffset, type TapRecords } from '../../journal/tap-record.ts';
import type { TapFacts } from '../command-types.ts';
import { ClockQuality, Kind } from '../kinds.ts';
import type { TapCase } from '../tap-case.ts';

const deedBit = 1;
const doubtfulBit = 2;

/** The last tap of each card and kind that the rules decided: what a bounce is a bounce of. */
export class RecentTaps {
  #rows = new Map<number, number>();
  #keys = new Float64Array(64);
  /** 0: what was there has been undone. */
  #readers = new Uint32Array(64);
  #epochs = new Uint32Array(64);
  #times = new Float64Array(64);
  #rawTimes = new Float64Array(64);
  #amounts = new Float64Array(64);
  /** `deedBit`: the child was let through or served; `doubtfulBit`: nobody knows when it was. */
  #marks = new Uint8Array(64);

  /**
   * True if the tap repeats the card's last of this kind at this reader within its window. Sales must have the same price.
   * The window counts from the first tap; a clock that stepped back counts likewise. What the reader has let through
   * after a refusal is no bounce of the refusal: it happened, and has to be paid.
   */
  isBounce(tap: TapCase): boolean {
    const { cardId, kind, readerId, priceKop, isDone, rules } = tap;
    const row = this.#rows.get(cardId * 8 + kind);
    if (row === undefined || this.#readers[row] !== readerId) return false;
    if (this.#apartMs(tap, row) >= rules.bounceMs[kind]) return false;
    if (isDone && (this.#marks[row] & deedBit) === 0) return false;
    const isSale = kind === Kind.meal || kind === Kind.buffet;
    return !isSale || this.#amounts[row] === priceKop;
  }

  /** The last tap of a card and kind, for a person. */
  find(cardId: number, kind: number): { reader: number; at: number; price_kop: number } | undefined {
    const row = this.#rows.get(cardId * 8 + kind);
    if (row === undefined) return undefined;
    return { reader: this.#readers[row], at: this.#times[row], price_kop: this.#amounts[row] };
  }

  /** Notes a decided tap of which later ones may be bounces. */
  remember(records: TapRecords, tapRow: number, wentThrough: boolean): void {
    const row = this.#rowOf(records.getU32(tapRow, TapOffset.cardId), records.getU8(tapRow, TapOffset.kind));
    this.#readers[row] = records.getU32(tapRow, TapOffset.readerId);
    this.#epochs[row] = records.getU32(tapRow, TapOffset.bootEpoch);
    this.#times[row] = records.getI64(tapRow, TapOffset.at);
    this.#rawTimes[row] = records.getI64(tapRow, TapOffset.atRaw);
    this.#amounts[row] = records.getI64(tapRow, TapOffset.amountKop);
    const isDoubtful = records.getU8(tapRow, TapOffset.clockQuality) === ClockQuality.D;
    this.#marks[row] = (wentThrough ? deedBit : 0) | (isDoubtful ? doubtfulBit : 0);
  }

  /** A tap that had been refused was let through all the same: it is paid, so its repeat is a bounce. */
  served(tap: TapFacts): void {
    const row = this.#rowOf(tap.cardId, tap.kind);
    // A later tap of the card stays what bounces are held against.
    if (this.#readers[row] !== 0 && this.#times[row] > tap.at) return;
    this.#readers[row] = tap.readerId;
    this.#epochs[row] = tap.bootEpoch;
    this.#times[row] = tap.at;
    this.#rawTimes[row] = tap.atRaw;
    this.#amounts[row] = tap.amountKop;
    this.#marks[row] = deedBit | (tap.clockQuality === ClockQuality.D ? doubtfulBit : 0);
  }

  /** A tap did not come to anything after all: its repeat is no bounce. */
  forget({ cardId, kind, readerId, bootEpoch, at }: TapFacts): void {
    const row = this.#rows.get(cardId * 8 + kind);
    if (row === undefined || this.#readers[row] !== readerId) return;
    if (this.#epochs[row] === bootEpoch && this.#times[row] === at) this.#readers[row] = 0;
  }

  save(columns: Map<string, Uint8Array>): void {
    const count = this.#rows.size;
    columns.set('recent.key', bytesOf(this.#keys, count));
    columns.set('recent.reader', bytesOf(this.#readers, count));
    columns.set('recent.at', bytesOf(this.#times, count));
    columns.set('recent.amount', bytesOf(this.#amounts, count));
    columns.set('recent.epoch', bytesOf(this.#epochs, count));
    columns.set('recent.raw', bytesOf(this.#rawTimes, count));
    columns.set('recent.marks', bytesOf(this.#marks, count));
  }

  load(columns: ReadonlyMap<string, Uint8Array>): void {
    this.#keys = column(columns, 'recent.key', Float64Array);
    this.#readers = column(columns, 'recent.reader', Uint32Array);
    this.#times = column(columns, 'recent.at', Float64Array);
    this.#amounts = column(columns, 'recent.amount', Float64Array);
    this.#epochs = column(columns, 'recent.epoch', Uint32Array);
    this.#rawTimes = column(columns, 'recent.raw', Float64Array);
    this.#marks = column(columns, 'recent.marks', Uint8Array);
    this.#rows = new Map();
    for (let row = 0; row < this.#keys.length; row++) this.#rows.set(this.#keys[row], row);
  }

  /**
   * How far two taps of one reader lie apart. Where a clock was doubtful their corrected times may both be when they came in:
   * the reader's own times tell, as long as it had not lost its counter in between.
   */
  #apartMs({ at, atRaw, bootEpoch, isDoubtful }: TapCase, row: number): number {
    if (!isDoubtful && (this.#marks[row] & doubtfulBit) === 0) return Math.abs(at - this.#times[row]);
    return bootEpoch === this.#epochs[row] ? Math.abs(atRaw - this.#rawTimes[row]) : Infinity;
  }

  #rowOf(cardId: number, kind: number): number {
    const key = cardId * 8 + kind;
    const known = this.#rows.get(key);
    if (known !== undefined) return known;
    const row = this.#rows.size;
    this.#reserve(row + 1);
    this.#rows.set(key, row);
    this.#keys[row] = key;
    return row;
  }

  #reserve(count: number): void {
    this.#keys = grown(this.#keys, count);
    this.#readers = grown(this.#readers, count);
    this.#times = grown(this.#times, count);
    this.#amounts = grown(this.#amounts, count);
    this.#epochs = grown(this.#epochs, count);
    this.#rawTimes = grown(this.#rawTimes, count);
    this.#marks = grown(this.#marks, count);
  }
}
