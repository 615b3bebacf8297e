import { tapRecordBytes, TapRecords } from '../../workers/journal/tap-record.ts';
import { batchTapsMax } from '../../workers/shard/limits.ts';
import type { FrameTicket } from './frame-ticket.ts';

/** Taps on their way to one shard, in shared memory, and which frames they belong to. */
export class TapBatch {
  readonly buffer = new SharedArrayBuffer(batchTapsMax * tapRecordBytes);
  readonly records = new TapRecords(this.buffer);
  count = 0;
  /** Runs of consecutive records of one frame: its ticket, first record, first place in the frame, length. */
  readonly #tickets: FrameTicket[] = [];
  readonly #runs: number[] = [];

  get isEmpty(): boolean {
    return this.count === 0;
  }

  hasRoom(taps: number): boolean {
    return this.count + taps <= batchTapsMax;
  }

  /** Takes the next record for the tap at `place` of a frame, and answers its row. */
  take(ticket: FrameTicket, place: number): number {
    const row = this.count++;
    const last = this.#tickets.length - 1;
    const run = last * 3;
    if (last >= 0 && this.#tickets[last] === ticket && this.#runs[run + 1] + this.#runs[run + 2] === place) {
      this.#runs[run + 2] += 1;
    } else {
      this.#tickets.push(ticket);
      this.#runs.push(row, place, 1);
    }
    return row;
  }

  /** Hands the answers in the records to their frames. */
  settle(): void {
    for (let index = 0; index < this.#tickets.length; index++) {
      const run = index * 3;
      this.#tickets[index].settle(this.records, this.#runs[run], this.#runs[run + 1], this.#runs[run + 2]);
    }
  }

  /** Tells each frame of the batch once that answers may be complete. */
  flush(): void {
    for (const ticket of this.#tickets) ticket.owner.flush();
  }

  clear(): void {
    this.count = 0;
    this.#tickets.length = 0;
    this.#runs.length = 0;
  }
}
