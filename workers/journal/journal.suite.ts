import type { SectionToWrite } from './block.ts';
import { blockBytesMax, segmentHeaderBytes } from './limits.ts';
import { MemoryStorage } from './memory-storage.ts';
import { type Recovered, recoverJournal } from './recovery.ts';
import type { Storage } from './storage.ts';
import { type JournalBlock, SectionType } from './types.ts';
import { JournalWriter } from './writer.ts';

/** What the tests of the journal share: small journals, and blocks as values that can be compared. */

export const testShard = 3;
export const testSegmentBytes = segmentHeaderBytes + blockBytesMax;
export const noon = 1_790_000_000_000;

/** A block without the views that die with the next read. */
export type BlockValue = Omit<JournalBlock, 'sections'> & { sections: { type: number; count: number; text: string }[] };

export function valueOf(block: JournalBlock): BlockValue {
  const sections = block.sections.map(({ type, count, bytes }) => ({
    type,
    count,
    text: Buffer.from(bytes).toString('latin1'),
  }));
  return { ...block, sections };
}

/** One section whose content tells which block it belongs to. */
export function sectionsOf(tag: number, bytes = 21): SectionToWrite[] {
  return [{ type: SectionType.commands, count: 1, bytes: new Uint8Array(bytes).fill(tag % 255 || 255) }];
}

/** Reads all that is there, as values. */
export function recoverAll(storage: Storage, readOnly = false): Recovered & { values: BlockValue[] } {
  const values: BlockValue[] = [];
  const apply = (block: JournalBlock) => void values.push(valueOf(block));
  const recovered = recoverJournal({ storage, shard: testShard, from: undefined, apply, readOnly });
  return { ...recovered, values };
}

/** Recovers and goes on writing. */
export function openWriter(storage: Storage): JournalWriter {
  return JournalWriter.open(storage, testShard, recoverAll(storage).place, testSegmentBytes);
}

export function errno(code: string): Error {
  return Object.assign(new Error(`${code} as planted`), { code });
}

/** A disk that holds these files, synced. */
export function diskOf(files: Iterable<readonly [string, Uint8Array]>): MemoryStorage {
  const storage = new MemoryStorage();
  for (const [name, bytes] of files) {
    const file = storage.create(name);
    file.write(bytes, 0);
    file.sync();
  }
  storage.syncDirectory();
  return storage;
}
