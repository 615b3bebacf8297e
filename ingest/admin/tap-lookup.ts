import { openJournalCursor } from '../../workers/journal/cursor.ts';
import { TapOffset, TapRecords } from '../../workers/journal/tap-record.ts';
import { type JournalBlock, SectionType } from '../../workers/journal/types.ts';
import type { MovedTransfer, TapFacts } from '../../workers/ledger/command-types.ts';
import { readTransfers } from '../../workers/ledger/transfers.ts';
import type { TapIdentity } from '../../workers/pool/messages.ts';
import type { ShardPool } from '../../workers/pool/pool.ts';

export interface FoundTap {
  readonly shard: number;
  readonly facts: TapFacts;
}

/** Finds what the journal holds of a decided tap. */
export interface TapLookup {
  find(identity: TapIdentity): Promise<FoundTap | undefined>;
}

/** Finds the taps whose answers the shards remember: the newest 8,192 of each reader. */
export class RememberedTaps implements TapLookup {
  readonly #pool: ShardPool;
  readonly #journalDirectory: string;

  constructor(pool: ShardPool, journalDirectory: string) {
    this.#pool = pool;
    this.#journalDirectory = journalDirectory;
  }

  async find(identity: TapIdentity): Promise<FoundTap | undefined> {
    const taps = [identity];
    const found = await Promise.all(
      this.#pool.hosts.map(async (host) => {
        const [position] = await host.call({ type: 'locate', taps });
        const facts = position === 0 ? undefined : this.#factsAt(host.shard, position);
        return facts === undefined ? undefined : { shard: host.shard, facts };
      }),
    );
    return found.find((one) => one !== undefined);
  }

  #factsAt(shard: number, position: number): TapFacts | undefined {
    const cursor = openJournalCursor(this.#journalDirectory, shard, position - 1);
    try {
      const block = cursor.next();
      return block && factsIn(block, position);
    } finally {
      cursor.close();
    }
  }
}

function factsIn(block: JournalBlock, position: number): TapFacts | undefined {
  const section = block.sections.find(({ type }) => type === SectionType.taps);
  if (section === undefined) return undefined;
  const records = new TapRecords(section.bytes.buffer, section.bytes.byteOffset, section.count);
  for (let row = 0; row < section.count; row++) {
    if (records.getI64(row, TapOffset.position) === position) return factsOf(records, row, movedIn(block, position));
  }
  return undefined;
}

function movedIn(block: JournalBlock, position: number): MovedTransfer | null {
  const section = block.sections.find(({ type }) => type === SectionType.transfers);
  if (section === undefined) return null;
  for (const { causePosition, transferId, debitAccount, creditAccount, kop } of readTransfers(section.bytes)) {
    if (causePosition === position) return { transferId, debitAccount, creditAccount, kop };
  }
  return null;
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
    pupilId: u32(TapOffset.pupilId),
    schoolId: u32(TapOffset.schoolId),
    schoolDay: records.getU16(row, TapOffset.schoolDay),
    at: records.getI64(row, TapOffset.at),
    clockQuality: u8(TapOffset.clockQuality),
    amountKop: records.getI64(row, TapOffset.amountKop),
    ref: u32(TapOffset.ref),
    basis: u8(TapOffset.basis),
    purse: u8(TapOffset.purse),
    transfer,
  };
}
