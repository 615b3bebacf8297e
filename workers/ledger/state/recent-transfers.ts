import { transferRecordBytes, TransferOffset } from '../../journal/transfer-record.ts';
import { bytesOf, column, grown } from '../growable.ts';
import { recentTransfersMax } from '../limits.ts';
import { readTransfers, type Transfer, writeTransfer } from '../transfers.ts';

/** The newest movements of a shard, for "last movements" of an account; older ones are in ClickHouse. */
export class RecentTransfers {
  #ring = new Uint8Array(64 * transferRecordBytes);
  #view = new DataView(this.#ring.buffer);
  /** Movements ever noted; the ring holds the newest of them. */
  #count = 0;

  note(transfer: Transfer): void {
    const start = (this.#count % recentTransfersMax) * transferRecordBytes;
    this.#count += 1;
    if (start + transferRecordBytes > this.#ring.length) this.#use(grown(this.#ring, start + transferRecordBytes));
    writeTransfer(this.#view, start, transfer);
  }

  /** The pupil's newest movements, the newest first. */
  of(pupilId: number, max: number): Transfer[] {
    const found: Transfer[] = [];
    const oldest = Math.max(0, this.#count - recentTransfersMax);
    for (let number = this.#count - 1; number >= oldest && found.length < max; number--) {
      const start = (number % recentTransfersMax) * transferRecordBytes;
      if (this.#view.getUint32(start + TransferOffset.pupilId, true) !== pupilId) continue;
      found.push(...readTransfers(this.#ring.subarray(start, start + transferRecordBytes)));
    }
    return found;
  }

  save(columns: Map<string, Uint8Array>): void {
    const held = Math.min(this.#count, recentTransfersMax);
    columns.set('transfer.recent', bytesOf(this.#ring, held * transferRecordBytes));
    columns.set('transfer.noted', bytesOf(Float64Array.of(this.#count)));
  }

  load(columns: ReadonlyMap<string, Uint8Array>): void {
    this.#use(grown(column(columns, 'transfer.recent', Uint8Array), transferRecordBytes));
    this.#count = column(columns, 'transfer.noted', Float64Array)[0];
  }

  #use(ring: Uint8Array<ArrayBuffer>): void {
    this.#ring = ring;
    this.#view = new DataView(ring.buffer);
  }
}
