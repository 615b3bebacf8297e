import { ReaderFlag, TapFlag } from '../protocol/codes.ts';
import { ClockQuality } from '../../workers/ledger/kinds.ts';
import { clockFairMaxMs, clockGoodMaxMs, futureMaxMs, lateAfterMs, unsetClockAgeMaxMs } from './limits.ts';

/** No reader that is right can date a tap outside these. */
const earliestMs = Date.UTC(2000, 0, 1);
const latestMs = Date.UTC(2100, 0, 1);

/** Quality of a reader's clock by its offset from ours at HELLO, ms. */
export function qualityOfOffset(offsetMs: number): number {
  const size = Math.abs(offsetMs);
  if (size <= clockGoodMaxMs) return ClockQuality.A;
  return size <= clockFairMaxMs ? ClockQuality.B : ClockQuality.D;
}

/** The corrected time of one tap, used again for each. */
export class TapTime {
  atMs = 0;
  quality = 0;
  /** TapFlag bits of clock and lateness. */
  flags = 0;

  /**
   * Corrects a reader's time by the offset (ours less the reader's) that HELLO showed. Within 2 s nothing is corrected.
   * A time that cannot be true even so is replaced by when the tap came in, and doubtful.
   */
  correct(rawMs: number, offsetMs: number, readerFlags: number, receivedAtMs: number): void {
    let quality = qualityOfOffset(offsetMs);
    let atMs = quality === ClockQuality.A ? rawMs : rawMs + offsetMs;
    const isUnset = (readerFlags & ReaderFlag.clockUnset) !== 0;
    if (isUnset) quality = ClockQuality.D;
    const isFuture = atMs > receivedAtMs + futureMaxMs;
    const isStray = isUnset && atMs < receivedAtMs - unsetClockAgeMaxMs;
    if (isFuture || isStray || atMs < earliestMs || atMs > latestMs) {
      atMs = receivedAtMs;
      quality = ClockQuality.D;
    }
    this.atMs = Math.trunc(atMs);
    this.quality = quality;
    this.flags =
      (this.atMs !== rawMs ? TapFlag.clockCorrected : 0) |
      (quality === ClockQuality.D ? TapFlag.clockDoubtful : 0) |
      (receivedAtMs - this.atMs > lateAfterMs ? TapFlag.late : 0);
  }
}
