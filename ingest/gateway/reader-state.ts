import type { LocalClock } from '../registry/local-time.ts';
import type { ReaderEntry } from '../registry/directory.ts';
import { rememberedIdentitiesMin } from '../protocol/limits.ts';
import { ReaderClock } from './clock.ts';
import { FrameTicket } from './frame-ticket.ts';

/** A live connection of a reader, as its state needs it. */
export interface Connection {
  /** Tells the reader that a newer connection took over, and closes. */
  supersede(): void;
  /** Ends the connection of a reader that was revoked. */
  revoke(): void;
  /** Passes on what `work` sends in as few system calls as it can. */
  together(work: () => void): void;
}

/** What the last BEAT said. */
export interface BeatState {
  at: number;
  queued: number;
  oldestMs: number | null;
  rulesVersion: number;
}

const noRoute = 0;

/**
 * What the gateway knows of one reader, whatever connection it uses: how far its taps are taken in and durable, and the
 * frames in between. Frames are answered in their order; `durableSeq` is what the reader may forget.
 */
export class ReaderState {
  readonly entry: ReaderEntry;
  localClock: LocalClock;
  bootEpoch = 0;
  /** The seq that the next new tap must have. */
  nextSeq = 1;
  durableSeq = 0;
  /** The greatest `durableSeq` that the reader was told. */
  toldSeq = 0;
  /** Taps of the newest connection that are not answered yet. */
  inFlightTaps = 0;
  creditRound = 0;
  readonly clock = new ReaderClock();
  /** Our clock less the reader's, at its last HELLO or BEAT: what the fleet operator sees. */
  driftMs = 0;
  connection: Connection | undefined;
  /** The key that the last HELLO was signed with. */
  publicKey: Uint8Array | undefined;
  /** Session tokens issued up to then died with a revocation. */
  tokensDeadUntilMs = 0;
  connectedSinceMs = 0;
  lastSeenMs = 0;
  beat: BeatState | undefined;
  /** What the reader said last of the rules that it carries; 0 for none. */
  rulesVersion = 0;
  /** OUTCOMEs that were taken in and are not done yet. */
  outcomesWaiting = 0;
  gaps = 0;
  firmware = '';
  readonly #tickets: FrameTicket[] = [];
  /** With several shards: which of them answered a seq (plus one), and in which round of the ring. */
  #routes: Uint16Array | undefined;

  constructor(entry: ReaderEntry, localClock: LocalClock) {
    this.entry = entry;
    this.localClock = localClock;
  }

  /** The reader lost its counter or its queue: its seq begins at 1 again. */
  beginEpoch(bootEpoch: number): void {
    this.bootEpoch = bootEpoch;
    this.nextSeq = 1;
    this.durableSeq = 0;
    this.toldSeq = 0;
    this.clock.reset();
    this.beginCredit();
    this.#routes?.fill(noRoute);
  }

  /** A reader that comes in is told its whole credit, whatever of an older connection is still on its way. */
  beginCredit(): void {
    this.creditRound += 1;
    this.inFlightTaps = 0;
  }

  /** Frames whose answers are due. */
  get inFlightFrames(): number {
    return this.#tickets.length;
  }

  /** The shard that has answered this seq, or -1. */
  routeOf(seq: number): number {
    const route = this.#routes?.[seq % rememberedIdentitiesMin] ?? noRoute;
    return route >>> 8 === roundOf(seq) ? (route & 255) - 1 : -1;
  }

  setRoute(seq: number, shard: number): void {
    this.#routes ??= new Uint16Array(rememberedIdentitiesMin);
    this.#routes[seq % rememberedIdentitiesMin] = (roundOf(seq) << 8) | (shard + 1);
  }

  /** A frame was taken in; its answer goes out after those before it. */
  push(ticket: FrameTicket): void {
    this.#tickets.push(ticket);
    this.inFlightTaps += ticket.count;
  }

  /** Runs `work` once every frame that was taken in before is answered. */
  after(receivedAtMs: number, work: () => void): void {
    if (this.inFlightFrames === 0) work();
    else this.push(new FrameTicket(this, this.nextSeq, 0, { ack: work }, receivedAtMs));
  }

  /** Answers the frames that are complete, in order. */
  flush(): void {
    if (!this.#isComplete(0)) return;
    // A frame alone, the usual case, is one system call anyway.
    if (this.connection !== undefined && this.#isComplete(1)) this.connection.together(() => this.#answerComplete());
    else this.#answerComplete();
  }

  #isComplete(place: number): boolean {
    return place < this.#tickets.length && this.#tickets[place].isComplete;
  }

  #answerComplete(): void {
    let answered = 0;
    while (this.#isComplete(answered)) {
      const ticket = this.#tickets[answered++];
      if (ticket.creditRound === this.creditRound) this.inFlightTaps -= ticket.count;
      if (ticket.bootEpoch === this.bootEpoch) this.durableSeq = Math.max(this.durableSeq, ticket.lastSeq);
      ticket.replies.ack(ticket);
    }
    this.#tickets.splice(0, answered);
  }
}

/** Which time round the ring of remembered identities a seq comes, in 8 bits: tells a seq from the one it replaces. */
function roundOf(seq: number): number {
  return Math.floor(seq / rememberedIdentitiesMin) & 255;
}
