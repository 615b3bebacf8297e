import { Present, TapOffset, type TapRecords } from '../../workers/journal/tap-record.ts';

/** Whose frame it is: frames of one owner are answered in order. */
export interface FrameOwner {
  readonly bootEpoch: number;
  /** Which stretch of credit its frames are counted to: a new connection begins with all of it. */
  readonly creditRound: number;
  flush(): void;
}

/** Where a frame's answer goes; the connection may be gone by then. */
export interface Replies {
  ack(ticket: FrameTicket): void;
}

/** A frame whose taps are being decided: collects their answers, from however many shards. */
export class FrameTicket {
  readonly owner: FrameOwner;
  readonly bootEpoch: number;
  readonly creditRound: number;
  readonly firstSeq: number;
  readonly count: number;
  readonly replies: Replies;
  readonly receivedAt: number;
  /** When the frame came in by the monotonic clock, ms: for latency only. */
  readonly arrivedMs = performance.now();
  readonly codes: Uint8Array;
  /** Kopecks to show by tap; null as long as no tap has any. */
  balances: (number | null)[] | null = null;
  #open: number;

  constructor(owner: FrameOwner, firstSeq: number, count: number, replies: Replies, receivedAt: number) {
    this.owner = owner;
    this.bootEpoch = owner.bootEpoch;
    this.creditRound = owner.creditRound;
    this.firstSeq = firstSeq;
    this.count = count;
    this.replies = replies;
    this.receivedAt = receivedAt;
    this.codes = new Uint8Array(count);
    this.#open = count;
  }

  get lastSeq(): number {
    return this.firstSeq + this.count - 1;
  }

  get isComplete(): boolean {
    return this.#open === 0;
  }

  /** Answers one tap without a shard. */
  answer(place: number, code: number): void {
    this.codes[place] = code;
    this.#open -= 1;
  }

  /** Takes the answers of `length` records from `row` on, for the taps from `place` on. */
  settle(records: TapRecords, row: number, place: number, length: number): void {
    for (let index = 0; index < length; index++) {
      this.codes[place + index] = records.getU8(row + index, TapOffset.code);
      if ((records.getU8(row + index, TapOffset.present) & Present.balanceShown) === 0) continue;
      this.balances ??= new Array<number | null>(this.count).fill(null);
      this.balances[place + index] = records.getI64(row + index, TapOffset.balanceKop);
    }
    this.#open -= length;
  }
}
