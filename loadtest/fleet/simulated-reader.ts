import type { KeyObject } from 'node:crypto';
import { encodeBeat, encodeOutcome } from '../../ingest/protocol/encode.ts';
import { Code, ErrorCode, isAccepted } from '../../ingest/protocol/codes.ts';
import type { Ack, Err, Welcome } from '../../ingest/protocol/messages.ts';
import { limits } from '../limits.ts';
import type { PlannedTap } from '../region/model.ts';
import { privateKeyFromSeed } from '../region/keys.ts';
import type { CardTurns, Turn, TurnHolder } from './card-turns.ts';
import type { SimulatedClock } from './clock.ts';
import type { ConnectGate } from './connect-gate.ts';
import { Deeds } from './deeds.ts';
import { encodeFrame, tapsPerFrame } from './frames.ts';
import type { ReaderNoise } from './noise.ts';
import { ReaderLink, type Introduction, type LinkHandlers } from './reader-link.ts';
import { makeTap } from './make-tap.ts';
import { TapQueue, type MadeTap } from './tap-queue.ts';
import type { Sign, Tally } from './tally.ts';

export interface ReaderOptions {
  readonly readerId: number;
  readonly privateKey: string;
  readonly bootEpoch: number;
  readonly taps: readonly PlannedTap[];
  /** All taps were made while the reader was offline. */
  readonly madeOffline: boolean;
  readonly noise: ReaderNoise;
}

/** What all readers of a fleet share. */
export interface FleetContext {
  readonly url: string;
  readonly clock: SimulatedClock;
  readonly tally: Tally;
  readonly gate: ConnectGate;
  readonly tapsPerFrameMax: number;
  /** Null where every reader sends as soon as it can. */
  readonly turns: CardTurns | null;
  /** Told of every balance that an answer shows; null where nobody listens. */
  readonly onBalance: ((uid: string, balanceKop: number) => void) | null;
  /** The version of prices and rules that the readers carry. */
  readonly rulesVersion: number;
}

interface FrameInFlight {
  readonly firstSeq: number;
  readonly taps: number;
  readonly sentAtNs: bigint;
  readonly repeat: boolean;
}

/**
 * One reader: `down → connecting → streaming → down …`. It forgets a tap only once `durableSeq` has passed it, sends what
 * is unacknowledged again after every loss, stays within its credit, and holds every later answer to the first one.
 */
export class SimulatedReader implements TurnHolder {
  readonly readerId: number;
  readonly #options: ReaderOptions;
  readonly #context: FleetContext;
  readonly #key: KeyObject;
  #queue: TapQueue;
  #link: ReaderLink | null = null;
  #state: 'down' | 'connecting' | 'streaming' = 'down';
  #inFlight: FrameInFlight[] = [];
  #tapsInFlight = 0;
  /** Frames in flight that an ERR answered: which ones shows when all others are acknowledged. */
  #refusals = 0;
  #repeats: { firstSeq: number; taps: number }[] = [];
  #credit = 0;
  #frameTaps = 1;
  /** After an ERR nothing is sent until all frames in flight are answered; then from the first unacknowledged on. */
  #rewinding = false;
  #sendAfterMs = 0;
  #connectAfterMs = 0;
  #backoffMs: number = limits.backoffFirstMs;
  #downSinceMs = Date.now();
  #lastAnswerMs = 0;
  /** By simulated time where the service's clock stands with ours, else by the wall clock; as the next cut. */
  #nextBeatMs = 0;
  #nextCutMs = Infinity;
  #nextPlanned = 0;
  #rebootAtMs: number;
  #quiet = false;
  #isAway = false;
  readonly #deeds = new Deeds();
  #pings = 0;

  constructor(options: ReaderOptions, context: FleetContext) {
    this.readerId = options.readerId;
    this.#options = options;
    this.#context = context;
    this.#key = privateKeyFromSeed(options.privateKey);
    this.#queue = new TapQueue(options.bootEpoch);
    this.#rebootAtMs = options.noise.rebootAtMs;
  }

  /** Everything that was planned has been made. */
  get exhausted(): boolean {
    return this.#nextPlanned >= this.#options.taps.length;
  }

  /** Nothing is waiting to be sent or answered. */
  get settled(): boolean {
    const isSilent = this.#queue.unacked === 0 && this.#repeats.length === 0 && this.#inFlight.length === 0;
    return isSilent && this.#pings === 0 && (this.#deeds.isEmpty || !this.exhausted);
  }

