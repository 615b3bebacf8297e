import { TransferOffset, transferRecordBytes } from '../journal/transfer-record.ts';

/** One movement, as the ledger decides it. All amounts are kopecks, times ms since 1970 UTC. */
export interface Transfer {
  transferId: number;
  causePosition: number;
  debitAccount: number;
  creditAccount: number;
  kop: number;
  at: number;
  reverses: number;
  pupilId: number;
  schoolId: number;
  shard: number;
  schoolDay: number;
  cause: number;
  purse: number;
}

const two32 = 2 ** 32;
const two40 = 2 ** 40;

/** Ids are unique in the region: the shard's number in front, a number that grows by one behind. */
export function transferIdOf(shard: number, number: number): number {
  return shard * two40 + number;
}

/** Writes one record. */
export function writeTransfer(view: DataView, start: number, transfer: Transfer): void {
  setU64(view, start + TransferOffset.transferId, transfer.transferId);
  setU64(view, start + TransferOffset.causePosition, transfer.causePosition);
  setU64(view, start + TransferOffset.debitAccount, transfer.debitAccount);
  setU64(view, start + TransferOffset.creditAccount, transfer.creditAccount);
  setU64(view, start + TransferOffset.kop, transfer.kop);
  setU64(view, start + TransferOffset.at, transfer.at);
  setU64(view, start + TransferOffset.reverses, transfer.reverses);
  view.setUint32(start + TransferOffset.pupilId, transfer.pupilId, true);
  view.setUint32(start + TransferOffset.schoolId, transfer.schoolId, true);
  view.setUint16(start + TransferOffset.shard, transfer.shard, true);
  view.setUint16(start + TransferOffset.schoolDay, transfer.schoolDay, true);
  view.setUint8(start + TransferOffset.cause, transfer.cause);
  view.setUint8(start + TransferOffset.purse, transfer.purse);
  view.setUint16(start + TransferOffset.reserved, 0, true);
}

function setU64(view: DataView, offset: number, value: number): void {
  const high = Math.floor(value / two32);
  view.setUint32(offset, value - high * two32, true);
  view.setInt32(offset + 4, high, true);
}

/** The transfers of one batch as the bytes that the journal keeps; used again for each batch. */
export class TransferRecords {
  #bytes = new Uint8Array(256 * transferRecordBytes);
  #view = new DataView(this.#bytes.buffer);
  count = 0;

  clear(): void {
    this.count = 0;
  }

  /** The records' bytes; the view is good until the next `append`. */
  get bytes(): Uint8Array {
    return this.#bytes.subarray(0, this.count * transferRecordBytes);
  }

  append(transfer: Transfer): void {
    const start = this.count * transferRecordBytes;
    if (start + transferRecordBytes > this.#bytes.length) this.#grow();
    this.count += 1;
    writeTransfer(this.#view, start, transfer);
  }

  #grow(): void {
    const larger = new Uint8Array(this.#bytes.length * 2);
    larger.set(this.#bytes);
    this.#bytes = larger;
    this.#view = new DataView(larger.buffer);
  }
}

/** Reads the transfers of a journal section. */
export function* readTransfers(bytes: Uint8Array): Generator<Transfer> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const u64 = (offset: number) => view.getInt32(offset + 4, true) * two32 + view.getUint32(offset, true);
  for (let start = 0; start < bytes.length; start += transferRecordBytes) {
    yield {
      transferId: u64(start + TransferOffset.transferId),
      causePosition: u64(start + TransferOffset.causePosition),
      debitAccount: u64(start + TransferOffset.debitAccount),
      creditAccount: u64(start + TransferOffset.creditAccount),
      kop: u64(start + TransferOffset.kop),
      at: u64(start + TransferOffset.at),
      reverses: u64(start + TransferOffset.reverses),
      pupilId: view.getUint32(start + TransferOffset.pupilId, true),
      schoolId: view.getUint32(start + TransferOffset.schoolId, true),
      shard: view.getUint16(start + TransferOffset.shard, true),
      schoolDay: view.getUint16(start + TransferOffset.schoolDay, true),
      cause: view.getUint8(start + TransferOffset.cause),
      purse: view.getUint8(start + TransferOffset.purse),
    };
  }
}
