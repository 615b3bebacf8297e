import { TapOffset, type TapRecords } from '../../workers/journal/tap-record.ts';
import { TransferCause } from '../../workers/journal/transfer-record.ts';
import { type JournalBlock, SectionType } from '../../workers/journal/types.ts';
import type { MovedTransfer, TapFacts } from '../../workers/ledger/command-types.ts';
import { readTransfers } from '../../workers/ledger/transfers.ts';

/** What a tap's record and its transfer say, as commands take it. */
export function factsOf(records: TapRecords, row: number, block: JournalBlock): TapFacts {
  const u8 = (offset: number) => records.getU8(row, offset);
  const u32 = (offset: number) => records.getU32(row, offset);
  const position = records.getI64(row, TapOffset.position);
  return {
    position,
    readerId: u32(TapOffset.readerId),
    bootEpoch: u32(TapOffset.bootEpoch),
    seq: u32(TapOffset.seq),
    kind: u8(TapOffset.kind),
    code: u8(TapOffset.code),
    readerFlags: u8(TapOffset.readerFlags),
    // The gateway may name a pupil for a card that the shard did not know: nobody's, when it was decided.
    pupilId: u32(TapOffset.homeSchoolId) === 0 ? 0 : u32(TapOffset.pupilId),
    schoolId: u32(TapOffset.schoolId),
    schoolDay: records.getU16(row, TapOffset.schoolDay),
    at: records.getI64(row, TapOffset.at),
    clockQuality: u8(TapOffset.clockQuality),
    amountKop: records.getI64(row, TapOffset.amountKop),
    ref: u32(TapOffset.ref),
    basis: u8(TapOffset.basis),
    purse: u8(TapOffset.purse),
    transfer: movedBy(block, position),
  };
}

/** A tap and what it moved are written in one block. */
function movedBy(block: JournalBlock, position: number): MovedTransfer | null {
  const section = block.sections.find(({ type }) => type === SectionType.transfers);
  if (section === undefined) return null;
  for (const { cause, causePosition, transferId, debitAccount, creditAccount, kop } of readTransfers(section.bytes)) {
    if (cause !== TransferCause.tap || causePosition !== position) continue;
    return { transferId, debitAccount, creditAccount, kop };
  }
  return null;
}
