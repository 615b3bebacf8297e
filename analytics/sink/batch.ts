import { createHash } from 'node:crypto';
import { OperatorError } from '../../workers/errors.ts';
import { TapOffset, tapRecordBytes } from '../../workers/journal/tap-record.ts';
import { TransferOffset, transferRecordBytes } from '../../workers/journal/transfer-record.ts';
import { SectionType, type JournalBlock } from '../../workers/journal/types.ts';
import type { SinkLimits } from '../limits.ts';
import { splitByMonth } from './months.ts';

export type SinkTable = 'tap' | 'transfer';

/** What fixes a batch: with these and the journal, the same batch can be built again. */
export interface BatchBounds {
  /** First and last position of the batch; both are ends of blocks. */
  readonly from: number;
  readonly to: number;
  /** Of all bytes that are sent, 32 hexadecimal digits. */
  readonly hash: string;
  readonly taps: number;
  readonly transfers: number;
}

/** One insert: rows of one table and one month, so that ClickHouse stores them as one part or not at all. */
export interface BatchPart {
  readonly table: SinkTable;
  readonly shard: number;
  readonly month: number;
  readonly rows: number;
  readonly bytes: Uint8Array;
  /** First and last position (`tap`) or transfer id (`transfer`) of the rows; both grow within a shard's journal. */
  readonly firstId: number;
  readonly lastId: number;
  readonly firstDay: number;
  readonly lastDay: number;
  readonly token: string;
}

export interface Batch extends BatchBounds {
  readonly shard: number;
  /** When the first block was written, ms since 1970 UTC. */
  readonly writtenAtMs: number;
  readonly parts: readonly BatchPart[];
}

/** Size of a record and where its number stands. */
const layout = {
  tap: { recordBytes: tapRecordBytes, dayOffset: TapOffset.schoolDay, idOffset: TapOffset.position },
  transfer: {
    recordBytes: transferRecordBytes,
    dayOffset: TransferOffset.schoolDay,
    idOffset: TransferOffset.transferId,
  },
} as const;

export function recordBytesOf(table: SinkTable): number {
  return layout[table].recordBytes;
}

/** The number of the record at `row`: a tap's position or a transfer's id. */
export function recordId(table: SinkTable, bytes: Uint8Array, row: number): number {
  const { recordBytes, idOffset } = layout[table];
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return Number(view.getBigUint64(row * recordBytes + idOffset, true));
}

/** Bytes that grow by doubling and are used again from batch to batch. */
class Growing {
  #bytes = new Uint8Array(64 * 1024);
  size = 0;

  append(more: Uint8Array): void {
    const needed = this.size + more.byteLength;
    if (needed > this.#bytes.byteLength) {
      const grown = new Uint8Array(Math.max(needed, this.#bytes.byteLength * 2));
      grown.set(this.#bytes.subarray(0, this.size));
      this.#bytes = grown;
    }
    this.#bytes.set(more, this.size);
    this.size = needed;
  }

  get used(): Uint8Array {
    return this.#bytes.subarray(0, this.size);
  }
}

/**
 * Collects consecutive blocks of one shard into a batch. The batch's bytes belong to the builder and are good until
 * `reset`. Quarantined taps and commands take positions and no rows.
 */
export class BatchBuilder {
  readonly #shard: number;
  readonly #limits: SinkLimits;
  readonly #taps = new Growing();
  readonly #transfers = new Growing();
  #from = 0;
  #to = 0;
  #writtenAtMs = 0;

  constructor(shard: number, limits: SinkLimits) {
    this.#shard = shard;
    this.#limits = limits;
  }

  get isEmpty(): boolean {
    return this.#to === 0;
  }

  get to(): number {
    return this.#to;
  }

  reset(): void {
    this.#taps.size = 0;
    this.#transfers.size = 0;
    this.#to = 0;
  }

  /** True when the block may join: the first always may. */
  fits(block: JournalBlock): boolean {
    if (this.isEmpty) return true;
    const size = sizeOf(block);
    const bytes = this.#taps.size + this.#transfers.size + size.bytes;
    const taps = this.#taps.size / tapRecordBytes + size.taps;
    return taps <= this.#limits.batchTapsMax && bytes <= this.#limits.batchBytesMax;
  }

  add(block: JournalBlock): void {
    if (sizeOf(block).bytes > this.#limits.blockBytesMax) throw brokenJournal(block, 'is larger than any block may be');
    if (!this.isEmpty && block.firstPosition !== this.#to + 1)
      throw brokenJournal(block, `does not follow ${this.#to}`);
    if (this.isEmpty) {
      this.#from = block.firstPosition;
      this.#writtenAtMs = block.writtenAtMs;
    }
    for (const section of block.sections) {
      if (section.type === SectionType.taps) this.#taps.append(section.bytes);
      if (section.type === SectionType.transfers) this.#transfers.append(section.bytes);
    }
    this.#to = block.lastPosition;
  }

  /** The batch, whose taps of days before `firstTapDay` take positions and no rows either. */
  finish(firstTapDay = 0): Batch {
    const hash = createHash('sha256').update(this.#taps.used).update(this.#transfers.used).digest('hex').slice(0, 32);
    const bounds = {
      from: this.#from,
      to: this.#to,
      hash,
      taps: this.#taps.size / tapRecordBytes,
      transfers: this.#transfers.size / transferRecordBytes,
    };
    const parts = [
      ...partsOf('tap', this.#shard, bounds, this.#taps.used, firstTapDay),
      ...partsOf('transfer', this.#shard, bounds, this.#transfers.used),
    ];
    return { ...bounds, shard: this.#shard, writtenAtMs: this.#writtenAtMs, parts };
  }
}

function partsOf(table: SinkTable, shard: number, bounds: BatchBounds, bytes: Uint8Array, firstDay = 0): BatchPart[] {
  const { recordBytes, dayOffset } = layout[table];
  return splitByMonth(bytes, recordBytes, dayOffset, firstDay).map((rows) => ({
    ...rows,
    table,
    shard,
    firstId: recordId(table, rows.bytes, 0),
    lastId: recordId(table, rows.bytes, rows.rows - 1),
    // The hash is in the token because ClickHouse drops other rows under a known token in silence.
    token: `${table}:${shard}:${bounds.from}-${bounds.to}:${rows.month}:${bounds.hash}`,
  }));
}

function sizeOf(block: JournalBlock): { taps: number; bytes: number } {
  let taps = 0;
  let bytes = 0;
  for (const section of block.sections) {
    if (section.type === SectionType.taps) taps += section.count;
    if (section.type === SectionType.taps || section.type === SectionType.transfers) bytes += section.bytes.byteLength;
  }
  return { taps, bytes };
}

/** School day of the tap at a position of a block; undefined when there is none. */
export function tapDayAt(block: JournalBlock, position: number): number | undefined {
  const { recordBytes, dayOffset } = layout.tap;
  for (const { type, bytes } of block.sections) {
    if (type !== SectionType.taps) continue;
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    for (let row = 0; row < bytes.byteLength / recordBytes; row++) {
      if (recordId('tap', bytes, row) === position) return view.getUint16(row * recordBytes + dayOffset, true);
    }
  }
  return undefined;
}

function brokenJournal(block: JournalBlock, what: string): OperatorError {
  return new OperatorError(
    'SINK_JOURNAL_BROKEN',
    `block ${block.blockNumber} of shard ${block.shard} (from position ${block.firstPosition}) ${what}`,
    'Run `tapline journal verify`',
  );
}
