import { kindBit, kindNames } from '../../workers/ledger/kinds.ts';
import type { Service } from '../service.ts';
import { conditionOf, type ReaderCondition } from '../status.ts';

/** A reader as it is now; times in ms since 1970 UTC, null where nothing is known since the service's start. */
export interface LiveReader {
  readonly readerId: number;
  readonly place: string;
  readonly kindsMask: number;
  readonly condition: ReaderCondition;
  readonly lastSeenMs: number | null;
  /** What its last BEAT told. */
  readonly beatMs: number | null;
  readonly queuedTaps: number | null;
  readonly oldestMs: number | null;
  /** It may have taps that nobody has seen yet. */
  readonly mayHoldTaps: boolean;
}

/** The readers of a school that are not revoked, by number. */
export function readersOfSchool({ directory, gateway, now }: Service, schoolId: number): LiveReader[] {
  const at = now();
  const entries = [...directory.readers.values()].filter((entry) => entry.schoolId === schoolId && !entry.revoked);
  return entries
    .sort((a, b) => a.readerId - b.readerId)
    .map(({ readerId, place, kindsMask }) => {
      const state = gateway.readers.find(readerId);
      const condition = conditionOf(state, at);
      const lastSeenMs = state === undefined || state.lastSeenMs === 0 ? null : state.lastSeenMs;
      const { at: beatMs = null, queued: queuedTaps = null, oldestMs = null } = state?.beat ?? {};
      // One that has tapped before, and has not come back since the service was started, is away as well.
      const isAway = condition === 'never_seen' && (state?.bootEpoch ?? 0) > 0;
      const mayHoldTaps = isAway || condition === 'behind' || condition === 'offline' || condition === 'silent';
      return { readerId, place, kindsMask, condition, lastSeenMs, beatMs, queuedTaps, oldestMs, mayHoldTaps };
    });
}

/** Names of the kinds in a mask. */
export function kindsOf(kindsMask: number): string[] {
  return kindNames.filter((_, place) => (kindsMask & kindBit(place + 1)) !== 0);
}
