import type { Hello } from '../protocol/messages.ts';
import { creditTapsMax, frameBytesMax, rememberedIdentitiesMin, tapsPerFrameMax } from '../protocol/limits.ts';
import { ErrorCode } from '../protocol/codes.ts';
import { encodeWelcome } from '../protocol/encode.ts';
import type { Directory, ReaderEntry } from '../registry/directory.ts';
import { LocalClock } from '../registry/local-time.ts';
import type { AnsweredIdentities } from '../../workers/shard/shard.ts';
import { hellosPendingMax, retryAfterMs } from './limits.ts';
import { type Connection, ReaderState } from './reader-state.ts';
import type { Refusal } from './intake.ts';
import { isSignedBy } from './signatures.ts';
import { keyTagOf, type SessionTokens } from './tokens.ts';

export interface Welcomed {
  readonly state: ReaderState;
  /** The encoded WELCOME. */
  readonly welcome: Uint8Array;
}

/** All readers' states, and the way in: HELLO, session token, revocation. */
export class Readers {
  readonly #directory: Directory;
  readonly #tokens: SessionTokens;
  readonly #now: () => number;
  readonly #states = new Map<number, ReaderState>();
  readonly #clocks = new Map<string, LocalClock>();
  #hellosPending = 0;

  constructor(directory: Directory, tokens: SessionTokens, now: () => number) {
    this.#directory = directory;
    this.#tokens = tokens;
    this.#now = now;
  }

  states(): IterableIterator<ReaderState> {
    return this.#states.values();
  }

  find(readerId: number): ReaderState | undefined {
    return this.#states.get(readerId);
  }

  /** Rebuilds how far each reader is durable from what every shard has answered. */
  restore(byShard: readonly (readonly AnsweredIdentities[])[]): void {
    const epochs = new Map<number, number>();
    const answered = byShard.map((shard) => new Map(shard.map((one) => [one.readerId, one])));
    for (const { readerId, bootEpoch } of byShard.flat()) {
      epochs.set(readerId, Math.max(epochs.get(readerId) ?? 0, bootEpoch));
    }
    for (const [readerId, bootEpoch] of epochs) {
      const entry = this.#directory.readers.get(readerId);
      if (entry === undefined) continue;
      const state = this.#stateOf(entry);
      state.beginEpoch(bootEpoch);
      const ofEpoch = answered
        .map((shard) => shard.get(readerId))
        .map((one) => (one?.bootEpoch === bootEpoch ? one.runs : []));
      restoreSequence(state, ofEpoch);
    }
    this.dropRevoked();
  }

  /**
   * Lets a reader in that signed one of these nonces. `connection` then is the reader's; an older one is superseded.
   * `useNonce` is asked once with the nonce that was signed, and may refuse it: used before, or the connection is gone.
   */
  async hello(
    hello: Hello,
    nonces: readonly Uint8Array[],
    connection: Connection | undefined,
    useNonce: (nonce: Uint8Array) => boolean = () => true,
  ): Promise<Welcomed | Refusal> {
    const entry = this.#directory.readers.get(hello.readerId);
    if (entry === undefined || entry.revoked) return unknownReader(hello.readerId);
    if (this.#hellosPending >= hellosPendingMax) {
      return { code: ErrorCode.notNow, message: 'not now: too many readers connect', retryMs: retryAfterMs };
    }
    const { publicKey } = entry;
    const nonce = await this.#signedNonce(entry, hello, nonces);
    if (nonce === undefined || !useNonce(nonce)) {
      return { code: ErrorCode.unauthentic, message: 'bad signature', retryMs: null };
    }
    // While the signature was checked the reader may have been revoked, or come in by another connection.
    if (entry.revoked) return unknownReader(hello.readerId);
    return this.#admit(entry, hello, connection, publicKey);
  }

  /** The state behind a session token, or why it is not accepted. */
  byToken(token: string): ReaderState | Refusal {
    const claims = this.#tokens.check(token, this.#now());
    if (claims === undefined) return { code: ErrorCode.unauthentic, message: 'bad session token', retryMs: null };
    const entry = this.#directory.readers.get(claims.readerId);
    if (entry === undefined || entry.revoked) return unknownReader(claims.readerId);
    const state = this.#stateOf(entry);
    const isDead = claims.keyTag !== keyTagOf(entry.publicKey) || claims.issuedMs <= state.tokensDeadUntilMs;
    if (isDead) return { code: ErrorCode.unauthentic, message: 'bad session token', retryMs: null };
    if (claims.bootEpoch < state.bootEpoch) return oldEpoch(state);
    // A token outlives a restart of the service, which then knows neither the epoch without taps, nor clock and rules.
    if (claims.bootEpoch > state.bootEpoch) {
      // A connection of the older epoch would go on numbering its taps into the newer one.
      state.connection?.supersede();
      state.connection = undefined;
      state.beginEpoch(claims.bootEpoch);
    }
    if (state.lastSeenMs === 0) {
      state.clock.restore(claims.clockOffsetMs);
      state.driftMs = claims.clockOffsetMs;
      state.rulesVersion = claims.rulesVersion;
    }
    return state;
  }

