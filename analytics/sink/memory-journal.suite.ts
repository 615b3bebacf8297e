import { transferRecordBytes, TransferOffset, accountId, Owner } from '../../workers/journal/transfer-record.ts';
import { TapOffset, TapRecords, tapRecordBytes } from '../../workers/journal/tap-record.ts';
import {
  SectionType,
  type JournalBlock,
  type JournalCursor,
  type JournalSection,
} from '../../workers/journal/types.ts';

/** A small seeded generator of numbers (mulberry32). */
export function seeded(seed: number): (below: number) => number {
  let state = seed >>> 0;
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * below);
  };
}

export interface BlockPlan {
  readonly taps: number;
  readonly transfers: number;
  readonly commands: number;
  readonly quarantined: number;
  /** School day of a row, days since 1970. */
  readonly dayOf: () => number;
}

/** A journal in memory that grows block by block, with rows whose every field follows from the position. */
export class MemoryJournal {
  readonly shard: number;
  readonly blocks: JournalBlock[] = [];
  taps = 0;
  transfers = 0;
  lastPosition = 0;
  #transferNumber = 0;

  constructor(shard: number) {
    this.shard = shard;
  }

  append(plan: BlockPlan): void {
    const firstPosition = this.lastPosition + 1;
    const sections: JournalSection[] = [];
    if (plan.taps > 0) sections.push(this.#tapSection(plan));
    if (plan.transfers > 0) sections.push(this.#transferSection(plan, firstPosition));
    if (plan.commands > 0) {
      sections.push({ type: SectionType.commands, count: plan.commands, bytes: new Uint8Array(16) });
      this.lastPosition += plan.commands;
    }
    if (plan.quarantined > 0) {
      const bytes = new Uint8Array(plan.quarantined * tapRecordBytes);
      sections.push({ type: SectionType.quarantine, count: plan.quarantined, bytes });
      this.lastPosition += plan.quarantined;
    }
    this.blocks.push({
      shard: this.shard,
      blockNumber: this.blocks.length + 1,
      firstPosition,
      lastPosition: this.lastPosition,
      writtenAtMs: Date.now(),
      sections,
    });
  }

  /** As a real cursor does, gives bytes that are overwritten by the next call. */
  openCursor(afterPosition: number): JournalCursor {
    let index = this.blocks.findIndex((block) => block.lastPosition > afterPosition);
    let lent: Uint8Array[] = [];
    const start = index;
    return {
      next: () => {
        for (const bytes of lent) bytes.fill(0xee);
        lent = [];
        index =
          start === -1 && index === -1 ? this.blocks.findIndex((block) => block.lastPosition > afterPosition) : index;
        const block = this.blocks[index];
        if (block === undefined) return undefined;
        index += 1;
        const sections = block.sections.map((section) => {
          const bytes = section.bytes.slice();
          lent.push(bytes);
          return { ...section, bytes };
        });
        return { ...block, sections };
      },
      refresh: () => undefined,
      close: () => undefined,
    };
  }

  #tapSection(plan: BlockPlan): JournalSection {
    const records = new TapRecords(new ArrayBuffer(plan.taps * tapRecordBytes));
    for (let row = 0; row < plan.taps; row++) this.#fillTap(records, row, plan.dayOf());
    this.taps += plan.taps;
    return { type: SectionType.taps, count: plan.taps, bytes: records.u8 };
  }

  #fillTap(records: TapRecords, row: number, day: number): void {
    this.lastPosition += 1;
    const position = this.lastPosition;
    const at = day * 86_400_000 + (position % 86_400_000);
    records.setI64(row, TapOffset.position, position);
    records.setI64(row, TapOffset.at, at);
    records.setI64(row, TapOffset.atRaw, at - 1_000);
    records.setI64(row, TapOffset.receivedAt, at + 250);
    records.setI64(row, TapOffset.debitedKop, position % 9_000);
    records.setI64(row, TapOffset.balanceKop, -(position % 20_000));
    records.setU32(row, TapOffset.readerId, 1 + (position % 500));
    records.setU32(row, TapOffset.bootEpoch, 1 + this.shard);
    records.setU32(row, TapOffset.seq, position);
    records.setU32(row, TapOffset.schoolId, 1 + (position % 46));
    records.setU32(row, TapOffset.pupilId, 1 + (position % 21_000));
    records.setU16(row, TapOffset.shard, this.shard);
    records.setU16(row, TapOffset.schoolDay, day);
    records.setU8(row, TapOffset.kind, 1 + (position % 7));
    records.setU8(row, TapOffset.code, 10 + (position % 5));
    records.setU8(row, TapOffset.clockQuality, 1 + (position % 3));
    records.setU8(row, TapOffset.uidSize, 4);
    records.u8.set([0xde, 0xad, 0xbe, 0xef], row * tapRecordBytes + TapOffset.uid);
  }

  #transferSection(plan: BlockPlan, firstPosition: number): JournalSection {
    const bytes = new Uint8Array(plan.transfers * transferRecordBytes);
    const view = new DataView(bytes.buffer);
    for (let row = 0; row < plan.transfers; row++) {
      const start = row * transferRecordBytes;
      this.#transferNumber += 1;
      const id = this.shard * 2 ** 40 + this.#transferNumber;
      view.setBigUint64(start + TransferOffset.transferId, BigInt(id), true);
      view.setBigUint64(start + TransferOffset.causePosition, BigInt(firstPosition), true);
      view.setBigUint64(start + TransferOffset.debitAccount, BigInt(accountId(Owner.pupil, 1 + (id % 100), 1)), true);
      view.setBigUint64(start + TransferOffset.creditAccount, BigInt(accountId(Owner.canteen, 1 + (id % 5))), true);
      view.setBigInt64(start + TransferOffset.kop, BigInt(1 + (id % 9_000)), true);
      view.setUint16(start + TransferOffset.shard, this.shard, true);
      view.setUint16(start + TransferOffset.schoolDay, plan.dayOf(), true);
      view.setUint8(start + TransferOffset.cause, 1);
    }
    this.transfers += plan.transfers;
    return { type: SectionType.transfers, count: plan.transfers, bytes };
  }
}
