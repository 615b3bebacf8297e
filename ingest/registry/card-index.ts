/** A card that shares its key with cards of other pupils. */
interface Holder {
  cardId: number;
  pupilId: number;
}

const rowWords = 6;
const freeEnd = -1;
/** In the third key word: several pupils hold this UID in this district. */
const ambiguousBit = 1 << 24;

/**
 * (district, UID) → card, for a million cards.
 *
 * Open addressing with linear probing: `rows` holds six words a card, `slots` row numbers plus one in the bits of `slotMask`
 * and the hash in the bits above, so that a lookup touches hardly any row but its own. At most half of the slots are
 * taken. A key that several pupils hold keeps one row, marked ambiguous, and its holders aside in `shared`: the
 * mark is part of the stored key, so that a lookup fails by itself. At a million cards: 34 bytes each.
 */
export class CardIndex {
  /** district · UID bytes 0–3 · 4–7 · 8–9, size and mark · card · pupil. A free row chains to the next in word 0. */
  private rows: Int32Array;
  private slots: Int32Array;
  private slotMask: number;
  private rowsUsed = 0;
  private firstFree = freeEnd;
  private keyCount = 0;
  private readonly shared = new Map<number, Holder[]>();
  private readonly key = new Int32Array(4);

  constructor(cardsExpected = 1024) {
    const capacity = 2 ** Math.ceil(Math.log2(Math.max(cardsExpected, 16)));
    this.rows = new Int32Array(capacity * rowWords);
    this.slots = new Int32Array(capacity * 2);
    this.slotMask = capacity * 2 - 1;
  }

  /** Distinct keys held, ambiguous ones included. */
  get size(): number {
    return this.keyCount;
  }

  /** Keys that several pupils hold. */
  get ambiguousKeys(): number {
    return this.shared.size;
  }

  /** Memory of the tables. */
  get bytes(): number {
    return this.rows.byteLength + this.slots.byteLength;
  }

  /** The row of the one card with this UID, or -1 for none and for several. Good until the next `set` or `remove`. */
  find(districtId: number, bytes: Uint8Array, offset: number, size: number): number {
    return this.loadKey(districtId, bytes, offset, size) ? this.findRow(this.key[3]) : -1;
  }

  cardId(row: number): number {
    return this.rows[row * rowWords + 4] >>> 0;
  }

  pupilId(row: number): number {
    return this.rows[row * rowWords + 5] >>> 0;
  }

  /** Adds a card that is not replaced; for a card that is held already, nothing. */
  set(districtId: number, uid: Uint8Array, cardId: number, pupilId: number): void {
    if (!this.loadKey(districtId, uid, 0, uid.length)) throw new RangeError('a UID has 4, 7 or 10 bytes');
    const row = this.findMarked();
    if (row === -1) this.insert(cardId, pupilId);
    else this.share(row, cardId, pupilId);
  }

  /** Takes out a card that was replaced or left the district; for a card that is not held, nothing. */
  remove(districtId: number, uid: Uint8Array, cardId: number): void {
    if (!this.loadKey(districtId, uid, 0, uid.length)) return;
    const row = this.findMarked();
    if (row === -1) return;
    const holders = this.shared.get(row);
    if (holders === undefined) {
      if (this.cardId(row) === cardId) this.delete(row);
      return;
    }
    const left = holders.filter((holder) => holder.cardId !== cardId);
    if (left.length > 1) this.shared.set(row, left);
    else this.unshare(row, left[0]);
  }

