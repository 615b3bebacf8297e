import { bytesOf, column, grown } from '../growable.ts';
import { Kind } from '../kinds.ts';
import type { TapCase } from '../tap-case.ts';

/** The last tap of each card and kind that the rules decided: what a bounce is a bounce of. */
export class RecentTaps {
  #rows = new Map<number, number>();
  #keys = new Float64Array(64);
  #readers = new Uint32Array(64);
  #times = new Float64Array(64);
  #amounts = new Float64Array(64);
  /** 1 if the child was let through or served: a deed can only be a bounce of a deed. */
  #deeds = new Uint8Array(64);

  /**
   * True if the tap repeats the card's last of this kind at this reader within its window. Sales must have the same price.
   * The window counts from the first tap; a clock that stepped back counts likewise. What the reader has let through
   * after a refusal is no bounce of the refusal: it happened, and has to be paid.
   */
  isBounce({ cardId, kind, readerId, at, priceKop, isDone, rules }: TapCase): boolean {
    const row = this.#rows.get(cardId * 8 + kind);
    if (row === undefined || this.#readers[row] !== readerId) return false;
    if (Math.abs(at - this.#times[row]) >= rules.bounceMs[kind]) return false;
    if (isDone && this.#deeds[row] === 0) return false;
    const isSale = kind === Kind.meal || kind === Kind.buffet;
    return !isSale || this.#amounts[row] === priceKop;
  }

  /** The last tap of a card and kind, for a person. */
  find(cardId: number, kind: number): { reader: number; at: number; price_kop: number } | undefined {
    const row = this.#rows.get(cardId * 8 + kind);
    if (row === undefined) return undefined;
    return { reader: this.#readers[row], at: this.#times[row], price_kop: this.#amounts[row] };
  }

  remember(
    cardId: number,
    kind: number,
    readerId: number,
    atMs: number,
    amountKop: number,
    wentThrough: boolean,
  ): void {
    const key = cardId * 8 + kind;
    let row = this.#rows.get(key);
    if (row === undefined) {
      row = this.#rows.size;
      this.#reserve(row + 1);
      this.#rows.set(key, row);
      this.#keys[row] = key;
    }
    this.#readers[row] = readerId;
    this.#times[row] = atMs;
    this.#amounts[row] = amountKop;
    this.#deeds[row] = wentThrough ? 1 : 0;
  }

  save(columns: Map<string, Uint8Array>): void {
    const count = this.#rows.size;
    columns.set('recent.key', bytesOf(this.#keys, count));
    columns.set('recent.reader', bytesOf(this.#readers, count));
    columns.set('recent.at', bytesOf(this.#times, count));
    columns.set('recent.amount', bytesOf(this.#amounts, count));
    columns.set('recent.deed', bytesOf(this.#deeds, count));
  }

  load(columns: ReadonlyMap<string, Uint8Array>): void {
    this.#keys = column(columns, 'recent.key', Float64Array);
    this.#readers = column(columns, 'recent.reader', Uint32Array);
    this.#times = column(columns, 'recent.at', Float64Array);
    this.#amounts = column(columns, 'recent.amount', Float64Array);
    this.#deeds = column(columns, 'recent.deed', Uint8Array);
    this.#rows = new Map();
    for (let row = 0; row < this.#keys.length; row++) this.#rows.set(this.#keys[row], row);
  }

  #reserve(count: number): void {
    this.#keys = grown(this.#keys, count);
    this.#readers = grown(this.#readers, count);
    this.#times = grown(this.#times, count);
    this.#amounts = grown(this.#amounts, count);
    this.#deeds = grown(this.#deeds, count);
  }
}
