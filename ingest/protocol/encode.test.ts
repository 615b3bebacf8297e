import { createPublicKey, verify } from 'node:crypto';
import fc from 'fast-check';
import { unpack } from 'msgpackr';
import { describe, expect, it } from 'vitest';
import * as arbitrary from './arbitrary-messages.suite.ts';
import * as encode from './encode.ts';
import { tapsPerFrameMax } from './limits.ts';
import { decodeMessage } from './messages.ts';
import { nonce, signature } from './vectors/valid.ts';

/** Every message that is encoded decodes to itself, and the frame is used up. */
function roundTrips<T extends object>(inputs: fc.Arbitrary<T>, type: string, encoder: (input: T) => Uint8Array): void {
  fc.assert(
    fc.property(inputs, (input) => {
      const version = type === 'hello' ? { version: 1 } : {};
      expect(decodeMessage(encoder(input))).toEqual({ ok: true, message: { type, ...version, ...input } });
    }),
  );
}

describe('encoders', () => {
  it('write what decodes to the same message', () => {
    roundTrips(arbitrary.arbitraryHello, 'hello', encode.encodeHello);
    roundTrips(arbitrary.arbitraryTaps, 'taps', encode.encodeTaps);
    roundTrips(arbitrary.arbitraryOutcome, 'outcome', encode.encodeOutcome);
    roundTrips(arbitrary.arbitraryBeat, 'beat', encode.encodeBeat);
    roundTrips(arbitrary.arbitraryChallenge, 'challenge', encode.encodeChallenge);
    roundTrips(arbitrary.arbitraryWelcome, 'welcome', encode.encodeWelcome);
    roundTrips(arbitrary.arbitraryAck, 'ack', encode.encodeAck);
    roundTrips(arbitrary.arbitraryErr, 'err', encode.encodeErr);
    expect(decodeMessage(encode.encodeCredit(4096))).toEqual({ ok: true, message: { type: 'credit', credit: 4096 } });
  });

  it('write integers at the least width, above 32 bits as 64-bit integers', () => {
    const widths: [number, number][] = [
      [0, 1],
      [127, 1],
      [128, 2],
      [255, 2],
      [256, 3],
      [65_535, 3],
      [65_536, 5],
      [2 ** 32 - 1, 5],
      [2 ** 32, 9],
      [Number.MAX_SAFE_INTEGER, 9],
      [-1, 1],
      [-32, 1],
      [-33, 2],
      [-128, 2],
      [-129, 3],
      [-32_768, 3],
      [-32_769, 5],
      [-(2 ** 31), 5],
      [-(2 ** 31) - 1, 9],
      [Number.MIN_SAFE_INTEGER, 9],
    ];
    for (const [value, bytes] of widths) {
      const frame = encode.encodeBeat({ clockMs: value, queued: 0, oldestMs: null, rulesVersion: 0 });
      expect([value, frame.length - 5], String(value)).toEqual([value, bytes]);
      expect(Number((unpack(frame) as unknown[])[1])).toBe(value);
    }
  });

  it('refuse a number that the wire cannot carry', () => {
    expect(() => encode.encodeCredit(0.5)).toThrow(RangeError);
    expect(() => encode.encodeCredit(2 ** 53)).toThrow(RangeError);
  });

  it('hold the largest acknowledgement', () => {
    const balances = Array<number>(tapsPerFrameMax).fill(Number.MIN_SAFE_INTEGER);
    const ack = {
      durableSeq: 2 ** 32 - 1,
      credit: 4096,
      firstSeq: 1,
      codes: new Uint8Array(tapsPerFrameMax),
      balances,
    };
    expect(decodeMessage(encode.encodeAck(ack))).toEqual({ ok: true, message: { type: 'ack', ...ack } });
  });
});

describe('what a reader signs', () => {
  it("is prefix, nonce, reader and boot epoch; a published signature over it verifies (key of RFC 8032's first test)", () => {
    const signed = encode.helloSigningBytes(Buffer.from(nonce, 'hex'), 70_001, 3);
    const prefixHex = Buffer.from('tapline.v1.hello').toString('hex');
    expect(Buffer.from(signed).toString('hex')).toBe(`${prefixHex}${nonce}0001117100000003`);
    const publicKey = 'd75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a';
    const key = createPublicKey({
      key: Buffer.from(`302a300506032b6570032100${publicKey}`, 'hex'),
      format: 'der',
      type: 'spki',
    });
    expect(verify(null, signed, key, Buffer.from(signature, 'hex'))).toBe(true);
  });
});
