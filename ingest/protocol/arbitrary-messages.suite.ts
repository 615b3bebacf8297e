import fc from 'fast-check';
import { seqMax, u32Max, uidBytesAllowed } from './limits.ts';

/** Inputs of the encoders, for tests: any message that the contract allows. */

const u32 = fc.integer({ min: 0, max: u32Max });
const seq = fc.integer({ min: 1, max: seqMax });
const timeMs = fc.maxSafeInteger().map((ms) => ms + 0);
const bytes = (size: number) =>
  fc.uint8Array({ minLength: size, maxLength: size }).map((array) => new Uint8Array(array));
const orNull = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: null });
const text = fc.string({ unit: 'grapheme', maxLength: 40 });

/** Half the safe range, so that every sum of base and delta is safe. */
const halfTimeMs = fc.integer({ min: -(2 ** 52) + 1, max: 2 ** 52 - 1 });

export const arbitraryTap = fc.record({
  uid: fc.constantFrom(...uidBytesAllowed).chain(bytes),
  kind: fc.integer({ min: 1, max: 7 }),
  deltaMs: halfTimeMs,
  amountKop: orNull(fc.integer({ min: 0, max: 1_000_000_000 })),
  ref: orNull(u32),
  flags: orNull(fc.integer({ min: 0, max: 255 })),
});

export const arbitraryTaps = fc.record({
  firstSeq: fc.integer({ min: 1, max: seqMax - 20 }),
  baseMs: halfTimeMs,
  taps: fc.array(arbitraryTap, { maxLength: 20 }),
});

export const arbitraryHello = fc.record({
  readerId: fc.integer({ min: 1, max: u32Max }),
  bootEpoch: u32,
  nextSeq: seq,
  clockMs: timeMs,
  firmware: text.filter((firmware) => Buffer.byteLength(firmware) <= 32),
  rulesVersion: u32,
  signature: bytes(64),
  nonce: orNull(bytes(32)),
});

export const arbitraryOutcome = fc.record({ seq, deed: fc.constantFrom(0, 1) });
export const arbitraryBeat = fc.record({ clockMs: timeMs, queued: u32, oldestMs: orNull(timeMs), rulesVersion: u32 });
export const arbitraryChallenge = fc.record({ nonce: bytes(32), serverMs: timeMs });

export const arbitraryWelcome = fc.record({
  serverMs: timeMs,
  nextSeq: fc.integer({ min: 1, max: seqMax + 1 }),
  credit: u32,
  maxTaps: u32,
  maxBytes: u32,
  sessionToken: text,
  clockOffsetMs: timeMs,
  rulesVersion: orNull(u32),
});

export const arbitraryAck = fc.record({
  durableSeq: u32,
  credit: u32,
  firstSeq: seq,
  codes: fc.uint8Array({ maxLength: 512 }).map((codes) => new Uint8Array(codes)),
  balances: orNull(fc.array(orNull(timeMs), { maxLength: 512 })),
});

export const arbitraryErr = fc.record({
  code: fc.integer({ min: 1, max: 11 }),
  message: text,
  fatal: fc.boolean(),
  retryMs: orNull(u32),
  offset: orNull(u32),
});
