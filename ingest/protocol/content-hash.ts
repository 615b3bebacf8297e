// The journal keeps a tap's content hash to tell a repeat from a conflict: another formula is another journal format.

/** Start of a content hash. */
export const hashStart = 0x9747b28c | 0;

/** Takes one 32-bit word into a hash (a step of MurmurHash3). */
export function hashWord(hash: number, word: number): number {
  const scrambled = Math.imul(word, 0xcc9e2d51);
  const mixed = hash ^ Math.imul((scrambled << 15) | (scrambled >>> 17), 0x1b873593);
  return (Math.imul((mixed << 13) | (mixed >>> 19), 5) + 0xe6546b64) | 0;
}

/** Spreads every bit over the whole result; 0 … 2^32 - 1. */
function hashEnd(hash: number): number {
  let mixed = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return (mixed ^ (mixed >>> 16)) >>> 0;
}

/** The hash of a tap from that of its UID, its small fields in one word, its time (a safe integer), amount and ref. */
export function hashTap(uidHash: number, small: number, atRawMs: number, amountKop: number, ref: number): number {
  let hash = hashWord(uidHash, small);
  hash = hashWord(hash, atRawMs | 0);
  hash = hashWord(hash, Math.floor(atRawMs / 0x1_0000_0000));
  hash = hashWord(hash, amountKop);
  return hashEnd(hashWord(hash, ref));
}
