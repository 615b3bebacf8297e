import { Present, TapOffset, type TapRecords } from '../../workers/journal/tap-record.ts';
import type { JournalBlock } from '../../workers/journal/types.ts';
import { decisionCodes } from '../../workers/ledger/codes.ts';
import type { Explanation, SumsByPurse } from '../../workers/ledger/explain.ts';
import { kindNames, NoticeKind, purseNames } from '../../workers/ledger/kinds.ts';
import type { Transfer } from '../../workers/ledger/transfers.ts';
import { accountName, causeName, dateOf, flagNames, timeOf } from './names.ts';

/** What one record says. */
export type RecordDescription = ReturnType<typeof describeRecord>;

export function describeRecord(records: TapRecords, row: number, block: JournalBlock, isQuarantined: boolean) {
  return {
    tap: describeIdentity(records, row),
    input: describeInput(records, row),
    time: describeTime(records, row),
    who: describeWho(records, row),
    decision: { ...describeDecision(records, row), quarantined: isQuarantined },
    journal: {
      shard: block.shard,
      position: records.getI64(row, TapOffset.position),
      block: block.blockNumber,
      written: timeOf(block.writtenAtMs),
    },
  };
}

function describeIdentity(records: TapRecords, row: number) {
  const u32 = (offset: number) => records.getU32(row, offset);
  return { reader: u32(TapOffset.readerId), boot_epoch: u32(TapOffset.bootEpoch), seq: u32(TapOffset.seq) };
}

function describeInput(records: TapRecords, row: number) {
  const present = records.getU8(row, TapOffset.present);
  const amountKop = records.getI64(row, TapOffset.amountKop);
  return {
    kind: kindNames[records.getU8(row, TapOffset.kind) - 1],
    uid: Buffer.from(records.uid(row)).toString('hex').toUpperCase(),
    /** The price: what was asked, or where nothing was, what the rules say. */
    amount_kop: amountKop,
    asked_kop: (present & Present.amount) === 0 ? null : amountKop,
    ref: records.getU32(row, TapOffset.ref),
    reader_flags: records.getU8(row, TapOffset.readerFlags),
  };
}

function describeTime(records: TapRecords, row: number) {
  return {
    raw: timeOf(records.getI64(row, TapOffset.atRaw)),
    corrected: timeOf(records.getI64(row, TapOffset.at)),
    received: timeOf(records.getI64(row, TapOffset.receivedAt)),
    clock_quality: ['', 'A', 'B', 'D'][records.getU8(row, TapOffset.clockQuality)],
    school_day: dateOf(records.getU16(row, TapOffset.schoolDay)),
    local_minute: records.getU16(row, TapOffset.localMinute),
  };
}

function describeWho(records: TapRecords, row: number) {
  const u32 = (offset: number) => records.getU32(row, offset);
  return {
    school: u32(TapOffset.schoolId),
    pupil: u32(TapOffset.pupilId),
    card: u32(TapOffset.cardId),
    home_school: u32(TapOffset.homeSchoolId),
    class: u32(TapOffset.classId),
  };
}

function describeDecision(records: TapRecords, row: number) {
  const number = records.getU8(row, TapOffset.code);
  const code = decisionCodes.find((candidate) => candidate.code === number);
  const notice = records.getU8(row, TapOffset.notice);
  return {
    code: number,
    name: code?.name,
    meaning: code?.meaning,
    reader_shows: code?.readerShows,
    parent_told: code?.parentTold ?? null,
    flags: flagNames(records.getU16(row, TapOffset.flags)),
    rules_version: records.getU32(row, TapOffset.rulesVersion),
    debited_kop: records.getI64(row, TapOffset.debitedKop),
    balance_kop: records.getI64(row, TapOffset.balanceKop),
    balance_shown: (records.getU8(row, TapOffset.present) & Present.balanceShown) !== 0,
    purse: purseNames[records.getU8(row, TapOffset.purse) - 1] ?? null,
    basis: records.getU8(row, TapOffset.basis),
    notice: Object.entries(NoticeKind).find(([, kind]) => kind === notice)?.[0] ?? String(notice),
  };
}

export type Leg = ReturnType<typeof describeLeg>;

/** One movement of kopecks, and the position of what made it. */
export function describeLeg({ transferId, causePosition, debitAccount, creditAccount, kop, cause, at }: Transfer) {
  return {
    transfer: transferId,
    cause: causeName(cause),
    position: causePosition,
    debit: accountName(debitAccount),
    credit: accountName(creditAccount),
    kop,
    at: timeOf(at),
  };
}

/** The judgement, made again before the tap: what it looked at, in the order of the rules. */
export function describeJudgement(explanation: Explanation) {
  const { card, holder, rules } = explanation;
  return {
    card: card && {
      card: card.card,
      pupil: card.pupil,
      status: card.status,
      expires: card.expiresDay === 0 ? null : dateOf(card.expiresDay),
    },
    holder: holder && {
      pupil: holder.pupil,
      school: holder.school,
      class: holder.class,
      shift: holder.shift,
      active: holder.active,
      entitled: holder.entitled,
      spent_kop: holder.spentKop,
      limits_kop: holder.limitsKop,
      entitlements_taken: holder.entitlementsTaken,
      forbidden_items: holder.forbiddenItems,
      inside_school: holder.insideSchool,
    },
    rules,
  };
}

export interface BalancesAround {
  readonly before: SumsByPurse;
  readonly after: SumsByPurse;
}
