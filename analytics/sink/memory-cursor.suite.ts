import type { JournalCursor } from '../../workers/journal/types.ts';
import { MemoryJournal } from './memory-journal.suite.ts';

const blocksMax = 60;

/** The same journal each time it is made: blocks of 100 taps and 20 transfers. */
export function madeJournal(shard: number): MemoryJournal {
  const journal = new MemoryJournal(shard);
  for (let block = 0; block < blocksMax; block++) {
    journal.append({ taps: 100, transfers: 20, commands: 1, quarantined: 0, dayOf: () => 20_590 });
  }
  return journal;
}

/** Stands in for the module that reads journals from files. */
export function openJournalCursor(_journalDirectory: string, shard: number, afterPosition: number): JournalCursor {
  return madeJournal(shard).openCursor(afterPosition);
}
