import { Present, TapOffset, type TapRecords } from '../journal/tap-record.ts';
import { ReaderFlag } from './kinds.ts';

/** One tap before the rules: read from its record into numbers, used again for every tap. */
export class TapCase {
  kind = 0;
  readerId = 0;
  bootEpoch = 0;
  seq = 0;
  contentHash = 0;
  at = 0;
  schoolDay = 0;
  schoolId = 0;
  cardId = 0;
  amountKop = 0;
  readerFlags = 0;
  isReaderForbidden = false;
  /** Row of the card and of its holder in the shard, -1 if unknown; set by the card rule. */
  cardRow = -1;
  pupilRow = -1;

  load(records: TapRecords, row: number): void {
    this.kind = records.getU8(row, TapOffset.kind);
    this.readerId = records.getU32(row, TapOffset.readerId);
    this.bootEpoch = records.getU32(row, TapOffset.bootEpoch);
    this.seq = records.getU32(row, TapOffset.seq);
    this.contentHash = records.getU32(row, TapOffset.contentHash);
    this.at = records.getI64(row, TapOffset.at);
    this.schoolDay = records.getU16(row, TapOffset.schoolDay);
    this.schoolId = records.getU32(row, TapOffset.schoolId);
    this.cardId = records.getU32(row, TapOffset.cardId);
    this.amountKop = records.getI64(row, TapOffset.amountKop);
    this.readerFlags = records.getU8(row, TapOffset.readerFlags);
    this.isReaderForbidden = (records.getU8(row, TapOffset.present) & Present.readerForbidden) !== 0;
    this.cardRow = -1;
    this.pupilRow = -1;
  }

  /** The reader has already let the child through or sold: a deed that stands. */
  get isDone(): boolean {
    return (this.readerFlags & ReaderFlag.letThrough) !== 0;
  }

  /** The reader has already refused, and did not let through: nothing moves any more. */
  get isRefusedByReader(): boolean {
    return !this.isDone && (this.readerFlags & ReaderFlag.refused) !== 0;
  }

  get isByHand(): boolean {
    return (this.readerFlags & ReaderFlag.byHand) !== 0;
  }
}
