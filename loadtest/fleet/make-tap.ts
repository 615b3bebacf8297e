import { Kind, ReaderFlag } from '../../ingest/protocol/codes.ts';
import type { PlannedTap } from '../region/model.ts';
import type { Turn } from './card-turns.ts';
import type { ReaderNoise } from './noise.ts';
import type { MadeTap, TapNoise } from './tap-queue.ts';

/** Of the sales whose verdict comes too late, the share that the till makes all the same. */
const soldBeforeVerdict = 0.7;

/** How things stand at the reader when a tap is made. */
export interface Circumstances {
  /** Its place in the plan, from 1. */
  readonly n: number;
  /** Nobody can be asked: the reader decides by itself. */
  readonly isAlone: boolean;
  /** The tap has to wait for the connection. */
  readonly isAway: boolean;
}

/**
 * A planned tap as the reader makes it, with what noise does to it. Every tap takes the same draws, so that the course of
 * one does not change the others.
 */
export function makeTap(
  [atMs, uid, kind, amountKop, ref, planned = 0]: PlannedTap,
  { n, isAlone, isAway }: Circumstances,
  { driftMs, isClockUnset, refusedOffline, lateVerdicts, deeds }: ReaderNoise,
  turnOf: (uid: string, atMs: number, n: number) => Turn | null,
): MadeTap {
  const isRefused = deeds.chance(refusedOffline) && kind !== Kind.gateOut;
  const isChosen = deeds.chance(lateVerdicts);
  const isSold = deeds.chance(soldBeforeVerdict);
  const isSale = kind === Kind.meal || kind === Kind.buffet;
  const isLate = isChosen && isSale && planned === 0 && !isAlone;
  const noise: TapNoise[] = isAlone || isAway ? ['offline'] : [];
  if (driftMs !== 0) noise.push('clock');
  if (isLate) noise.push('outcome');
  const own = isAlone && planned === 0 ? (isRefused ? ReaderFlag.refused : ReaderFlag.letThrough) : 0;
  const flags = planned | own | (isClockUnset ? ReaderFlag.clockUnset : 0);
  const ownDeed = isLate ? isSold : null;
  const turn = turnOf(uid, atMs, n);
  return { n, atMs: atMs + driftMs, uid, kind, amountKop, ref, flags, noise, driftMs, ownDeed, turn, order: 0 };
}
