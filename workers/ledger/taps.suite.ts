import { Present, TapOffset, tapRecordBytes, TapRecords } from '../journal/tap-record.ts';
import { accountId, Owner } from '../journal/transfer-record.ts';
import type { CommandAnswer, LedgerCommand, MovedTransfer, TapFacts } from './command-types.ts';
import { decideCommand } from './commands.ts';
import { Ledger } from './ledger.ts';
import { ClockQuality, Kind, ReaderFlag, TapFlag } from './kinds.ts';
import { readTransfers, type Transfer, TransferRecords } from './transfers.ts';

/** A tap as the gateway hands it in; what is left out is an online purchase by a known card. */
export interface TestTap {
  readonly readerId: number;
  readonly bootEpoch: number;
  readonly seq: number;
  readonly contentHash: number;
  readonly at: number;
  /** What the reader's clock showed; left out, the same. */
  readonly atRaw?: number;
  readonly schoolDay: number;
  readonly schoolId: number;
  readonly cardId: number;
  readonly kind: number;
  readonly amountKop: number;
  /** Item, locker or route; 0 for none. */
  readonly ref: number;
  readonly localMinute: number;
  readonly clockQuality: number;
  readonly readerFlags: number;
  /** The version of the rules that the reader told last. */
  readonly toldRules: number;
  readonly isReaderForbidden: boolean;
  /** Taken in more than 5 min after it was made. */
  readonly isLate: boolean;
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
  ref: 0,
  localMinute: 12 * 60,
  clockQuality: ClockQuality.A,
  readerFlags: 0,
  toldRules: 1,
  isReaderForbidden: false,
  isLate: false,
};

export function fillTap(records: TapRecords, row: number, tap: TestTap): void {
  records.u8.fill(0, row * tapRecordBytes, (row + 1) * tapRecordBytes);
  records.setU32(row, TapOffset.readerId, tap.readerId);
  records.setU32(row, TapOffset.bootEpoch, tap.bootEpoch);
  records.setU32(row, TapOffset.seq, tap.seq);
  records.setU32(row, TapOffset.contentHash, tap.contentHash);
  records.setI64(row, TapOffset.at, tap.at);
  records.setI64(row, TapOffset.atRaw, tap.atRaw ?? tap.at);
  records.setU16(row, TapOffset.schoolDay, tap.schoolDay);
  records.setU32(row, TapOffset.schoolId, tap.schoolId);
  records.setU32(row, TapOffset.cardId, tap.cardId);
  records.setU8(row, TapOffset.kind, tap.kind);
  records.setI64(row, TapOffset.amountKop, tap.amountKop);
  records.setU32(row, TapOffset.ref, tap.ref);
  records.setU16(row, TapOffset.localMinute, tap.localMinute);
  records.setU8(row, TapOffset.clockQuality, tap.clockQuality);
  records.setU8(row, TapOffset.readerFlags, tap.readerFlags);
  records.setU16(row, TapOffset.flags, gatewayFlags(tap));
  records.setU32(row, TapOffset.rulesVersion, tap.toldRules);
  const isForbidden = tap.isReaderForbidden ? Present.readerForbidden : 0;
  const sent = (tap.amountKop > 0 ? Present.amount : 0) | (tap.ref > 0 ? Present.ref : 0);
  records.setU8(row, TapOffset.present, isForbidden | sent);
}

/** The flags that the gateway sets from what the reader sent. */
function gatewayFlags({ readerFlags, isLate }: TestTap): number {
  const isOffline = (readerFlags & (ReaderFlag.letThrough | ReaderFlag.refused)) !== 0;
  const isByHand = (readerFlags & ReaderFlag.byHand) !== 0;
  return (isOffline ? TapFlag.offline : 0) | (isByHand ? TapFlag.manual : 0) | (isLate ? TapFlag.late : 0);
}

/** What a decided record says. */
export function outcomeOf(records: TapRecords, row: number) {
  const isShown = (records.getU8(row, TapOffset.present) & Present.balanceShown) !== 0;
  return {
    code: records.getU8(row, TapOffset.code),
    flags: records.getU16(row, TapOffset.flags),
    rulesVersion: records.getU32(row, TapOffset.rulesVersion),
    amountKop: records.getI64(row, TapOffset.amountKop),
    basis: records.getU8(row, TapOffset.basis),
    notice: records.getU8(row, TapOffset.notice),
    debitedKop: records.getI64(row, TapOffset.debitedKop),
    purse: records.getU8(row, TapOffset.purse),
    shownKop: isShown ? records.getI64(row, TapOffset.balanceKop) : null,
  };
}

function pickedOf({ transferId, debitAccount, creditAccount, kop }: Transfer): MovedTransfer {
  return { transferId, debitAccount, creditAccount, kop };
}

/** A ledger with what its journal would hold, entry by entry. */
export class LedgerUnderTest {
  ledger: Ledger;
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

  /** Decides a command and does it; `transfers` then hold what it moved. */
  command(command: LedgerCommand): CommandAnswer {
    this.transfers.clear();
    const { answer, movements } = decideCommand(this.ledger, command, this.position);
    if (!answer.ok || answer.isRepeat) return answer;
    this.position += 1;
    this.ledger.applyCommand(answer.outcome);
    for (const movement of movements) {
      this.transfers.append(movement);
      this.ledger.accounts.apply(movement);
    }
    return answer;
  }

  mustDo(command: LedgerCommand): void {
    const answer = this.command(command);
    if (!answer.ok) throw new Error(`${command.type}: ${answer.refusal}`);
  }

  /** Kopecks of every account that has any. */
  kopByAccount(): Map<number, number> {
    const accounts = this.ledger.accounts.balances((id, purse) => accountId(Owner.pupil, id, purse));
    return new Map(accounts);
  }

  /** What the journal holds of the tap that was decided last, as one who asks for its reversal finds it. */
  facts(): TapFacts {
    const { records } = this;
    const u8 = (offset: number) => records.getU8(0, offset);
    const u32 = (offset: number) => records.getU32(0, offset);
    const [moved] = readTransfers(this.transfers.bytes);
    return {
      position: records.getI64(0, TapOffset.position),
      readerId: u32(TapOffset.readerId),
      bootEpoch: u32(TapOffset.bootEpoch),
      seq: u32(TapOffset.seq),
      kind: u8(TapOffset.kind),
      code: u8(TapOffset.code),
      readerFlags: u8(TapOffset.readerFlags),
      pupilId: u32(TapOffset.pupilId),
      schoolId: u32(TapOffset.schoolId),
      schoolDay: records.getU16(0, TapOffset.schoolDay),
      at: records.getI64(0, TapOffset.at),
      atRaw: records.getI64(0, TapOffset.atRaw),
      cardId: u32(TapOffset.cardId),
      notice: u8(TapOffset.notice),
      clockQuality: u8(TapOffset.clockQuality),
      amountKop: records.getI64(0, TapOffset.amountKop),
      ref: u32(TapOffset.ref),
      basis: u8(TapOffset.basis),
      purse: u8(TapOffset.purse),
      transfer: moved === undefined ? null : pickedOf(moved),
    };
  }
}
