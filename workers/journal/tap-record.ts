/**
 * A tap as it travels: the gateway fills the input fields, the shard the outcome, the journal stores the same bytes, and
 * the sink sends them to ClickHouse as one RowBinary row. One layout, no re-encoding.
 *
 * 128 bytes, little-endian, every field aligned to its size. The order below is the column order of table `tap`
 * (`analytics/schema`); a test holds the two together.
 */
export const tapRecordBytes = 128;

/** Byte offsets within a record. u64/i64 fields hold safe integers. */
export const TapOffset = {
  position: 0, // u64  place in the shard's journal; shard
  at: 8, // i64  corrected time, ms since 1970 UTC; gateway
  atRaw: 16, // i64  the reader's own time; gateway
  receivedAt: 24, // i64  when the frame came in; gateway
  amountKop: 32, // i64  price that the reader asked; where it asked none, the price by the rules, 0 if none; gateway, shard
  debitedKop: 40, // i64  what left the purse; shard
  balanceKop: 48, // i64  the purse afterwards; shard
  readerId: 56, // u32  gateway
  bootEpoch: 60, // u32  gateway
  seq: 64, // u32  gateway
  schoolId: 68, // u32  the reader's school; gateway
  pupilId: 72, // u32  0 unknown; gateway (from the card index), shard where it knows the card
  cardId: 76, // u32  0 unknown; gateway (from the card index)
  homeSchoolId: 80, // u32  the pupil's school; shard
  classId: 84, // u32  shard
  ref: 88, // u32  item, locker or route, 0 if none; gateway
  rulesVersion: 92, // u32  gateway: the version that the reader told; shard: the version it was decided under
  contentHash: 96, // u32  of what the reader sent; gateway
  shard: 100, // u16  shard
  flags: 102, // u16  TapFlag; gateway sets clock, LATE, OFFLINE and MANUAL, shard the rest
  schoolDay: 104, // u16  days since 1970 in the reader's school's zone; gateway
  localMinute: 106, // u16  minute of that day; gateway
  kind: 108, // u8   gateway
  code: 109, // u8   decision; shard
  purse: 110, // u8   Purse; shard
  clockQuality: 111, // u8   ClockQuality; gateway
  readerFlags: 112, // u8   as sent, ReaderFlag; gateway
  present: 113, // u8   Present bits
  uidSize: 114, // u8   4, 7 or 10; gateway
  basis: 115, // u8  what a sale rested on: a meal's window that gave an entitlement, or FareBasis; shard
  uid: 116, // 10 bytes in read order, zero-padded; gateway
  notice: 126, // u8   NoticeKind: what the tap is to a parent; shard
  reserved: 127, // u8
} as const;

/** Bits of the `present` field. */
export const Present = {
  amount: 1, // the reader sent an amount
  ref: 2, // the reader sent a ref
  balanceShown: 4, // the reader may show `balanceKop`
  readerForbidden: 8, // the reader may not take this kind
} as const;

const two32 = 2 ** 32;

/** Records in one (shared) buffer, seen through views of every width. All `row` arguments count records from 0. */
export class TapRecords {
  readonly u8: Uint8Array;
  readonly u16: Uint16Array;
  readonly u32: Uint32Array;
  readonly i32: Int32Array;
  readonly capacity: number;

  /** `buffer` must start a record at `byteOffset`, which is a multiple of 8. */
  constructor(buffer: ArrayBufferLike, byteOffset = 0, capacity = (buffer.byteLength - byteOffset) / tapRecordBytes) {
    if (!Number.isInteger(capacity)) throw new RangeError('a tap buffer holds whole records');
    const bytes = capacity * tapRecordBytes;
    this.u8 = new Uint8Array(buffer, byteOffset, bytes);
    this.u16 = new Uint16Array(buffer, byteOffset, bytes / 2);
    this.u32 = new Uint32Array(buffer, byteOffset, bytes / 4);
    this.i32 = new Int32Array(buffer, byteOffset, bytes / 4);
    this.capacity = capacity;
  }

  getU8(row: number, offset: number): number {
    return this.u8[row * tapRecordBytes + offset];
  }

  setU8(row: number, offset: number, value: number): void {
    this.u8[row * tapRecordBytes + offset] = value;
  }

  getU16(row: number, offset: number): number {
    return this.u16[(row * tapRecordBytes + offset) >>> 1];
  }

  setU16(row: number, offset: number, value: number): void {
    this.u16[(row * tapRecordBytes + offset) >>> 1] = value;
  }

  getU32(row: number, offset: number): number {
    return this.u32[(row * tapRecordBytes + offset) >>> 2];
  }

  setU32(row: number, offset: number, value: number): void {
    this.u32[(row * tapRecordBytes + offset) >>> 2] = value;
  }

  /** Reads a 64-bit field as a safe integer. */
  getI64(row: number, offset: number): number {
    const word = (row * tapRecordBytes + offset) >>> 2;
    return this.i32[word + 1] * two32 + this.u32[word];
  }

  /** Writes a safe integer as 64 bits in two's complement. */
  setI64(row: number, offset: number, value: number): void {
    const word = (row * tapRecordBytes + offset) >>> 2;
    const high = Math.floor(value / two32);
    this.u32[word] = value - high * two32;
    this.i32[word + 1] = high;
  }

  /** The UID's bytes, a view that dies with the buffer. */
  uid(row: number): Uint8Array {
    const start = row * tapRecordBytes + TapOffset.uid;
    return this.u8.subarray(start, start + this.u8[row * tapRecordBytes + TapOffset.uidSize]);
  }
}