  /** Packs the key into words; false for a size that no UID has. */
  private loadKey(districtId: number, bytes: Uint8Array, at: number, size: number): boolean {
    if (size !== 4 && size !== 7 && size !== 10) return false;
    const key = this.key;
    key[0] = districtId;
    key[1] = bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16) | (bytes[at + 3] << 24);
    key[2] = 0;
    key[3] = size << 16;
    if (size === 4) return true;
    key[2] = bytes[at + 4] | (bytes[at + 5] << 8) | (bytes[at + 6] << 16);
    if (size === 7) return true;
    key[2] |= bytes[at + 7] << 24;
    key[3] |= bytes[at + 8] | (bytes[at + 9] << 8);
    return true;
  }

  private findMarked(): number {
    const row = this.findRow(this.key[3]);
    return row === -1 && this.shared.size > 0 ? this.findRow(this.key[3] | ambiguousBit) : row;
  }

  private findRow(lastWord: number): number {
    const { rows, slots, slotMask, key } = this;
    const hashed = hash(key[0], key[1], key[2], key[3]);
    for (let slot = hashed & slotMask; ; slot = (slot + 1) & slotMask) {
      const entry = slots[slot];
      if (entry === 0) return -1;
      if (((entry ^ hashed) & ~slotMask) !== 0) continue;
      const row = (entry & slotMask) - 1;
      const at = row * rowWords;
      if (rows[at + 1] === key[1] && rows[at] === key[0] && rows[at + 2] === key[2] && rows[at + 3] === lastWord)
        return row;
    }
  }

  private insert(cardId: number, pupilId: number): void {
    const row = this.takeRow();
    this.rows.set(this.key, row * rowWords);
    this.rows[row * rowWords + 4] = cardId;
    this.rows[row * rowWords + 5] = pupilId;
    this.keyCount++;
    this.link(row);
  }

  private takeRow(): number {
    if (this.firstFree !== freeEnd) {
      const row = this.firstFree;
      this.firstFree = this.rows[row * rowWords];
      return row;
    }
    if ((this.rowsUsed + 1) * rowWords > this.rows.length) this.grow();
    return this.rowsUsed++;
  }

  /** Called only when every row is taken, so that each of them is linked anew. */
  private grow(): void {
    const rows = new Int32Array(this.rows.length * 2);
    rows.set(this.rows);
    this.rows = rows;
    this.slots = new Int32Array(this.slots.length * 2);
    this.slotMask = this.slots.length - 1;
    for (let row = 0; row < this.rowsUsed; row++) this.link(row);
  }

  private link(row: number): void {
    const hashed = this.hashOf(row);
    let slot = hashed & this.slotMask;
    while (this.slots[slot] !== 0) slot = (slot + 1) & this.slotMask;
    this.slots[slot] = (hashed & ~this.slotMask) | (row + 1);
  }

  private hashOf(row: number): number {
    const { rows } = this;
    const at = row * rowWords;
    return hash(rows[at], rows[at + 1], rows[at + 2], rows[at + 3] & ~ambiguousBit);
  }

  private delete(row: number): void {
    this.unlink(row);
    this.rows[row * rowWords] = this.firstFree;
    this.firstFree = row;
    this.keyCount--;
  }

  /** Closes the gap behind the slot, so that no lookup needs tombstones. */
  private unlink(row: number): void {
    const { slots, slotMask } = this;
    let gap = this.hashOf(row) & slotMask;
    while ((slots[gap] & slotMask) !== row + 1) gap = (gap + 1) & slotMask;
    for (let slot = (gap + 1) & slotMask; slots[slot] !== 0; slot = (slot + 1) & slotMask) {
      const home = this.hashOf((slots[slot] & slotMask) - 1) & slotMask;
      if (((slot - home) & slotMask) >= ((slot - gap) & slotMask)) {
        slots[gap] = slots[slot];
        gap = slot;
      }
    }
    slots[gap] = 0;
  }

  private share(row: number, cardId: number, pupilId: number): void {
    const holders = this.shared.get(row) ?? [{ cardId: this.cardId(row), pupilId: this.pupilId(row) }];
    if (holders.some((holder) => holder.cardId === cardId)) return;
    holders.push({ cardId, pupilId });
    this.shared.set(row, holders);
    this.rows[row * rowWords + 3] |= ambiguousBit;
  }

  private unshare(row: number, { cardId, pupilId }: Holder): void {
    this.shared.delete(row);
    this.rows[row * rowWords + 3] &= ~ambiguousBit;
    this.rows[row * rowWords + 4] = cardId;
    this.rows[row * rowWords + 5] = pupilId;
  }
}

function hash(word0: number, word1: number, word2: number, word3: number): number {
  let mixed = Math.imul(word1, 0x9e3779b1) ^ Math.imul(word2, 0x85ebca6b) ^ Math.imul(word3 ^ word0, 0xc2b2ae35);
  mixed ^= mixed >>> 15;
  mixed = Math.imul(mixed, 0x2c1b3c6d);
  return mixed ^ (mixed >>> 13);
}
