import { encodeAck, encodeErr } from '../protocol/encode.ts';
import { ErrorCode, errorCodeRow } from '../protocol/codes.ts';
import { creditTapsMax, malformedInRowMax } from '../protocol/limits.ts';
import { decodeMessage, type Hello, MessageType, type Outcome, peekType } from '../protocol/messages.ts';
import { TapsFrame } from '../protocol/taps-frame.ts';
import type { AckLog } from './ack-log.ts';
import type { ReaderWatch } from '../telemetry/reader-watch.ts';
import type { FrameTicket } from './frame-ticket.ts';
import type { Intake, Refusal } from './intake.ts';
import { framesInFlightMax } from './limits.ts';
import type { Outcomes } from './outcomes.ts';
import type { Quarantine } from './quarantine.ts';
import type { GatewayCounters } from './counters.ts';
import type { ReaderState } from './reader-state.ts';
import type { Readers } from './readers.ts';

/** What every session of the gateway shares. */
export interface SessionContext {
  readonly readers: Readers;
  readonly intake: Intake;
  readonly outcomes: Outcomes;
  readonly ackLog: AckLog;
  readonly quarantine: Quarantine;
  readonly counters: GatewayCounters;
  readonly watch: ReaderWatch;
  readonly now: () => number;
}

/** One frame at a time is decoded, so one scratch serves all sessions. */
const frame = new TapsFrame();

export interface DecodedFrame {
  readonly frame: TapsFrame;
  readonly refusal: ErrRefusal | undefined;
}

export interface ErrRefusal extends Refusal {
  readonly offset: number | null;
}

/** Decodes a TAPS frame into the shared scratch, which is good until the next call. */
export function decodeTaps(bytes: Uint8Array): DecodedFrame {
  const code = frame.decode(bytes);
  if (code === 0) return { frame, refusal: undefined };
  return { frame, refusal: { code, message: frame.errorMessage, retryMs: null, offset: frame.errorOffset } };
}

/** The ACK of a frame, and the note that its seqs were acknowledged. */
export function encodeAckOf(ticket: FrameTicket, state: ReaderState, context: SessionContext): Uint8Array {
  const { counters, ackLog } = context;
  const durableSeq = ticket.bootEpoch === state.bootEpoch ? state.durableSeq : ticket.lastSeq;
  counters.ackedTaps += ticket.count;
  counters.ackedFrames += 1;
  counters.ackLatencyUs.record(Math.max(1, Math.round((performance.now() - ticket.arrivedMs) * 1000)));
  if (ticket.bootEpoch === state.bootEpoch) noteTold(state, ackLog);
  const { firstSeq, codes, balances } = ticket;
  return encodeAck({ durableSeq, credit: creditTapsMax, firstSeq, codes, balances });
}

/** Notes that the reader is told how far it is durable: by an ACK, and by a WELCOME as well. */
export function noteTold(state: ReaderState, ackLog: AckLog): void {
  const { bootEpoch, durableSeq } = state;
  if (durableSeq <= state.toldSeq) return;
  state.toldSeq = durableSeq;
  ackLog.note({ readerId: state.entry.readerId, bootEpoch, toldSeq: durableSeq });
}

export function encodeRefusal(refusal: Refusal & { offset?: number | null }, fatal: boolean): Uint8Array {
  const { code, message, retryMs, offset = null } = refusal;
  return encodeErr({ code, message, fatal, retryMs, offset });
}

export function isFatal(code: number): boolean {
  return errorCodeRow(code)?.fatal === true;
}

/** Sends bytes to one reader, and closes its connection. */
export interface Wire {
  /** False when the bytes were dropped: the reader does not read. */
  send(bytes: Uint8Array): boolean;
  /** Passes on what `work` sends in as few system calls as it can. */
  together(work: () => void): void;
  close(code: number): void;
}

/**
 * The conversation with one reader on one connection: HELLO, then frames. Knows no socket, so that it can be driven by a
 * simulation as well.
 */
export class ReaderSession {
  state: ReaderState | undefined;
  readonly #context: SessionContext;
  readonly #wire: Wire;
  readonly #nonce: Uint8Array;
  #malformedInRow = 0;
  #isVerifying = false;
  /** A fatal refusal waits for the answers before it; nothing more is listened to. */
  #isEnding = false;
  #isClosed = false;

  constructor(context: SessionContext, wire: Wire, nonce: Uint8Array) {
    this.#context = context;
    this.#wire = wire;
    this.#nonce = nonce;
  }

  get isWelcomed(): boolean {
    return this.state !== undefined;
  }

  /** The socket is gone, for whatever reason. */
  closed(): void {
    this.#isClosed = true;
    if (this.state !== undefined) this.#leave(this.state);
  }