  /** Ends the connections and tokens of readers that are revoked by now, or have another key than they came in with. */
  dropRevoked(): void {
    for (const entry of this.#directory.readers.values()) {
      const state = entry.revoked ? this.#stateOf(entry) : this.#states.get(entry.readerId);
      if (state === undefined) continue;
      if (entry.revoked) state.tokensDeadUntilMs = this.#now();
      const isSameKey = state.publicKey === undefined || Buffer.compare(state.publicKey, entry.publicKey) === 0;
      if (entry.revoked || !isSameKey) state.connection?.revoke();
    }
  }

  async #signedNonce(entry: ReaderEntry, hello: Hello, nonces: readonly Uint8Array[]): Promise<Uint8Array | undefined> {
    this.#hellosPending += 1;
    try {
      for (const nonce of nonces) if (await isSignedBy(entry, hello, nonce)) return nonce;
      return undefined;
    } finally {
      this.#hellosPending -= 1;
    }
  }

  #admit(
    entry: ReaderEntry,
    hello: Hello,
    connection: Connection | undefined,
    publicKey: Uint8Array,
  ): Welcomed | Refusal {
    const state = this.#stateOf(entry);
    if (hello.bootEpoch < state.bootEpoch) return oldEpoch(state);
    if (hello.bootEpoch > state.bootEpoch) state.beginEpoch(hello.bootEpoch);
    const now = this.#now();
    const older = state.connection;
    state.connection = connection;
    older?.supersede();
    state.publicKey = publicKey;
    state.beginCredit();
    state.connectedSinceMs = now;
    state.lastSeenMs = now;
    state.firmware = hello.firmware;
    state.rulesVersion = hello.rulesVersion;
    state.clock.shown(hello.clockMs, now);
    state.driftMs = state.clock.offsetMs;
    const welcome = encodeWelcome({
      serverMs: now,
      nextSeq: state.durableSeq + 1,
      credit: creditTapsMax,
      maxTaps: tapsPerFrameMax,
      maxBytes: frameBytesMax,
      sessionToken: this.#tokens.issue({
        readerId: entry.readerId,
        bootEpoch: hello.bootEpoch,
        clockOffsetMs: state.clock.offsetMs,
        rulesVersion: state.rulesVersion,
        issuedMs: now,
        keyTag: keyTagOf(publicKey),
      }),
      clockOffsetMs: state.clock.offsetMs,
      rulesVersion: this.#directory.rulesVersion,
    });
    return { state, welcome };
  }

  #stateOf(entry: ReaderEntry): ReaderState {
    let state = this.#states.get(entry.readerId);
    if (state === undefined) {
      state = new ReaderState(entry, this.#clockOf(entry.timeZone));
      this.#states.set(entry.readerId, state);
    }
    state.localClock = this.#clockOf(entry.timeZone);
    return state;
  }

  #clockOf(timeZone: string): LocalClock {
    let clock = this.#clocks.get(timeZone);
    if (clock === undefined) {
      clock = new LocalClock(timeZone);
      this.#clocks.set(timeZone, clock);
    }
    return clock;
  }
}

/** True for a refusal, as against anything that was let in. */
export function isRefusal(result: Welcomed | ReaderState | Refusal): result is Refusal {
  return 'retryMs' in result;
}

/**
 * A frame's taps may lie in several shards, and a crash may have kept only some of them: the first seq that no shard has
 * is where the reader goes on. A hole can only lie among the taps that were in flight, all of which are remembered.
 */
function restoreSequence(state: ReaderState, runsByShard: readonly (readonly [number, number])[][]): void {
  let last = 0;
  for (const runs of runsByShard) for (const [first, length] of runs) last = Math.max(last, first + length - 1);
  const floor = Math.max(0, last - rememberedIdentitiesMin);
  const isKnown = new Uint8Array(last - floor + 1);
  runsByShard.forEach((runs, shard) => {
    for (const [first, length] of runs) {
      for (let seq = Math.max(first, floor + 1); seq < first + length; seq++) {
        isKnown[seq - floor] = 1;
        if (runsByShard.length > 1) state.setRoute(seq, shard);
      }
    }
  });
  let durable = floor;
  while (durable < last && isKnown[durable + 1 - floor] === 1) durable += 1;
  state.durableSeq = durable;
  state.nextSeq = durable + 1;
}

function unknownReader(readerId: number): Refusal {
  return { code: ErrorCode.readerUnknown, message: `reader ${readerId} is unknown or revoked`, retryMs: null };
}

function oldEpoch(state: ReaderState): Refusal {
  const message = `boot epoch is older than the known one, ${state.bootEpoch}`;
  return { code: ErrorCode.epochOld, message, retryMs: null };
}
