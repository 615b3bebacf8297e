import type { ToppedUp } from './commands.ts';
import { bytesOf, column, grown } from './growable.ts';
import { idempotencyKeyBytesMax } from './limits.ts';

/** Numbers of an entry: bytes of its key, pupil, purse, kopecks, balance, transfer. */
const numbersPerEntry = 6;

/**
 * Puts the top-ups that a shard remembers into columns of a snapshot. Not as one JSON text: at the bound of keys it would
 * be longer than a string can be.
 */
export function saveTopUps(toppedUp: ReadonlyMap<string, ToppedUp>, columns: Map<string, Uint8Array>): void {
  const encoder = new TextEncoder();
  const numbers = new Float64Array(toppedUp.size * numbersPerEntry);
  let keys = new Uint8Array(1024);
  let offset = 0;
  let keysBytes = 0;
  for (const { key, pupilId, purse, kop, balanceKop, transferId } of toppedUp.values()) {
    keys = grown(keys, keysBytes + idempotencyKeyBytesMax);
    const { written } = encoder.encodeInto(key, keys.subarray(keysBytes));
    numbers.set([written, pupilId, purse, kop, balanceKop, transferId], offset);
    offset += numbersPerEntry;
    keysBytes += written;
  }
  columns.set('topup.numbers', bytesOf(numbers));
  columns.set('topup.keys', bytesOf(keys, keysBytes));
}

/** Takes them out again, in the same order. */
export function loadTopUps(columns: ReadonlyMap<string, Uint8Array>, toppedUp: Map<string, ToppedUp>): void {
  const decoder = new TextDecoder();
  const numbers = column(columns, 'topup.numbers', Float64Array);
  const keys = column(columns, 'topup.keys', Uint8Array);
  let start = 0;
  for (let offset = 0; offset < numbers.length; offset += numbersPerEntry) {
    const [keyBytes, pupilId, purse, kop, balanceKop, transferId] = numbers.subarray(offset, offset + numbersPerEntry);
    const key = decoder.decode(keys.subarray(start, start + keyBytes));
    toppedUp.set(key, { type: 'toppedUp', key, pupilId, purse, kop, balanceKop, transferId });
    start += keyBytes;
  }
}
