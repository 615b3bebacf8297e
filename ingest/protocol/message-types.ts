/** The first element of every message. */
export const MessageType = {
  hello: 1,
  taps: 2,
  outcome: 3,
  beat: 4,
  challenge: 128,
  welcome: 129,
  ack: 130,
  err: 131,
  credit: 132,
} as const;

/** Reader → server. `nextSeq`: the first seq that the reader holds unacknowledged. */
export interface Hello {
  readonly type: 'hello';
  readonly version: number;
  readonly readerId: number;
  readonly bootEpoch: number;
  readonly nextSeq: number;
  readonly clockMs: number;
  readonly firmware: string;
  readonly rulesVersion: number;
  readonly signature: Uint8Array;
  /** The nonce that was signed, for transports where requests of one reader share no connection; null if not sent. */
  readonly nonce: Uint8Array | null;
}

/** One tap on the wire; its seq is the frame's `firstSeq` plus its place, its reader time `baseMs + deltaMs`. */
export interface WireTap {
  readonly uid: Uint8Array;
  readonly kind: number;
  readonly deltaMs: number;
  readonly amountKop: number | null;
  readonly ref: number | null;
  readonly flags: number | null;
}

/** Reader → server. */
export interface Taps {
  readonly type: 'taps';
  readonly firstSeq: number;
  readonly baseMs: number;
  readonly taps: readonly WireTap[];
}

/** Reader → server. `deed` 1: let through or sold, 0: refused. */
export interface Outcome {
  readonly type: 'outcome';
  readonly seq: number;
  readonly deed: number;
}

/** Reader → server, every `beatIntervalMs`. `oldestMs`: reader time of the oldest queued tap. */
export interface Beat {
  readonly type: 'beat';
  readonly clockMs: number;
  readonly queued: number;
  readonly oldestMs: number | null;
  readonly rulesVersion: number;
}

/** Server → reader. */
export interface Challenge {
  readonly type: 'challenge';
  readonly nonce: Uint8Array;
  readonly serverMs: number;
}

/**
 * Server → reader. `nextSeq`: the first seq that is not durable; `maxTaps` and `maxBytes` bound one frame. `rulesVersion`:
 * of the rules in force, null if not sent.
 */
export interface Welcome {
  readonly type: 'welcome';
  readonly serverMs: number;
  readonly nextSeq: number;
  readonly credit: number;
  readonly maxTaps: number;
  readonly maxBytes: number;
  readonly sessionToken: string;
  readonly clockOffsetMs: number;
  readonly rulesVersion: number | null;
}

/** Server → reader. `codes`: one decision code a tap from `firstSeq` on; `balances`: kopecks to show, or null. */
export interface Ack {
  readonly type: 'ack';
  readonly durableSeq: number;
  readonly credit: number;
  readonly firstSeq: number;
  readonly codes: Uint8Array;
  readonly balances: readonly (number | null)[] | null;
}

/** Server → reader. `offset`: the byte of the refused frame, where one is to blame. */
export interface Err {
  readonly type: 'err';
  readonly code: number;
  readonly message: string;
  readonly fatal: boolean;
  readonly retryMs: number | null;
  readonly offset: number | null;
}

/** Server → reader: taps that may now be sent and not yet acknowledged. */
export interface Credit {
  readonly type: 'credit';
  readonly credit: number;
}

export type Message = Hello | Taps | Outcome | Beat | Challenge | Welcome | Ack | Err | Credit;
