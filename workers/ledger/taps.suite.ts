import { Present, TapOffset, tapRecordBytes, TapRecords } from '../journal/tap-record.ts';
import { Ledger } from './ledger.ts';
import { Kind } from './kinds.ts';
import { TransferRecords } from './transfers.ts';

/** A tap as the gateway hands it in; what is left out is an online purchase by a known card. */
export interface TestTap {
  readonly readerId: number;
  readonly bootEpoch: number;
  readonly seq: number;
  readonly contentHash: number;
  readonly at: number;
  readonly schoolDay: number;
  readonly schoolId: number;
  readonly cardId: number;
  readonly kind: number;
  readonly amountKop: number;
  readonly readerFlags: number;
  readonly isReaderForbidden: boolean;
}

export const noon = 1_790_000_000_000;
export const today = 20_717;

export const plainTap: TestTap = {
  readerId: 70_001,
  bootEpoch: 1,
  seq: 1,
  contentHash: 77,
  at: noon,
  schoolDay: today,
  schoolId: 9,
  cardId: 501,
  kind: Kind.meal,
  amountKop: 0,
  readerFlags: 0,
  isReaderForbidden: false,
};

export function fillTap(records: TapRecords, row: number, tap: TestTap): void {
  records.u8.fill(0, row * tapRecordBytes, (row + 1) * tapRecordBytes);
  records.setU32(row, TapOffset.readerId, tap.readerId);
  records.setU32(row, TapOffset.bootEpoch, tap.bootEpoch);
  records.setU32(row, TapOffset.seq, tap.seq);
  records.setU32(row, TapOffset.contentHash, tap.contentHash);
  records.setI64(row, TapOffset.at, tap.at);
  records.setU16(row, TapOffset.schoolDay, tap.schoolDay);
  records.setU32(row, TapOffset.schoolId, tap.schoolId);
  records.setU32(row, TapOffset.cardId, tap.cardId);
  records.setU8(row, TapOffset.kind, tap.kind);
  records.setI64(row, TapOffset.amountKop, tap.amountKop);
  records.setU8(row, TapOffset.readerFlags, tap.readerFlags);
  records.setU8(row, TapOffset.present, tap.isReaderForbidden ? Present.readerForbidden : 0);
}

/** What a decided record says. */
export function outcomeOf(records: TapRecords, row: number) {
  const isShown = (records.getU8(row, TapOffset.present) & Present.balanceShown) !== 0;
  return {
    code: records.getU8(row, TapOffset.code),
    flags: records.getU16(row, TapOffset.flags),
    debitedKop: records.getI64(row, TapOffset.debitedKop),
    purse: records.getU8(row, TapOffset.purse),
    shownKop: isShown ? records.getI64(row, TapOffset.balanceKop) : null,
  };
}

/** A ledger with what its journal would hold, entry by entry. */
export class LedgerUnderTest {
  readonly ledger: Ledger;
  readonly transfers = new TransferRecords();
  readonly records = new TapRecords(new ArrayBuffer(tapRecordBytes));
  position = 1;

  constructor(shard = 3) {
    this.ledger = new Ledger(shard);
  }

  /** Decides one tap; `transfers` and `records` then hold what became of it. */
  decide(tap: TestTap): { fate: number } & ReturnType<typeof outcomeOf> {
    fillTap(this.records, 0, tap);
    this.transfers.clear();
    const fate = this.ledger.decide(this.records, 0, this.position, this.transfers);
    if (fate !== 1) this.position += 1;
    return { fate, ...outcomeOf(this.records, 0) };
  }
}
