/** Which seqs of each reader and boot epoch were seen: a bit each. */
export class IdentitySet {
  readonly #bits = new Map<string, Uint8Array>();
  size = 0;

  /** Adds an identity; false if it was there. */
  add(readerId: number, bootEpoch: number, seq: number): boolean {
    const key = `${readerId} ${bootEpoch}`;
    const byte = seq >>> 3;
    let bits = this.#bits.get(key);
    if (bits === undefined || byte >= bits.length) {
      const larger = new Uint8Array(Math.max(128, 2 ** Math.ceil(Math.log2(byte + 1))));
      if (bits !== undefined) larger.set(bits);
      bits = larger;
      this.#bits.set(key, bits);
    }
    const mask = 1 << (seq & 7);
    if ((bits[byte] & mask) !== 0) return false;
    bits[byte] |= mask;
    this.size += 1;
    return true;
  }

  has(readerId: number, bootEpoch: number, seq: number): boolean {
    const bits = this.#bits.get(`${readerId} ${bootEpoch}`);
    return bits !== undefined && (bits[seq >>> 3] & (1 << (seq & 7))) !== 0;
  }

  /** How many of the seqs 1…last are missing, and the first of them. */
  missing(readerId: number, bootEpoch: number, last: number): { count: number; first: number } {
    const end = Math.min(last, 8 * (this.#bits.get(`${readerId} ${bootEpoch}`)?.length ?? 0));
    let count = last - end;
    let first = count > 0 ? end + 1 : 0;
    for (let seq = end; seq >= 1; seq--) {
      if (this.has(readerId, bootEpoch, seq)) continue;
      first = seq;
      count += 1;
    }
    return { count, first };
  }
}
