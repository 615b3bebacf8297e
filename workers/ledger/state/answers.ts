import { rememberedIdentitiesMax } from '../limits.ts';

/** 32-bit words of an entry: seq, content hash, code with its shown bit, balance, position modulo 2^32. */
const words = 5;
const shownBit = 256;
const two32 = 2 ** 32;
const capacityMin = 16;

/**
 * The first answers of one reader's boot epoch, by seq, as far back as they are remembered. Entries lie in ascending
 * order of seq in a ring; nearly every push is at the end.
 */
export class AnswerWindow {
  /** Words that `toWords` gives for each entry. */
  static readonly words = words;
  bootEpoch: number;
  #ring = new Int32Array(capacityMin * words);
  /** Entries that the ring holds, less one; a power of two less one. */
  #mask = capacityMin - 1;
  #head = 0;
  #count = 0;

  constructor(bootEpoch: number) {
    this.bootEpoch = bootEpoch;
  }

  get count(): number {
    return this.#count;
  }

  /** The greatest seq answered, 0 if none. */
  get lastSeq(): number {
    return this.#count === 0 ? 0 : this.seq(this.#count - 1);
  }

  /** Forgets everything: the reader lost its counter. */
  reset(bootEpoch: number): void {
    this.bootEpoch = bootEpoch;
    this.#head = 0;
    this.#count = 0;
  }

  /** Place of a seq among the entries, or -1. */
  find(seq: number): number {
    let low = 0;
    let high = this.#count - 1;
    while (low <= high) {
      const middle = (low + high) >>> 1;
      const found = this.seq(middle);
      if (found === seq) return middle;
      if (found < seq) low = middle + 1;
      else high = middle - 1;
    }
    return -1;
  }

  /** True for a seq so far below the newest that its answer is not kept. */
  isForgotten(seq: number): boolean {
    return seq + rememberedIdentitiesMax <= this.lastSeq;
  }

  seq(place: number): number {
    return this.#word(place, 0) >>> 0;
  }

  contentHash(place: number): number {
    return this.#word(place, 1) >>> 0;
  }

  code(place: number): number {
    return this.#word(place, 2) & 255;
  }

  isBalanceShown(place: number): boolean {
    return (this.#word(place, 2) & shownBit) !== 0;
  }

  balanceKop(place: number): number {
    return this.#word(place, 3);
  }

  /** The journal position of an answer; `newestPosition` is the shard's, not 2^32 or more above. */
  position(place: number, newestPosition: number): number {
    const low = this.#word(place, 4) >>> 0;
    return newestPosition - ((newestPosition - low) % two32);
  }

  /** Remembers an answer. The balance is kept only if it is shown. */
  push(seq: number, contentHash: number, code: number, isShown: boolean, balanceKop: number, position: number): void {
    this.#makeRoom(seq);
    let place = this.#count++;
    // After a crash a seq below the newest may still be missing in this shard: it goes where it belongs.
    while (place > 0 && this.seq(place - 1) > seq) {
      this.#copy(place - 1, place);
      place -= 1;
    }
    const at = this.#index(place);
    this.#ring[at] = seq;
    this.#ring[at + 1] = contentHash;
    this.#ring[at + 2] = code | (isShown ? shownBit : 0);
    this.#ring[at + 3] = isShown ? balanceKop : 0;
    this.#ring[at + 4] = position % two32;
  }

  /** The entries in order, `words` numbers each. */
  toWords(): Int32Array {
    const flat = new Int32Array(this.#count * words);
    for (let place = 0; place < this.#count; place++) {
      const from = this.#index(place);
      flat.set(this.#ring.subarray(from, from + words), place * words);
    }
    return flat;
  }

  static fromWords(bootEpoch: number, flat: Int32Array): AnswerWindow {
    const window = new AnswerWindow(bootEpoch);
    let capacity = capacityMin;
    while (capacity * words < flat.length) capacity *= 2;
    window.#ring = new Int32Array(capacity * words);
    window.#mask = capacity - 1;
    window.#ring.set(flat);
    window.#count = flat.length / words;
    return window;
  }

  #word(place: number, word: number): number {
    return this.#ring[this.#index(place) + word];
  }

  #index(place: number): number {
    return ((this.#head + place) & this.#mask) * words;
  }

  #copy(from: number, to: number): void {
    const source = this.#index(from);
    this.#ring.copyWithin(this.#index(to), source, source + words);
  }

  #makeRoom(seq: number): void {
    const newest = Math.max(seq, this.lastSeq);
    while (this.#count > 0 && this.seq(0) + rememberedIdentitiesMax <= newest) {
      this.#head = (this.#head + 1) & this.#mask;
      this.#count -= 1;
    }
    if ((this.#count + 1) * words <= this.#ring.length) return;
    const flat = this.toWords();
    const larger = new Int32Array(this.#ring.length * 2);
    larger.set(flat);
    this.#ring = larger;
    this.#mask = larger.length / words - 1;
    this.#head = 0;
  }
}
