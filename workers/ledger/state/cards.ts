import type { CardChange, CardStatus } from '../changes.ts';
import { bytesOf, column, grown } from '../growable.ts';

const statusNumbers: Record<CardStatus, number> = { active: 1, blocked: 2, replaced: 3 };
const statusNames: CardStatus[] = ['active', 'blocked', 'replaced'];

/** The cards of one shard's pupils: their status and last day, in the order of the journal. */
export class Cards {
  #rows = new Map<number, number>();
  #ids = new Uint32Array(64);
  #pupils = new Uint32Array(64);
  #status = new Uint8Array(64);
  #expires = new Uint32Array(64);

  get count(): number {
    return this.#rows.size;
  }

  /** The card's row, or -1. */
  row(cardId: number): number {
    return this.#rows.get(cardId) ?? -1;
  }

  pupilId(row: number): number {
    return this.#pupils[row];
  }

  status(row: number): CardStatus {
    return statusNames[this.#status[row] - 1];
  }

  isActive(row: number): boolean {
    return this.#status[row] === statusNumbers.active;
  }

  isBlocked(row: number): boolean {
    return this.#status[row] === statusNumbers.blocked;
  }

  /** Last day on which the card is good, days since 1970; 0 for no end. */
  expiresDay(row: number): number {
    return this.#expires[row];
  }

  set(change: CardChange): void {
    let row = this.row(change.cardId);
    if (row < 0) {
      row = this.#rows.size;
      this.#reserve(row + 1);
      this.#rows.set(change.cardId, row);
      this.#ids[row] = change.cardId;
    }
    this.#pupils[row] = change.pupilId;
    this.#status[row] = statusNumbers[change.status];
    this.#expires[row] = change.expiresDay;
  }

  save(columns: Map<string, Uint8Array>): void {
    const count = this.count;
    columns.set('card.id', bytesOf(this.#ids, count));
    columns.set('card.pupil', bytesOf(this.#pupils, count));
    columns.set('card.status', bytesOf(this.#status, count));
    columns.set('card.expires', bytesOf(this.#expires, count));
  }

  load(columns: ReadonlyMap<string, Uint8Array>): void {
    this.#ids = column(columns, 'card.id', Uint32Array);
    this.#pupils = column(columns, 'card.pupil', Uint32Array);
    this.#status = column(columns, 'card.status', Uint8Array);
    this.#expires = column(columns, 'card.expires', Uint32Array);
    this.#rows = new Map();
    for (let row = 0; row < this.#ids.length; row++) this.#rows.set(this.#ids[row], row);
  }

  #reserve(count: number): void {
    this.#ids = grown(this.#ids, count);
    this.#pupils = grown(this.#pupils, count);
    this.#status = grown(this.#status, count);
    this.#expires = grown(this.#expires, count);
  }
}
