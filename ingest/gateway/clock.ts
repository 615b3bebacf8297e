import { ReaderFlag, TapFlag } from '../protocol/codes.ts';
import { ClockQuality } from '../../workers/ledger/kinds.ts';
import {
  clockFairMaxMs,
  clockGoodMaxMs,
  clockMovedMinMs,
  futureMaxMs,
  lateAfterMs,
  unsetClockAgeMaxMs,
} from './limits.ts';

/** No reader that is right can date a tap outside these. */
const earliestMs = Date.UTC(2000, 0, 1);
const latestMs = Date.UTC(2100, 0, 1);

/** Quality of a reader's clock by its offset from ours at HELLO, ms. */
export function qualityOfOffset(offsetMs: number): number {
  const size = Math.abs(offsetMs);
  if (size <= clockGoodMaxMs) return ClockQuality.A;
  return size <= clockFairMaxMs ? ClockQuality.B : ClockQuality.D;
}

/** What a reader's HELLOs showed of its clock in one boot epoch. */
export class ReaderClock {
  /** Our clock less the reader's, at its last HELLO: what its taps are corrected by. */
  offsetMs = 0;
  /** The clock was moved between two HELLOs: nobody knows under which offset a tap was made that says it is older. */
  doubtfulBeforeMs = -Infinity;
  #isKnown = false;

  /** A new boot epoch. */
  reset(): void {
    this.offsetMs = 0;
    this.doubtfulBeforeMs = -Infinity;
    this.#isKnown = false;
  }

  /** HELLO showed the reader's clock. */
  shown(clockMs: number, nowMs: number): void {
    const offsetMs = nowMs - clockMs;
    const isMoved = this.#isKnown && Math.abs(offsetMs - this.offsetMs) > clockMovedMinMs;
    if (isMoved) this.doubtfulBeforeMs = clockMs;
    this.restore(offsetMs);
  }

  /** An earlier HELLO is remembered. */
  restore(offsetMs: number): void {
    this.offsetMs = offsetMs;
    this.#isKnown = true;
  }
}

/** The corrected time of one tap, used again for each. */
export class TapTime {
  atMs = 0;
  quality = 0;
  /** TapFlag bits of clock and lateness. */
  flags = 0;

  /**
   * Corrects a reader's time by the offset that HELLO showed. Within 2 s nothing is corrected. A time that cannot be true
   * even so is replaced by when the tap came in, and doubtful.
   */
  correct(rawMs: number, clock: ReaderClock, readerFlags: number, receivedAtMs: number): void {
    let quality = qualityOfOffset(clock.offsetMs);
    let atMs = quality === ClockQuality.A ? rawMs : rawMs + clock.offsetMs;
    const isGuess = (readerFlags & ReaderFlag.clockUnset) !== 0 || rawMs < clock.doubtfulBeforeMs;
    if (isGuess) quality = ClockQuality.D;
    const isFuture = atMs > receivedAtMs + futureMaxMs;
    const isStray = isGuess && atMs < receivedAtMs - unsetClockAgeMaxMs;
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
