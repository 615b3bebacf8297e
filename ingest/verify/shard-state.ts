import { shardDirectory } from '../../workers/journal/cursor.ts';
import { FileStorage } from '../../workers/journal/file-storage.ts';
import { recoverJournal } from '../../workers/journal/recovery.ts';
import { readNewestSnapshot } from '../../workers/journal/snapshots.ts';
import { accountId, Owner } from '../../workers/journal/transfer-record.ts';
import { Ledger } from '../../workers/ledger/ledger.ts';
import { applyBlock } from '../../workers/shard/shard.ts';
import type { BookedDay } from '../../workers/ledger/state/day-book.ts';
import type { Totals } from '../../workers/pool/messages.ts';

/** What the ledger of a shard would say if the service ran: its newest snapshot and the journal behind it. Writes nothing. */
export function readShardTotals(journalDirectory: string, shard: number): Totals {
  const { ledger, position } = readShardLedger(journalDirectory, shard);
  return {
    position,
    sumKop: ledger.accounts.sumKop(),
    pupils: ledger.pupils.count,
    cards: ledger.cards.count,
    balances: [...ledger.accounts.balances((pupilId, purse) => accountId(Owner.pupil, pupilId, purse))],
  };
}

/** Every operator's days that the ledger of a shard keeps. */
export function readShardBook(journalDirectory: string, shard: number): BookedDay[] {
  return [...readShardLedger(journalDirectory, shard).ledger.book.days()];
}

function readShardLedger(journalDirectory: string, shard: number): { ledger: Ledger; position: number } {
  const storage = new FileStorage(shardDirectory(journalDirectory, shard), 'read');
  const snapshot = readNewestSnapshot(storage);
  const ledger = snapshot === undefined ? new Ledger(shard) : Ledger.load(shard, snapshot);
  const { place } = recoverJournal({
    storage,
    shard,
    from: snapshot?.place,
    apply: (block) => applyBlock(ledger, block),
    readOnly: true,
  });
  return { ledger, position: (place?.chain.firstPosition ?? 1) - 1 };
}
