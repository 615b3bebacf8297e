import { Code, ErrorCode, kindBit, ReaderFlag, TapFlag } from '../protocol/codes.ts';
import { creditTapsMax, rememberedIdentitiesMin, uidBytesMax } from '../protocol/limits.ts';
import type { TapsFrame } from '../protocol/taps-frame.ts';
import type { CardIndex } from '../registry/card-index.ts';
import { Present, TapOffset, tapRecordBytes } from '../../workers/journal/tap-record.ts';
import { TapTime } from './clock.ts';
import { FrameTicket, type Replies } from './frame-ticket.ts';
import { framesInFlightMax, retryAfterMs } from './limits.ts';
import type { ReaderState } from './reader-state.ts';
import type { ShardQueue } from './shard-queue.ts';
import type { TapBatch } from './tap-batch.ts';

/** Why a frame was not taken in; nothing of it was applied. */
export interface Refusal {
  readonly code: number;
  readonly message: string;
  readonly retryMs: number | null;
}

const wordsPerRecord = tapRecordBytes / 4;

/**
 * Takes checked frames in: order, credit and push-back per reader, then every tap into the next batch of the shard that
 * has to decide it. No socket is known here.
 */
export class Intake {
  acceptedTaps = 0;
  readonly #queues: readonly ShardQueue[];
  readonly #cards: CardIndex;
  readonly #whyClosed: () => string | undefined;
  readonly #time = new TapTime();

  /** `whyClosed` names why no frame may be taken in now, if so. */
  constructor(queues: readonly ShardQueue[], cards: CardIndex, whyClosed: () => string | undefined) {
    this.#whyClosed = whyClosed;
    this.#queues = queues;
    this.#cards = cards;
  }

  /** Takes a frame in, or says why not. The answer goes to `replies` once every tap is on disk. */
  take(reader: ReaderState, frame: TapsFrame, receivedAtMs: number, replies: Replies): Refusal | undefined {
    const { firstSeq, count } = frame;
    if (firstSeq > reader.nextSeq) {
      reader.gaps += 1;
      return { code: ErrorCode.gap, message: `gap: expected seq ${reader.nextSeq}, got ${firstSeq}`, retryMs: null };
    }
    // What lies beyond the durable seq is bounded too: the shards must remember all of it after a crash.
    const isBeyondCredit = firstSeq + count - 1 - reader.durableSeq > creditTapsMax;
    if (isBeyondCredit || reader.inFlightTaps + count > creditTapsMax) {
      const message = `credit exceeded: ${reader.inFlightTaps} taps unacknowledged, ${count} more sent`;
      return { code: ErrorCode.creditExceeded, message, retryMs: null };
    }
    const why = this.#whyClosed() ?? (this.#hasRoom(reader, count) ? undefined : 'queue-full');
    if (why !== undefined) return { code: ErrorCode.notNow, message: `not now: ${why}`, retryMs: retryAfterMs };
    const ticket = new FrameTicket(reader, firstSeq, count, replies, receivedAtMs);
    reader.push(ticket);
    for (let place = 0; place < count; place++) this.#takeTap(reader, frame, place, ticket);
    reader.nextSeq = Math.max(reader.nextSeq, firstSeq + count);
    this.acceptedTaps += count;
    for (const queue of this.#queues) queue.schedule();
    if (ticket.isComplete) reader.flush();
    return undefined;
  }

  #hasRoom(reader: ReaderState, count: number): boolean {
    if (reader.inFlightFrames >= framesInFlightMax) return false;
    return this.#queues.every((queue) => queue.batchFor(count) !== undefined);
  }

  #takeTap(reader: ReaderState, frame: TapsFrame, place: number, ticket: FrameTicket): void {
    const seq = frame.firstSeq + place;
    if (seq + rememberedIdentitiesMin <= reader.nextSeq - 1) {
      ticket.answer(place, Code.settledBefore);
      return;
    }
    const { districtId } = reader.entry;
    const uidStart = place * uidBytesMax;
    const card = this.#cards.find(districtId, frame.uids, uidStart, frame.uidSize[place]);
    const pupilId = card < 0 ? 0 : this.#cards.pupilId(card);
    const shard = this.#route(reader, seq, card < 0 ? frame.uids[uidStart + 3] : pupilId);
    const batch = this.#queues[shard].batchFor(1)!;
    const row = batch.take(ticket, place);
    this.#writeRecord(batch, row, reader, frame, place, ticket.receivedAt);
    batch.records.setU32(row, TapOffset.pupilId, pupilId);
    batch.records.setU32(row, TapOffset.cardId, card < 0 ? 0 : this.#cards.cardId(card));
  }

  /** A repeat goes to the shard that answered it first, whatever the card means by now. */
  #route(reader: ReaderState, seq: number, owner: number): number {
    const shards = this.#queues.length;
    if (shards === 1) return 0;
    const known = reader.routeOf(seq);
    if (known >= 0) return known;
    const shard = owner % shards;
    reader.setRoute(seq, shard);
    return shard;
  }

  #writeRecord(batch: TapBatch, row: number, reader: ReaderState, frame: TapsFrame, place: number, now: number): void {
    const { records } = batch;
    const { entry, localClock } = reader;
    records.u32.fill(0, row * wordsPerRecord, (row + 1) * wordsPerRecord);
    const readerFlags = frame.flags[place];
    const time = this.#time;
    time.correct(frame.atRawMs[place], reader.clock, readerFlags, now);
    const kind = frame.kind[place];
    records.setI64(row, TapOffset.at, time.atMs);
    records.setI64(row, TapOffset.atRaw, frame.atRawMs[place]);
    records.setI64(row, TapOffset.receivedAt, now);
    records.setI64(row, TapOffset.amountKop, frame.amountKop[place]);
    records.setU32(row, TapOffset.readerId, entry.readerId);
    records.setU32(row, TapOffset.bootEpoch, reader.bootEpoch);
    records.setU32(row, TapOffset.seq, frame.firstSeq + place);
    records.setU32(row, TapOffset.schoolId, entry.schoolId);
    records.setU32(row, TapOffset.ref, frame.ref[place]);
    // The shard replaces it by the version that it decides under.
    records.setU32(row, TapOffset.rulesVersion, reader.rulesVersion);
    records.setU32(row, TapOffset.contentHash, frame.contentHash[place]);
    records.setU16(row, TapOffset.flags, time.flags | flagsOf(readerFlags));
    records.setU16(row, TapOffset.schoolDay, localClock.schoolDay(time.atMs));
    records.setU16(row, TapOffset.localMinute, localClock.localMinute(time.atMs));
    records.setU8(row, TapOffset.kind, kind);
    records.setU8(row, TapOffset.clockQuality, time.quality);
    records.setU8(row, TapOffset.readerFlags, readerFlags);
    const forbidden = (entry.kindsMask & kindBit(kind)) === 0 ? Present.readerForbidden : 0;
    records.setU8(row, TapOffset.present, frame.present[place] | forbidden);
    records.setU8(row, TapOffset.uidSize, frame.uidSize[place]);
    const target = row * tapRecordBytes + TapOffset.uid;
    const source = place * uidBytesMax;
    for (let index = 0; index < uidBytesMax; index++) records.u8[target + index] = frame.uids[source + index];
  }
}

function flagsOf(readerFlags: number): number {
  const isOffline = (readerFlags & (ReaderFlag.letThrough | ReaderFlag.refused)) !== 0;
  const isManual = (readerFlags & ReaderFlag.byHand) !== 0;
  return (isOffline ? TapFlag.offline : 0) | (isManual ? TapFlag.manual : 0);
}
