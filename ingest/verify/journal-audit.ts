import { openJournalCursor } from '../../workers/journal/cursor.ts';
import { TapOffset, TapRecords } from '../../workers/journal/tap-record.ts';
import { TransferOffset, transferRecordBytes } from '../../workers/journal/transfer-record.ts';
import { type JournalBlock, SectionType } from '../../workers/journal/types.ts';
import type { IdentitySet } from './identities.ts';

/** What one shard's journal holds up to a position, added up without the ledger's code. */
export interface ShardAudit {
  readonly shard: number;
  lastPosition: number;
  taps: number;
  /** Of them those of school days that ClickHouse keeps no taps of: the sums that it is held against are without them. */
  expired: number;
  quarantined: number;
  /** Quarantined taps with an identity of their own (answered 93): acknowledged, yet no decided taps. */
  forbidden: number;
  transfers: number;
  /** Identities that were decided more than once. */
  doubled: number;
  debitedKop: number;
  sumPosition: number;
  sumSeq: number;
  sumBalanceKop: number;
  transferKop: number;
  /** Taps by `kind:code`. */
  readonly byKindAndCode: Map<string, number>;
  readonly balances: Map<number, number>;
  readonly problems: string[];
}

const problemsMax = 20;

/**
 * Reads a shard's journal up to `untilPosition` (all of it if undefined) and adds it up. Taps of school days before
 * `firstTapDay` (days since 1970) are expired.
 */
export function auditShard(
  journalDirectory: string,
  shard: number,
  untilPosition: number | undefined,
  identities: IdentitySet,
  firstTapDay = 0,
): ShardAudit {
  const audit: ShardAudit = {
    shard,
    lastPosition: 0,
    taps: 0,
    expired: 0,
    quarantined: 0,
    forbidden: 0,
    transfers: 0,
    doubled: 0,
    debitedKop: 0,
    sumPosition: 0,
    sumSeq: 0,
    sumBalanceKop: 0,
    transferKop: 0,
    byKindAndCode: new Map(),
    balances: new Map(),
    problems: [],
  };
  const cursor = openJournalCursor(journalDirectory, shard, 0);
  try {
    for (let block = cursor.next(); block !== undefined; block = cursor.next()) {
      if (untilPosition !== undefined && block.lastPosition > untilPosition) break;
      auditBlock(audit, block, { identities, firstTapDay });
    }
  } finally {
    cursor.close();
  }
  return audit;
}

interface Context {
  readonly identities: IdentitySet;
  readonly firstTapDay: number;
}

function auditBlock(audit: ShardAudit, block: JournalBlock, context: Context): void {
  if (block.firstPosition !== audit.lastPosition + 1) {
    problem(audit, `positions ${audit.lastPosition + 1} to ${block.firstPosition - 1} are missing`);
  }
  audit.lastPosition = block.lastPosition;
  const moved: Moved = { fromPupils: new Map(), fromOthers: new Map() };
  for (const section of block.sections) {
    if (section.type === SectionType.transfers) auditTransfers(audit, section.bytes, moved);
  }
  for (const section of block.sections) {
    if (section.type !== SectionType.taps && section.type !== SectionType.quarantine) continue;
    const records = new TapRecords(section.bytes.buffer, section.bytes.byteOffset, section.count);
    for (let row = 0; row < section.count; row++) {
      if (section.type === SectionType.taps) auditTap(audit, records, row, moved, context);
      else auditQuarantined(audit, records, row, context.identities);
    }
  }
}

/** Kopecks of a block's transfers by the position behind them: out of pupils' purses, and out of funds. */
interface Moved {
  readonly fromPupils: Map<number, number>;
  readonly fromOthers: Map<number, number>;
}

/** Accounts of pupils are those whose number begins with owner 1. */
const pupilAccountsFrom = 2 ** 40;
const pupilAccountsTo = 2 * 2 ** 40;
const acceptedEntitled = 11;

function auditTransfers(audit: ShardAudit, bytes: Uint8Array, moved: Moved): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  for (let start = 0; start < bytes.length; start += transferRecordBytes) {
    const read = (offset: number) => Number(view.getBigInt64(start + offset, true));
    const kop = read(TransferOffset.kop);
    const debit = read(TransferOffset.debitAccount);
    const credit = read(TransferOffset.creditAccount);
    const cause = read(TransferOffset.causePosition);
    if (kop <= 0) problem(audit, `transfer ${read(TransferOffset.transferId)} moves ${kop} kopecks`);
    audit.balances.set(debit, (audit.balances.get(debit) ?? 0) - kop);
    audit.balances.set(credit, (audit.balances.get(credit) ?? 0) + kop);
    audit.transfers += 1;
    audit.transferKop += kop;
    const isPupils = debit >= pupilAccountsFrom && debit < pupilAccountsTo;
    const from = isPupils ? moved.fromPupils : moved.fromOthers;
    from.set(cause, (from.get(cause) ?? 0) + kop);
  }
}

function auditTap(audit: ShardAudit, records: TapRecords, row: number, moved: Moved, context: Context): void {
  const position = records.getI64(row, TapOffset.position);
  const seq = records.getU32(row, TapOffset.seq);
  const debitedKop = records.getI64(row, TapOffset.debitedKop);
  audit.taps += 1;
  if (records.getU16(row, TapOffset.schoolDay) < context.firstTapDay) audit.expired += 1;
  else addUp(audit, records, row);
  const [fromPupil, fromFund] = [moved.fromPupils.get(position) ?? 0, moved.fromOthers.get(position) ?? 0];
  if (fromPupil !== debitedKop) {
    problem(audit, `the tap at position ${position} debited ${debitedKop}, its transfers ${fromPupil}`);
  }
  const isFunds = records.getU8(row, TapOffset.code) === acceptedEntitled;
  if (fromFund !== 0 && !(isFunds && fromFund === records.getI64(row, TapOffset.amountKop))) {
    problem(audit, `the tap at position ${position} moved ${fromFund} that no entitlement explains`);
  }
  const readerId = records.getU32(row, TapOffset.readerId);
  if (!context.identities.add(readerId, records.getU32(row, TapOffset.bootEpoch), seq)) {
    audit.doubled += 1;
    problem(audit, `position ${position} decides reader ${readerId} seq ${seq} a second time`);
  }
}

/** What ClickHouse's rows are held against. */
function addUp(audit: ShardAudit, records: TapRecords, row: number): void {
  audit.sumPosition += records.getI64(row, TapOffset.position);
  audit.sumSeq += records.getU32(row, TapOffset.seq);
  audit.debitedKop += records.getI64(row, TapOffset.debitedKop);
  audit.sumBalanceKop += records.getI64(row, TapOffset.balanceKop);
  const key = `${records.getU8(row, TapOffset.kind)}:${records.getU8(row, TapOffset.code)}`;
  audit.byKindAndCode.set(key, (audit.byKindAndCode.get(key) ?? 0) + 1);
}

function auditQuarantined(audit: ShardAudit, records: TapRecords, row: number, identities: IdentitySet): void {
  audit.quarantined += 1;
  const readerId = records.getU32(row, TapOffset.readerId);
  // A conflict (91) has the identity of a tap that is there already; a forbidden kind (93) has its own.
  const isNew = identities.add(readerId, records.getU32(row, TapOffset.bootEpoch), records.getU32(row, TapOffset.seq));
  if (isNew) audit.forbidden += 1;
}

function problem(audit: ShardAudit, text: string): void {
  if (audit.problems.length < problemsMax) audit.problems.push(`shard ${audit.shard}: ${text}`);
}
