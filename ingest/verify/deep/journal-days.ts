import { nothingTouched, touchTaps, touchTransfers } from '../../../analytics/derive/touched.ts';
import type { Touched } from '../../../analytics/derive/types.ts';
import type { DayLine } from '../../../analytics/verify/stored-lines.ts';
import { openJournalCursor } from '../../../workers/journal/cursor.ts';
import { TapOffset, TapRecords } from '../../../workers/journal/tap-record.ts';
import { TransferOffset, transferRecordBytes } from '../../../workers/journal/transfer-record.ts';
import { type JournalBlock, SectionType } from '../../../workers/journal/types.ts';
import { countBlock, SumsOfDays } from '../../reconcile/day-sums.ts';

const dayMs = 86_400_000;

/** What the journals hold, by school and day. */
export interface JournalDays {
  /** One line for each kind of tap and each cause of transfers, by `lineKey`. */
  readonly lines: Map<string, DayLine>;
  /** Sales and takings, as the ledger's day books have them. */
  readonly sums: SumsOfDays;
  /** School days that are to be derived. */
  readonly touched: Touched;
  /** The service's clock at the newest block, ms since 1970 UTC. */
  newestMs: number;
}

export const lineKey = (line: Pick<DayLine, 'table' | 'school' | 'day' | 'number'>): string =>
  `${line.table}:${line.school}:${line.day}:${line.number}`;

/** Adds all journals up to a position of each, with no code of the ledger. */
export function readJournalDays(journalDirectory: string, positions: readonly number[]): JournalDays {
  const days: JournalDays = {
    lines: new Map(),
    sums: new SumsOfDays(positions.length, Infinity),
    touched: nothingTouched(),
    newestMs: 0,
  };
  positions.forEach((position, shard) => {
    const cursor = openJournalCursor(journalDirectory, shard, 0);
    try {
      for (let block = cursor.next(); block !== undefined; block = cursor.next()) {
        if (block.lastPosition > position) break;
        addBlock(days, block);
      }
    } finally {
      cursor.close();
    }
  });
  return days;
}

function addBlock(days: JournalDays, block: JournalBlock): void {
  countBlock(days.sums, block);
  days.newestMs = Math.max(days.newestMs, block.writtenAtMs);
  for (const { type, bytes, count } of block.sections) {
    if (type === SectionType.taps) {
      touchTaps(days.touched, bytes);
      addTaps(days.lines, new TapRecords(bytes.buffer, bytes.byteOffset, count));
    }
    if (type !== SectionType.transfers) continue;
    touchTransfers(days.touched, bytes);
    addTransfers(days.lines, bytes);
  }
}

function lineOf(lines: Map<string, DayLine>, of: Pick<DayLine, 'table' | 'school' | 'day' | 'number'>): DayLine {
  const key = lineKey(of);
  let line = lines.get(key);
  if (line === undefined) lines.set(key, (line = { ...of, n: 0, kop: 0, fields: 0 }));
  return line;
}

function addTaps(lines: Map<string, DayLine>, records: TapRecords): void {
  for (let row = 0; row < records.capacity; row++) {
    const u32 = (offset: number) => records.getU32(row, offset);
    const u16 = (offset: number) => records.getU16(row, offset);
    const u8 = (offset: number) => records.getU8(row, offset);
    const i64 = (offset: number) => records.getI64(row, offset);
    const day = u16(TapOffset.schoolDay);
    const line = lineOf(lines, { table: 'tap', school: u32(TapOffset.schoolId), day, number: u8(TapOffset.kind) });
    line.n += 1;
    line.kop += i64(TapOffset.debitedKop);
    line.fields += i64(TapOffset.at) - day * dayMs;
    line.fields += 3 * u32(TapOffset.pupilId) + 5 * u32(TapOffset.classId) + 7 * u16(TapOffset.localMinute);
    line.fields += 11 * u8(TapOffset.code) + 13 * u32(TapOffset.ref) + 17 * i64(TapOffset.amountKop);
    line.fields += 19 * u16(TapOffset.flags) + 23 * u8(TapOffset.readerFlags) + 29 * u8(TapOffset.basis);
    line.fields += 31 * u32(TapOffset.homeSchoolId) + 37 * u8(TapOffset.clockQuality);
  }
}

function addTransfers(lines: Map<string, DayLine>, bytes: Uint8Array): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  for (let start = 0; start < bytes.length; start += transferRecordBytes) {
    const u32 = (offset: number) => view.getUint32(start + offset, true);
    const u8 = (offset: number) => view.getUint8(start + offset);
    const day = view.getUint16(start + TransferOffset.schoolDay, true);
    const number = u8(TransferOffset.cause);
    const line = lineOf(lines, { table: 'transfer', school: u32(TransferOffset.schoolId), day, number });
    line.n += 1;
    line.kop += Number(view.getBigInt64(start + TransferOffset.kop, true));
    line.fields += 3 * u32(TransferOffset.pupilId) + 5 * u8(TransferOffset.purse) + 7 * u32(TransferOffset.reverses);
    // Of an account: its owner's kind and number.
    line.fields += 11 * u8(TransferOffset.debitAccount + 5) + 13 * u32(TransferOffset.debitAccount);
    line.fields += 17 * u8(TransferOffset.creditAccount + 5) + 19 * u32(TransferOffset.creditAccount);
  }
}
