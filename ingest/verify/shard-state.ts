import { shardDirectory } from '../../workers/journal/cursor.ts';
import { FileStorage } from '../../workers/journal/file-storage.ts';
import { recoverJournal } from '../../workers/journal/recovery.ts';
import { readNewestSnapshot } from '../../workers/journal/snapshots.ts';
import { accountId, Owner } from '../../workers/journal/transfer-record.ts';
import { Ledger } from '../../workers/ledger/ledger.ts';
import { applyBlock } from '../../workers/shard/shard.ts';
import type { Totals } from '../../workers/pool/messages.ts';

/** What the ledger of a shard would say if the service ran: its newest snapshot and the journal behind it. Writes nothing. */
export function readShardTotals(journalDirectory: string, shard: number): Totals {
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
  return {
    position: (place?.chain.firstPosition ?? 1) - 1,
    sumKop: ledger.accounts.sumKop(),
    pupils: ledger.pupils.count,
    cards: ledger.cards.count,
    balances: [...ledger.accounts.balances((pupilId, purse) => accountId(Owner.pupil, pupilId, purse))],
  };
}