  get isAway(): boolean {
    return this.#isAway;
  }

  /** Time may go on: what was made so far is answered, or waits for a connection that is away on purpose. */
  get isUpToDate(): boolean {
    return this.#isAway || (this.#state === 'streaming' && this.settled);
  }

  get unacked(): number {
    return this.#queue.unacked;
  }

  get tapsInFlight(): number {
    return this.#tapsInFlight;
  }

  /** No more taps and no more noise: what is left is only delivered. */
  quieten(): void {
    this.#quiet = true;
    this.#nextPlanned = this.#options.taps.length;
  }

  close(): void {
    this.#quiet = true;
    this.#connectAfterMs = Infinity;
    this.#link?.hangUp();
  }

  /** What happens at the reader up to a simulated time: taps are made, with or without a connection. */
  live(simulatedMs: number, wallMs: number): void {
    if (this.#rebootAtMs < simulatedMs && this.settled && !this.#quiet) this.#reboot();
    this.#isAway = this.#offlineAt(simulatedMs);
    this.#makeTaps(simulatedMs, wallMs);
  }

  /** What the reader does about its connection. All readers of a fleet have lived up to now by then. */
  tick(wallMs: number): void {
    if (this.#isAway) {
      this.#link?.hangUp();
      return;
    }
    if (this.#state === 'down') {
      if (wallMs >= this.#connectAfterMs) this.#connect();
      return;
    }
    if (this.#state !== 'streaming') return;
    const timeMs = this.#timeMs(wallMs);
    if (timeMs >= this.#nextCutMs && !this.#quiet) return this.#link?.hangUp();
    if (this.#inFlight.length > 0 && wallMs - this.#lastAnswerMs > limits.answerTimeoutMs) return this.#link?.hangUp();
    if (timeMs >= this.#nextBeatMs) this.#beat(timeMs);
    this.#pump(wallMs);
    // Cut with a frame under way: nobody here knows whether it arrived.
    if (this.#nextCutMs <= timeMs && !this.#quiet) this.#link?.hangUp();
  }

  #timeMs(wallMs: number): number {
    const { clock } = this.#context;
    return clock.isShared ? clock.nowMs() : wallMs;
  }

  #offlineAt(simulatedMs: number): boolean {
    if (this.#quiet || simulatedMs === Infinity) return false;
    return this.#options.noise.offline.some(({ fromMs, toMs }) => simulatedMs >= fromMs && simulatedMs < toMs);
  }

  #makeTaps(simulatedMs: number, wallMs: number): void {
    const { taps } = this.#options;
    for (; this.#nextPlanned < taps.length && taps[this.#nextPlanned][0] <= simulatedMs; this.#nextPlanned++) {
      const isAlone = this.#isAlone(taps[this.#nextPlanned][0], simulatedMs, wallMs);
      const made = { n: this.#nextPlanned + 1, isAlone, isAway: this.#isAway };
      this.#queue.push(makeTap(taps[this.#nextPlanned], made, this.#options.noise, this.#turnOf));
      this.#context.tally.made++;
    }
  }

  /** Nobody can be asked: the reader decides by itself. */
  #isAlone(atMs: number, simulatedMs: number, wallMs: number): boolean {
    if (this.#options.madeOffline || simulatedMs === Infinity) return this.#options.madeOffline;
    if (this.#offlineAt(atMs)) return true;
    // A clock that waits for the answers does not count the time that a connection takes.
    if (this.#context.clock.advance !== undefined) return false;
    return this.#state === 'down' && wallMs - this.#downSinceMs > limits.offlineAfterMs;
  }

  #connect(): void {
    if (!this.#context.gate.enter()) return;
    this.#state = 'connecting';
    this.#context.tally.connects++;
    this.#link = new ReaderLink(this.#context.url, this.#key, this.#handlers());
  }

  #handlers(): LinkHandlers {
    return {
      introduce: () => this.#introduce(),
      onWelcome: (welcome) => this.#welcomed(welcome),
      onAck: (ack) => this.#acked(ack),
      onCredit: (credit) => {
        this.#credit = credit;
        this.#pump(Date.now());
      },
      onError: (error) => this.#refused(error),
      onFault: (text) => this.#context.tally.countFault(`reader ${this.readerId}: ${text}`),
      onPong: () => this.#ponged(),
      onDown: () => this.#wentDown(),
    };
  }

  #introduce(): Introduction {
    const clockMs = this.#context.clock.serviceMs() + this.#options.noise.driftMs;
    const { epoch, firstUnacked } = this.#queue;
    const { rulesVersion } = this.#context;
    return { readerId: this.readerId, bootEpoch: epoch, nextSeq: firstUnacked, clockMs, rulesVersion };
  }

  #welcomed({ nextSeq, credit, maxTaps, maxBytes }: Welcome): void {
    const { noise } = this.#options;
    this.#context.gate.leave();
    this.#context.tally.connected++;
    this.#state = 'streaming';
    this.#backoffMs = this.#context.clock.isShared ? limits.backoffSharedMs : limits.backoffFirstMs;
    this.#sign('connected');
    this.#credit = credit;
    this.#frameTaps = Math.min(this.#context.tapsPerFrameMax, tapsPerFrame(maxTaps, maxBytes));
    const wallMs = Date.now();
    const timeMs = this.#timeMs(wallMs);
    const cutMsMean = noise.cutWallMsMean * (this.#context.clock.isShared ? limits.cutMsShared : 1);
    this.#nextBeatMs = timeMs + (this.#context.clock.beatEveryMs ?? limits.beatEveryMs);
    this.#nextCutMs = cutMsMean > 0 ? timeMs + noise.random.exponential(cutMsMean) : Infinity;
    const { firstUnacked, sentUpTo } = this.#queue;
    if (nextSeq > 1 && sentUpTo === 0) {
      // Somebody numbered taps in this epoch before us: ours need another one.
      this.#renumber(this.#queue.epoch + 1);
      return this.#link?.hangUp();
    }
    if (nextSeq < firstUnacked || nextSeq > sentUpTo + 1) {
      const text = `WELCOME.nextSeq ${nextSeq}, acknowledged below ${firstUnacked}, sent up to ${sentUpTo}`;
      this.#context.tally.countFault(`reader ${this.readerId}: ${text}`);
    }
    this.#settle(nextSeq - 1);
    this.#queue.nextToSend = this.#queue.firstUnacked;
    this.#pump(wallMs);
  }

  #wentDown(): void {
    if (this.#state === 'connecting') this.#context.gate.leave();
    if (this.#state === 'streaming') {
      this.#context.tally.connected--;
      this.#sign('closed');
    }
    const wallMs = Date.now();
    this.#state = 'down';
    this.#link = null;
    this.#requeueRepeats();
    this.#rewinding = false;
    this.#deeds.lost();
    this.#pings = 0;
    this.#downSinceMs = wallMs;
    const jitter = this.#options.noise.random.between(0.5, 1);
    this.#connectAfterMs = Math.max(this.#connectAfterMs, wallMs + this.#backoffMs * jitter);
    this.#backoffMs = Math.min(this.#backoffMs * 2, limits.backoffMaxMs);
  }

  #reboot(): void {
    this.#queue = new TapQueue(this.#queue.epoch + 1);
    this.#deeds.clear();
    this.#rebootAtMs = Infinity;
    this.#context.tally.reboots++;
    this.#link?.hangUp();
  }

  #pump(wallMs: number): void {
    if (this.#state !== 'streaming' || this.#rewinding || wallMs < this.#sendAfterMs) return;
    while (this.#repeats.length > 0) {
      const { firstSeq, taps } = this.#repeats[0];
      if (this.#queue.tap(firstSeq) && !this.#send(firstSeq, taps, true)) return;
      this.#repeats.shift();
    }
    while (this.#queue.nextToSend < this.#queue.nextSeq) {
      const taps = this.#tapsInTurn(this.#queue.nextToSend);
      if (taps === 0 || !this.#send(this.#queue.nextToSend, taps, false)) return;
    }
    if (this.exhausted) this.#tellOutcomes();
  }

  readonly #turnOf = (uid: string, atMs: number, n: number): Turn | null =>
    this.#context.turns?.made(uid, this, atMs, n) ?? null;

  /** How many taps from a seq on may go out in one frame. */
  #tapsInTurn(firstSeq: number): number {
    const { turns } = this.#context;
    if (turns === null) return this.#frameTaps;
    let taps = 0;
    for (; taps < this.#frameTaps; taps++) {
      const turn = this.#queue.tap(firstSeq + taps)?.turn;
      if (!turn || !turns.isNext(turn)) break;
      turn.isSent = true;
    }
    return taps;
  }

  /** Told once everything is answered: no later tap of the pupil then changes what the deed does. */
  #tellOutcomes(): void {
    if (this.#queue.unacked > 0) return;
    const deeds = this.#deeds.tell();
    for (const { seq, deed } of deeds) this.#link?.send(encodeOutcome({ seq, deed: deed ? 1 : 0 }));
    if (deeds.length > 0) this.#ping();
  }

  /** Whatever was sent before is read when the answer comes. */
  #ping(): void {
    if (this.#link?.ping()) this.#pings++;
  }

  #ponged(): void {
    this.#pings--;
    if (this.#pings > 0) return;
    const { epoch } = this.#queue;
    for (const { seq, deed } of this.#deeds.read()) {
      this.#context.tally.countOutcome({ reader: this.readerId, epoch, seq }, deed);
    }
  }

  #sign(event: Sign['event'], queued = 0, oldestMs: number | null = null): void {
    const { clock, tally } = this.#context;
    const { driftMs } = this.#options.noise;
    const rest = { queued, oldest_ms: oldestMs, drift_ms: driftMs };
    tally.countSign({ reader: this.readerId, event, at_ms: clock.serviceMs(), ...rest });
  }

  /** Sends one frame; false where the credit does not allow it. A repeat goes as a whole or not at all. */
  #send(firstSeq: number, tapsMax: number, repeat: boolean): boolean {
    const allowed = this.#credit - this.#tapsInFlight;
    if (allowed < (repeat ? Math.min(tapsMax, this.#credit) : 1)) return false;
    const { bytes, taps } = encodeFrame(this.#queue, firstSeq, Math.min(tapsMax, allowed));
    if (this.#inFlight.length === 0) this.#lastAnswerMs = Date.now();
    this.#inFlight.push({ firstSeq, taps, sentAtNs: process.hrtime.bigint(), repeat });
    this.#tapsInFlight += taps;
    this.#link?.send(bytes);
    if (repeat) this.#context.tally.repeated += taps;
    else this.#countSent(firstSeq, taps);
    const { random, cutsInFlight } = this.#options.noise;
    if (!repeat && random.chance(cutsInFlight)) this.#nextCutMs = 0;
    return true;
  }

  #countSent(firstSeq: number, taps: number): void {
    const end = firstSeq + taps;
    const fresh = Math.max(0, end - 1 - Math.max(this.#queue.sentUpTo, firstSeq - 1));
    this.#queue.sentUpTo = Math.max(this.#queue.sentUpTo, end - 1);
    this.#queue.nextToSend = end;
    this.#context.tally.countSent(fresh);
    this.#context.tally.retransmitted += taps - fresh;
  }

  /** Takes the answered frame out of flight. */
  #answered(place: number): FrameInFlight | undefined {
    const [frame] = this.#inFlight.splice(place, 1);
    this.#lastAnswerMs = Date.now();
    if (frame) this.#tapsInFlight -= frame.taps;
    return frame;
  }

  #acked({ durableSeq, credit, firstSeq, codes, balances }: Ack): void {
    const place = this.#inFlight.findIndex((frame) => frame.firstSeq === firstSeq && frame.taps === codes.length);
    if (place < 0 || place > this.#refusals) {
      this.#context.tally.countFault(`reader ${this.readerId}: ACK of ${firstSeq} is out of order`);
    }
    const frame = this.#answered(Math.max(place, 0));
    if (frame && !frame.repeat) this.#context.tally.countLatency(process.hrtime.bigint() - frame.sentAtNs);
    this.#credit = credit;
    for (let offset = 0; offset < codes.length; offset++) {
      const seq = firstSeq + offset;
      if (seq > durableSeq) continue;
      this.#takeAnswer(seq, codes[offset], frame?.repeat ?? false);
      this.#showBalance(seq, balances?.[offset] ?? null);
    }
    if (durableSeq > this.#queue.sentUpTo) {
      this.#context.tally.countFault(`reader ${this.readerId}: durableSeq ${durableSeq} was never sent`);
    }
    this.#settle(durableSeq);
    if (durableSeq < firstSeq + codes.length - 1) this.#rewind(limits.retryDefaultMs);
    else if (frame && !frame.repeat && this.#resendsNow()) this.#repeats.push({ firstSeq, taps: codes.length });
    this.#resume();
  }

  #resendsNow(): boolean {
    const { random, resends } = this.#options.noise;
    return random.chance(resends) && this.#repeats.length < limits.repeatsQueuedMax;
  }

  #takeAnswer(seq: number, code: number, repeat: boolean): void {
    const { tally } = this.#context;
    const tap = this.#queue.tap(seq);
    if (!tap || code === Code.retryLater) return;
    if (repeat) tally.repeatsAnswered++;
    const first = this.#queue.answer(seq);
    if (first === 0) {
      this.#queue.setAnswer(seq, code);
      if (tap.order === 0) tap.order = tally.nextOrder();
      if (tap.ownDeed !== null && tap.ownDeed !== isAccepted(code)) this.#deeds.add({ seq, deed: tap.ownDeed });
      const identity = { reader: this.readerId, epoch: this.#queue.epoch, seq };
      tally.countAnswer(identity, tap, code, this.#context.clock.serviceMs());
    } else if (code === Code.settledBefore) tally.repeatsForgotten++;
    else if (first !== code) {
      tally.countMismatch({ identity: `${this.readerId}:${this.#queue.epoch}:${seq}`, first, later: code });
    }
  }

  #showBalance(seq: number, balanceKop: number | null): void {
    const tap = this.#queue.tap(seq);
    if (tap && balanceKop !== null) this.#context.onBalance?.(tap.uid, balanceKop);
  }

  /** What was settled without an answer seen (the acknowledgement was lost) is asked for again. */
  #settle(durableSeq: number): void {
    const before = this.#queue.firstUnacked;
    const silent = this.#queue.settle(durableSeq, (tap) => this.#settled(tap));
    this.#context.tally.countAcked(this.#queue.firstUnacked - before);
    for (let from = 0; from < silent.length;) {
      let to = from + 1;
      while (to < silent.length && to - from < this.#frameTaps && silent[to] === silent[to - 1] + 1) to++;
      this.#repeats.push({ firstSeq: silent[from], taps: to - from });
      from = to;
    }
  }

  #settled(tap: MadeTap): void {
    if (tap.order === 0) tap.order = this.#context.tally.nextOrder();
    if (tap.turn !== null) this.#context.turns?.settle(tap.turn);
  }

  /** Nothing is in flight any more; repeats that were not answered are due again. */
  #requeueRepeats(): void {
    for (const { firstSeq, taps, repeat } of this.#inFlight) if (repeat) this.#repeats.push({ firstSeq, taps });
    this.#inFlight = [];
    this.#tapsInFlight = 0;
    this.#refusals = 0;
  }

  #rewind(waitMs: number): void {
    this.#rewinding = true;
    this.#sendAfterMs = Math.max(this.#sendAfterMs, Date.now() + waitMs);
  }

  #resume(): void {
    if (this.#rewinding && this.#inFlight.length === this.#refusals) {
      this.#rewinding = false;
      this.#requeueRepeats();
      this.#queue.nextToSend = this.#queue.firstUnacked;
    }
    this.#pump(Date.now());
  }

  #refused({ code, fatal, message, retryMs }: Err): void {
    this.#context.tally.countError(code);
    if (code === ErrorCode.epochOld) this.#raiseEpoch(message);
    if (fatal || this.#state !== 'streaming') {
      this.#connectAfterMs = Date.now() + (retryMs ?? 0);
      return this.#link?.hangUp();
    }
    this.#refusals++;
    this.#lastAnswerMs = Date.now();
    this.#rewind(code === ErrorCode.notNow ? (retryMs ?? limits.retryDefaultMs) : 0);
    this.#resume();
  }

  /** ERR 11 names the known epoch: the last number in its words, for the first may be ours. */
  #raiseEpoch(message: string): void {
    const known = Number(message.match(/\d+/g)?.at(-1) ?? 0);
    this.#renumber(Math.max(known, this.#queue.epoch) + 1);
  }

  #renumber(epoch: number): void {
    const next = new TapQueue(epoch);
    for (const tap of this.#queue.pending()) next.push(tap);
    this.#queue = next;
    this.#repeats = [];
    this.#deeds.clear();
  }

  #beat(timeMs: number): void {
    const oldest = this.#queue.tap(this.#queue.firstUnacked);
    const clockMs = this.#context.clock.serviceMs() + this.#options.noise.driftMs;
    const queued = this.#queue.unacked;
    const { rulesVersion } = this.#context;
    const oldestMs = oldest?.atMs ?? null;
    this.#link?.send(encodeBeat({ clockMs, queued, oldestMs, rulesVersion }));
    this.#sign('beat', queued, oldestMs);
    // The clock must not go on before the service has noted the time of it.
    if (this.#context.clock.isShared) this.#ping();
    this.#nextBeatMs = timeMs + (this.#context.clock.beatEveryMs ?? limits.beatEveryMs);
  }
}
