import fs from 'node:fs';
import { shardDirectory, StorageCursor } from '../../workers/journal/cursor.ts';
import { FileStorage } from '../../workers/journal/file-storage.ts';
import { recoverJournal } from '../../workers/journal/recovery.ts';
import { segmentNumbers } from '../../workers/journal/segment.ts';
import { snapshotPositions } from '../../workers/journal/snapshots.ts';
import { type JournalBlock, SectionType } from '../../workers/journal/types.ts';
import { OperatorError } from '../../workers/errors.ts';
import type { DataDirectory } from '../data-directory.ts';

/** What one shard's journal is made of. */
export function inspectJournals(data: DataDirectory) {
  return shardsOf(data).map(({ shard, storage }) => {
    const counts = { blocks: 0, taps: 0, transfers: 0, commands: 0, quarantined: 0, last_position: 0, written_at: '' };
    const cursor = new StorageCursor(storage, shard, 0);
    for (let block = cursor.next(); block !== undefined; block = cursor.next()) {
      counts.blocks += 1;
      counts.taps += countOf(block, SectionType.taps);
      counts.transfers += countOf(block, SectionType.transfers);
      counts.commands += countOf(block, SectionType.commands);
      counts.quarantined += countOf(block, SectionType.quarantine);
      counts.last_position = block.lastPosition;
      counts.written_at = new Date(block.writtenAtMs).toISOString();
    }
    cursor.close();
    return { shard, segments: segmentNumbers(storage).length, snapshots: snapshotPositions(storage), ...counts };
  });
}

/** Checks every block from the journal's beginning, without changing anything. A running service may be writing. */
export function verifyJournals(data: DataDirectory) {
  const shards = shardsOf(data).map(({ shard, storage }) => {
    const result = { shard, ok: true, blocks: 0, last_position: 0, torn_bytes: 0, problem: '' };
    const apply = (block: JournalBlock) => {
      result.blocks += 1;
      result.last_position = block.lastPosition;
    };
    try {
      result.torn_bytes = recoverJournal({ storage, shard, from: undefined, apply, readOnly: true }).clearedBytes;
    } catch (error) {
      if (!(error instanceof OperatorError)) throw error;
      result.ok = false;
      result.problem = error.message;
    }
    return result;
  });
  return { ok: shards.every(({ ok }) => ok), shards };
}

function shardsOf(data: DataDirectory): { shard: number; storage: FileStorage }[] {
  return Array.from({ length: data.shards }, (_, shard) => shard)
    .filter((shard) => fs.existsSync(shardDirectory(data.journal, shard)))
    .map((shard) => ({ shard, storage: new FileStorage(shardDirectory(data.journal, shard), 'read') }));
}

function countOf(block: JournalBlock, type: number): number {
  return block.sections.find((section) => section.type === type)?.count ?? 0;
}
