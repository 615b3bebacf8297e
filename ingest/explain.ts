import { openJournalCursor } from '../workers/journal/cursor.ts';
import { TapOffset, TapRecords } from '../workers/journal/tap-record.ts';
import { accountParts, Owner } from '../workers/journal/transfer-record.ts';
import { type JournalBlock, SectionType } from '../workers/journal/types.ts';
import { decisionCodes } from '../workers/ledger/codes.ts';
import { kindNames, purseNames, TapFlag } from '../workers/ledger/kinds.ts';
import { readTransfers } from '../workers/ledger/transfers.ts';
import { OperatorError } from '../workers/errors.ts';

export interface TapIdentity {
  readonly readerId: number;
  readonly bootEpoch: number;
  readonly seq: number;
}

/** Reads `READER:EPOCH:SEQ`. Throws TAP_INVALID. */
export function parseTapIdentity(text: string): TapIdentity {
  const match = /^(\d{1,10}):(\d{1,10}):(\d{1,10})$/.exec(text);
  if (match === null) {
    throw new OperatorError('TAP_INVALID', `"${text}" names no tap`, 'Give READER:EPOCH:SEQ, such as 17:1:204.', 2);
  }
  const [readerId, bootEpoch, seq] = match.slice(1).map(Number);
  return { readerId, bootEpoch, seq };
}

/** Everything that the journal knows of a tap; undefined if it is not there. */
export function explainTap(journalDirectory: string, shards: number, tap: TapIdentity) {
  for (let shard = 0; shard < shards; shard++) {
    const cursor = openJournalCursor(journalDirectory, shard, 0);
    try {
      for (let block = cursor.next(); block !== undefined; block = cursor.next()) {
        const found = findInBlock(block, tap);
        if (found !== undefined) return found;
      }
    } finally {
      cursor.close();
    }
  }
  return undefined;
}

function findInBlock(block: JournalBlock, tap: TapIdentity) {
  for (const section of block.sections) {
    if (section.type !== SectionType.taps && section.type !== SectionType.quarantine) continue;
    const records = new TapRecords(section.bytes.buffer, section.bytes.byteOffset, section.count);
    for (let row = 0; row < section.count; row++) {
      if (records.getU32(row, TapOffset.seq) !== tap.seq) continue;
      if (records.getU32(row, TapOffset.readerId) !== tap.readerId) continue;
      if (records.getU32(row, TapOffset.bootEpoch) !== tap.bootEpoch) continue;
      return describe(records, row, block, section.type === SectionType.quarantine);
    }
  }
  return undefined;
}

function describe(records: TapRecords, row: number, block: JournalBlock, isQuarantined: boolean) {
  const u8 = (offset: number) => records.getU8(row, offset);
  const u32 = (offset: number) => records.getU32(row, offset);
  const i64 = (offset: number) => records.getI64(row, offset);
  const time = (offset: number) => new Date(i64(offset)).toISOString();
  const position = i64(TapOffset.position);
  const code = decisionCodes.find((candidate) => candidate.code === u8(TapOffset.code));
  return {
    tap: { reader: u32(TapOffset.readerId), boot_epoch: u32(TapOffset.bootEpoch), seq: u32(TapOffset.seq) },
    input: {
      kind: kindNames[u8(TapOffset.kind) - 1],
      uid: Buffer.from(records.uid(row)).toString('hex').toUpperCase(),
      amount_kop: i64(TapOffset.amountKop),
      ref: u32(TapOffset.ref),
      reader_flags: u8(TapOffset.readerFlags),
    },
    time: {
      raw: rawTime(i64(TapOffset.atRaw)),
      corrected: time(TapOffset.at),
      received: time(TapOffset.receivedAt),
      clock_quality: ['', 'A', 'B', 'D'][u8(TapOffset.clockQuality)],
      school_day: dateOf(records.getU16(row, TapOffset.schoolDay)),
      local_minute: records.getU16(row, TapOffset.localMinute),
    },
    who: {
      school: u32(TapOffset.schoolId),
      pupil: u32(TapOffset.pupilId),
      card: u32(TapOffset.cardId),
      home_school: u32(TapOffset.homeSchoolId),
      class: u32(TapOffset.classId),
    },
    decision: {
      code: code?.code,
      name: code?.name,
      meaning: code?.meaning,
      flags: flagNames(records.getU16(row, TapOffset.flags)),
      rules_version: u32(TapOffset.rulesVersion),
      debited_kop: i64(TapOffset.debitedKop),
      balance_kop: i64(TapOffset.balanceKop),
      purse: purseNames[u8(TapOffset.purse) - 1] ?? null,
      quarantined: isQuarantined,
    },
    transfers: transfersOf(block, position),
    journal: {
      shard: block.shard,
      position,
      block: block.blockNumber,
      written: new Date(block.writtenAtMs).toISOString(),
    },
  };
}

/** A reader's clock may show anything, also what no calendar holds. */
function rawTime(ms: number): string {
  const date = new Date(ms);
  return Number.isNaN(date.getTime()) ? `${ms} ms` : date.toISOString();
}

function dateOf(day: number): string {
  return new Date(day * 86_400_000).toISOString().slice(0, 10);
}

function flagNames(flags: number): string[] {
  return Object.entries(TapFlag)
    .filter(([, bit]) => (flags & bit) !== 0)
    .map(([name]) => name.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase());
}

function transfersOf(block: JournalBlock, position: number) {
  const section = block.sections.find((candidate) => candidate.type === SectionType.transfers);
  if (section === undefined) return [];
  return [...readTransfers(section.bytes)]
    .filter((transfer) => transfer.causePosition === position)
    .map(({ transferId, debitAccount, creditAccount, kop }) => ({
      transfer: transferId,
      debit: accountName(debitAccount),
      credit: accountName(creditAccount),
      kop,
    }));
}

/** An account as people read it, such as `pupil:17:meal` or `canteen:3`. */
export function accountName(account: number): string {
  const { owner, purse, ownerId } = accountParts(account);
  const kind = Object.entries(Owner).find(([, number]) => number === owner)?.[0] ?? String(owner);
  return purse === 0 ? `${kind}:${ownerId}` : `${kind}:${ownerId}:${purseNames[purse - 1]}`;
}
