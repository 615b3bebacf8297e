import type { ReaderState } from '../gateway/reader-state.ts';
import { namesOfKinds } from '../registry/fields.ts';
import type { Registry } from '../registry/store.ts';
import { explainedPerQueryMax } from './limits.ts';
import { timeOf } from './names.ts';

/** A reader as the registry has it now. */
export interface ReaderFacts {
  readonly school: number;
  readonly place: string;
  readonly kinds: readonly string[];
  readonly revoked: boolean;
}

export async function readReaders(
  registry: Registry,
  readerIds: readonly number[],
): Promise<ReadonlyMap<number, ReaderFacts>> {
  const facts = new Map<number, ReaderFacts>();
  for (let from = 0; from < readerIds.length; from += explainedPerQueryMax) {
    const rows = await registry.db
      .selectFrom('reader')
      .select(['reader_id', 'school_id', 'place', 'kinds_mask', 'revoked'])
      .where('reader_id', 'in', readerIds.slice(from, from + explainedPerQueryMax))
      .execute();
    for (const { reader_id: id, school_id: school, place, kinds_mask: kinds, revoked } of rows) {
      facts.set(id, { school, place, kinds: namesOfKinds(kinds), revoked: revoked === 1 });
    }
  }
  return facts;
}

/** A reader as the running service has it at this moment. */
export type LiveReader = ReturnType<typeof describeLiveReader>;

export function describeLiveReader(state: ReaderState | undefined) {
  if (state === undefined) return { connected: false, ...neverSeen };
  return {
    connected: state.connection !== undefined,
    connected_since: timeOrNull(state.connection === undefined ? 0 : state.connectedSinceMs),
    last_seen: timeOrNull(state.lastSeenMs),
    boot_epoch: state.bootEpoch,
    durable_seq: state.durableSeq,
    queued: state.beat?.queued ?? null,
    firmware: state.firmware === '' ? null : state.firmware,
    rules_version: state.lastSeenMs === 0 ? null : state.rulesVersion,
    clock_offset_ms: state.lastSeenMs === 0 ? null : state.clock.offsetMs,
  };
}

const neverSeen = {
  connected_since: null,
  last_seen: null,
  boot_epoch: null,
  durable_seq: null,
  queued: null,
  firmware: null,
  rules_version: null,
  clock_offset_ms: null,
};

function timeOrNull(ms: number): string | null {
  return ms === 0 ? null : timeOf(ms);
}