  /** One message came in; the bytes are ours until this returns. */
  message(bytes: Uint8Array): void {
    if (this.#isClosed || this.#isEnding) return;
    const type = peekType(bytes);
    if (this.state === undefined) return this.#beforeHello(bytes, type);
    this.state.lastSeenMs = this.#context.now();
    if (type === MessageType.taps) return this.#taps(this.state, bytes);
    this.#other(this.state, bytes);
  }

  /** A text message came in: none is part of the protocol. */
  text(bytes: Uint8Array): void {
    if (this.#isClosed || this.#isEnding) return;
    const message = 'expected a binary message, found text';
    this.#malformed(bytes, { code: ErrorCode.malformed, message, retryMs: null, offset: 0 });
  }

  ack(ticket: FrameTicket): void {
    if (this.#isClosed || this.state === undefined) return;
    const sent = this.#wire.send(encodeAckOf(ticket, this.state, this.#context));
    // A dropped ack would leave the reader waiting: closed, it comes back and is told what is durable.
    if (!sent) this.#end(ErrorCode.notNow);
  }

  supersede(): void {
    this.refuse({ code: ErrorCode.superseded, message: 'superseded by a newer connection', retryMs: null });
  }

  revoke(): void {
    this.refuse({ code: ErrorCode.readerUnknown, message: 'the reader was revoked or got another key', retryMs: null });
  }

  together(work: () => void): void {
    if (this.#isClosed) work();
    else this.#wire.together(work);
  }

  /** The reader did not say HELLO in time. */
  helloTimedOut(): void {
    if (this.state === undefined) {
      this.refuse({ code: ErrorCode.helloMissing, message: 'no HELLO within the time for it', retryMs: null });
    }
  }

  /** Refuses at once, whatever answers are due. */
  refuse(refusal: Refusal & { offset?: number | null }, fatal = isFatal(refusal.code)): void {
    if (this.#isClosed) return;
    this.#context.counters.countError(refusal.code);
    const sent = this.#wire.send(encodeRefusal(refusal, fatal));
    if (fatal || !sent) this.#end(refusal.code);
  }

  /** Refuses a frame behind the answers to those before it: frames of one connection are answered in order. */
  #refuseInOrder(refusal: Refusal & { offset?: number | null }): void {
    const fatal = isFatal(refusal.code) || this.#malformedInRow >= malformedInRowMax;
    const { state } = this;
    if (state === undefined || state.inFlightFrames === 0 || state.inFlightFrames >= framesInFlightMax) {
      return this.refuse(refusal, fatal);
    }
    this.#isEnding = fatal;
    state.after(this.#context.now(), () => this.refuse(refusal, fatal));
  }

  #beforeHello(bytes: Uint8Array, type: number): void {
    if (type !== MessageType.hello || this.#isVerifying) {
      const message = this.#isVerifying ? 'wait for WELCOME before sending on' : 'say HELLO first';
      if (type > 0) return this.refuse({ code: ErrorCode.helloMissing, message, retryMs: null });
    }
    const decoded = decodeMessage(bytes.slice());
    if (!decoded.ok) return this.#malformed(bytes, { ...decoded, retryMs: null });
    if (decoded.message.type !== 'hello') {
      return this.refuse({ code: ErrorCode.helloMissing, message: 'say HELLO first', retryMs: null });
    }
    this.#isVerifying = true;
    void this.#hello(decoded.message);
  }

  async #hello(hello: Hello): Promise<void> {
    const result = await this.#context.readers.hello(hello, [this.#nonce], this, () => !this.#isClosed);
    this.#isVerifying = false;
    if (!('welcome' in result)) return this.refuse(result);
    if (this.#isClosed) return this.#leave(result.state);
    this.state = result.state;
    this.#context.counters.hellos += 1;
    this.#context.watch.connected(result.state);
    noteTold(result.state, this.#context.ackLog);
    this.#wire.send(result.welcome);
  }

  /** A newer connection of the reader stays. */
  #leave(state: ReaderState): void {
    if (state.connection !== this) return;
    state.connection = undefined;
    this.#context.watch.closed(state);
  }

  #taps(state: ReaderState, bytes: Uint8Array): void {
    const { frame, refusal } = decodeTaps(bytes);
    if (refusal !== undefined) return this.#malformed(bytes, refusal);
    this.#malformedInRow = 0;
    const refused = this.#context.intake.take(state, frame, this.#context.now(), this);
    if (refused !== undefined) this.#refuseInOrder(refused);
  }

  #other(state: ReaderState, bytes: Uint8Array): void {
    const decoded = decodeMessage(bytes);
    if (!decoded.ok) return this.#malformed(bytes, { ...decoded, retryMs: null });
    const { message } = decoded;
    if (message.type === 'beat') {
      this.#malformedInRow = 0;
      const { queued, oldestMs, rulesVersion } = message;
      state.beat = { at: this.#context.now(), queued, oldestMs, rulesVersion };
      state.rulesVersion = rulesVersion;
      state.driftMs = this.#context.now() - message.clockMs;
      this.#context.counters.beats += 1;
      this.#context.watch.beat(state);
    } else if (message.type === 'outcome') {
      this.#outcome(state, message, bytes);
    } else {
      const what = `a reader does not send ${message.type} here`;
      this.#malformed(bytes, { code: ErrorCode.malformed, message: what, retryMs: null, offset: 1 });
    }
  }

  #outcome(state: ReaderState, outcome: Outcome, bytes: Uint8Array): void {
    this.#malformedInRow = 0;
    const refused = this.#context.outcomes.take(state, outcome, bytes);
    if (refused !== undefined) this.#refuseInOrder(refused);
  }

  #malformed(bytes: Uint8Array, refusal: ErrRefusal): void {
    if (refusal.code === ErrorCode.malformed) this.#malformedInRow += 1;
    this.#context.quarantine.keep(this.state?.entry.readerId ?? 0, bytes, refusal.message, this.#context.now());
    this.#refuseInOrder(refusal);
  }

  #end(code: number): void {
    this.closed();
    // 4000–4999 is for the application (RFC 6455, 7.4.2).
    this.#wire.close(4000 + code);
  }
}
