import { hasErrno } from '../../workers/errors.ts';
import { shardDirectory } from '../../workers/journal/cursor.ts';
import { FileStorage } from '../../workers/journal/file-storage.ts';
import { readNewestSnapshot } from '../../workers/journal/snapshots.ts';
import { isLoadable } from '../../workers/ledger/ledger-snapshot.ts';
import { Ledger } from '../../workers/ledger/ledger.ts';
import type { TapIdentity } from '../../workers/pool/messages.ts';
import { blocksOf, identityKey, searchTaps } from '../journal-lookup/journal-search.ts';
import { type ExplainedTap, ShardReplay } from './shard-replay.ts';

export interface ExplainRequest {
  /** Folder of all journals. */
  readonly directory: string;
  /** The last durable position of each shard; Infinity where no service writes. */
  readonly durablePositions: readonly number[];
  readonly taps: readonly TapIdentity[];
  /** Where the taps are, as far as that is known; the others are searched for. */
  readonly places?: readonly (Place | undefined)[];
}

export interface Place {
  readonly shard: number;
  readonly position: number;
}

/** Told now and then how far the journals are read. */
export type OnProgress = (shard: number, position: number) => void;

/**
 * Everything that the journals know of these taps, their decisions made again; undefined for a tap that is not there. Each
 * shard's journal is read once more than it is searched, however many taps are asked for.
 */
export function explainFromJournal(request: ExplainRequest, onProgress?: OnProgress): (ExplainedTap | undefined)[] {
  const places = findPlaces(request);
  const explained = new Map<string, ExplainedTap>();
  request.durablePositions.forEach((durablePosition, shard) => {
    const wanted = places.filter((place) => place?.shard === shard).map((place) => place!.position);
    if (wanted.length === 0) return;
    for (const one of explainShard(request.directory, shard, durablePosition, wanted, onProgress)) {
      const { reader: readerId, boot_epoch: bootEpoch, seq } = one.tap;
      explained.set(identityKey({ readerId, bootEpoch, seq }), one);
    }
  });
  return request.taps.map((tap) => explained.get(identityKey(tap)));
}

function findPlaces({ directory, durablePositions, taps, places = [] }: ExplainRequest): (Place | undefined)[] {
  const found = taps.map((_, index) => places[index]);
  durablePositions.forEach((lastPosition, shard) => {
    const missing = found.flatMap((place, index) => (place === undefined ? index : []));
    if (missing.length === 0) return;
    const stretch = { shard, firstPosition: 1, lastPosition };
    const identities = missing.map((index) => taps[index]);
    searchTaps(directory, stretch, identities).forEach((facts, place) => {
      if (facts !== undefined) found[missing[place]] = { shard, position: facts.position };
    });
  });
  return found;
}

/** Replays from the last snapshot before the first tap to the end: an OUTCOME or a reversal may come long afterwards. */
function explainShard(
  directory: string,
  shard: number,
  durablePosition: number,
  positions: readonly number[],
  onProgress?: OnProgress,
): ExplainedTap[] {
  const { ledger, position } = ledgerBefore(directory, shard, Math.min(...positions));
  const replay = new ShardReplay(ledger, positions);
  for (const block of blocksOf(directory, { shard, firstPosition: position + 1, lastPosition: durablePosition })) {
    replay.take(block);
    onProgress?.(shard, block.lastPosition);
  }
  return replay.explained();
}

function ledgerBefore(directory: string, shard: number, position: number): { ledger: Ledger; position: number } {
  const snapshot = snapshotBefore(directory, shard, position);
  if (snapshot === undefined || !isLoadable(snapshot.meta)) return { ledger: new Ledger(shard), position: 0 };
  return { ledger: Ledger.load(shard, snapshot), position: snapshot.place.chain.firstPosition - 1 };
}

function snapshotBefore(directory: string, shard: number, position: number) {
  try {
    return readNewestSnapshot(new FileStorage(shardDirectory(directory, shard), 'read'), position - 1);
  } catch (error) {
    // The service has just replaced it by a newer one, which is of no use here.
    if (hasErrno(error, 'ENOENT')) return undefined;
    throw error;
  }
}
