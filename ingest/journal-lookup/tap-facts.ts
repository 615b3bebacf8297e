import { TapOffset, type TapRecords } from '../../workers/journal/tap-record.ts';
import { TransferCause } from '../../workers/journal/transfer-record.ts';
import { type JournalBlock, SectionType } from '../../workers/journal/types.ts';
import type { MovedTransfer, TapFacts } from '../../workers/ledger/command-types.ts';
import { readTransfers } from '../../workers/ledger/transfers.ts';

/** The taps of one block as commands take them: what a tap moved is written beside it. */
export class BlockFacts {
  readonly #block: JournalBlock;
  #moved: ReadonlyMap<number, MovedTransfer> | undefined;

  constructor(block: JournalBlock) {
    this.#block = block;
  }

  of(records: TapRecords, row: number): TapFacts {
    this.#moved ??= movedIn(this.#block);
    return factsOf(records, row, this.#moved.get(records.getI64(row, TapOffset.position)) ?? null);
  }
}

/** What the block's taps moved, by their positions. */
function movedIn(block: JournalBlock): ReadonlyMap<number, MovedTransfer> {
  const moved = new Map<number, MovedTransfer>();
  for (const { type, bytes } of block.sections) {
    if (type !== SectionType.transfers) continue;
    for (const { cause, causePosition, transferId, debitAccount, creditAccount, kop } of readTransfers(bytes)) {
      if (cause === TransferCause.tap) moved.set(causePosition, { transferId, debitAccount, creditAccount, kop });
    }
  }
  return moved;
}

function factsOf(records: TapRecords, row: number, transfer: MovedTransfer | null): TapFacts {
  const u8 = (offset: number) => records.getU8(row, offset);
  const u32 = (offset: number) => records.getU32(row, offset);
  return {
    position: records.getI64(row, TapOffset.position),
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
    atRaw: records.getI64(row, TapOffset.atRaw),
    cardId: u32(TapOffset.cardId),
    notice: u8(TapOffset.notice),
    clockQuality: u8(TapOffset.clockQuality),
    amountKop: records.getI64(row, TapOffset.amountKop),
    ref: u32(TapOffset.ref),
    basis: u8(TapOffset.basis),
    purse: u8(TapOffset.purse),
    transfer,
  };
}
