import { Present, TapOffset, type TapRecords } from '../journal/tap-record.ts';
import type { TapFacts } from './command-types.ts';
import { ClockQuality, Kind, ReaderFlag } from './kinds.ts';
import type { SchoolRules } from './rules/school-rules.ts';

/**
 * One tap before the rules, read from its record into numbers and used again for every tap; and what the rules find out on
 * their way: who it is, what it costs, who would pay.
 */
export class TapCase {
  kind = 0;
  readerId = 0;
  bootEpoch = 0;
  seq = 0;
  contentHash = 0;
  at = 0;
  atRaw = 0;
  schoolDay = 0;
  localMinute = 0;
  schoolId = 0;
  cardId = 0;
  /** Kopecks that the reader asked, 0 for none. */
  amountKop = 0;
  ref = 0;
  readerFlags = 0;
  clockQuality = 0;
  isReaderForbidden = false;
  /** The rules of the reader's school. */
  rules!: SchoolRules;
  /** Row of the card and of its holder in the shard, -1 if unknown. */
  cardRow = -1;
  pupilRow = -1;
  pupilId = 0;
  priceKop = 0;
  /** The purse that pays, or would. */
  purse = 0;
  /** Whether that purse can: 0 no, 1 it holds the price, 2 it goes below zero as far as the rules let it. */
  payment = 0;
  /** What the tap rests on if it goes through: a meal's window, or FareBasis. */
  basis = 0;
  /** The open meal window, 0 if none. */
  window = 0;
  windowGivesEntitlement = false;

  load(records: TapRecords, row: number): void {
    this.kind = records.getU8(row, TapOffset.kind);
    this.readerId = records.getU32(row, TapOffset.readerId);
    this.bootEpoch = records.getU32(row, TapOffset.bootEpoch);
    this.seq = records.getU32(row, TapOffset.seq);
    this.contentHash = records.getU32(row, TapOffset.contentHash);
    this.at = records.getI64(row, TapOffset.at);
    this.atRaw = records.getI64(row, TapOffset.atRaw);
    this.schoolDay = records.getU16(row, TapOffset.schoolDay);
    this.localMinute = records.getU16(row, TapOffset.localMinute);
    this.schoolId = records.getU32(row, TapOffset.schoolId);
    this.cardId = records.getU32(row, TapOffset.cardId);
    this.amountKop = records.getI64(row, TapOffset.amountKop);
    this.ref = records.getU32(row, TapOffset.ref);
    this.readerFlags = records.getU8(row, TapOffset.readerFlags);
    this.clockQuality = records.getU8(row, TapOffset.clockQuality);
    this.isReaderForbidden = (records.getU8(row, TapOffset.present) & Present.readerForbidden) !== 0;
    this.#clearFindings();
  }

  /** The tap again, as far as its price and its payer need it. */
  loadFacts(facts: TapFacts): void {
    const { kind, readerId, at, schoolDay, schoolId, amountKop, ref, pupilId } = facts;
    Object.assign(this, { kind, readerId, at, schoolDay, schoolId, amountKop, ref });
    this.#clearFindings();
    this.pupilId = pupilId;
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

  /** Nobody knows when it was: no rule of time may harm the child. */
  get isDoubtful(): boolean {
    return this.clockQuality === ClockQuality.D;
  }

  get isGate(): boolean {
    return this.kind <= Kind.gateOut;
  }

  #clearFindings(): void {
    this.cardRow = -1;
    this.pupilRow = -1;
    this.pupilId = 0;
    this.priceKop = 0;
    this.purse = 0;
    this.payment = 0;
    this.basis = 0;
    this.window = 0;
    this.windowGivesEntitlement = false;
  }
}
