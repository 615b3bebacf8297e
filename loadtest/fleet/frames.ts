import { encodeTaps } from '../../ingest/protocol/encode.ts';
import { limits } from '../limits.ts';
import type { TapQueue } from './tap-queue.ts';

/** Encodes the taps of a queue from `firstSeq` on: at most `tapsMax`, fewer where their times lie too far apart. */
export function encodeFrame(queue: TapQueue, firstSeq: number, tapsMax: number): { bytes: Uint8Array; taps: number } {
  const first = queue.tap(firstSeq);
  if (!first) throw new Error(`seq ${firstSeq} is not in the queue`);
  const taps = [];
  for (let seq = firstSeq; taps.length < tapsMax; seq++) {
    const tap = queue.tap(seq);
    if (!tap) break;
    const deltaMs = tap.atMs - first.atMs;
    if (deltaMs < 0 || deltaMs > limits.tapDeltaMsMax) break;
    taps.push({
      uid: Buffer.from(tap.uid, 'hex'),
      kind: tap.kind,
      deltaMs,
      amountKop: tap.amountKop || null,
      ref: tap.ref || null,
      flags: tap.flags || null,
    });
  }
  return { bytes: encodeTaps({ firstSeq, baseMs: first.atMs, taps }), taps: taps.length };
}

/** Taps that a frame may hold under the server's two bounds. */
export function tapsPerFrame(maxTaps: number, maxBytes: number): number {
  return Math.max(1, Math.min(maxTaps, Math.floor((maxBytes - limits.frameHeadBytesMax) / limits.tapBytesMax)));
}
