import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { arbitraryTap, arbitraryTaps } from './arbitrary-messages.suite.ts';
import { encodeTaps, type TapFields, type TapsFields } from './encode.ts';
import { frameBytesMax, tapsPerFrameMax, uidBytesMax } from './limits.ts';
import { decodeMessage, type Taps, type WireTap } from './messages.ts';
import { TapPresent, TapsFrame } from './taps-frame.ts';
import { array, bin8, f64, fix, i64, nil, u32, u64 } from './vectors/hex.ts';

const gateTap: TapFields = { uid: Buffer.from('04a1b2c3d4e5f6', 'hex'), kind: 1, deltaMs: 0 };
const manyTaps = (count: number): TapsFields => ({
  firstSeq: 1,
  baseMs: 0,
  taps: Array<TapFields>(count).fill(gateTap),
});

/** A row of the scratch as the object that the other decoder makes of it. */
function rowOf(frame: TapsFrame, row: number, baseMs: number): Omit<WireTap, 'flags'> & { flags: number } {
  const start = row * uidBytesMax;
  return {
    uid: frame.uids.slice(start, start + frame.uidSize[row]),
    kind: frame.kind[row],
    deltaMs: frame.atRawMs[row] - baseMs,
    amountKop: frame.present[row] & TapPresent.amount ? frame.amountKop[row] : null,
    ref: frame.present[row] & TapPresent.ref ? frame.ref[row] : null,
    flags: frame.flags[row],
  };
}

function hashOf(frame: TapsFrame, hexOrTap: string | TapFields, baseMs = 0): number {
  const bytes =
    typeof hexOrTap === 'string' ? Buffer.from(hexOrTap, 'hex') : encodeTaps({ firstSeq: 1, baseMs, taps: [hexOrTap] });
  expect(frame.decode(bytes), frame.errorMessage).toBe(0);
  return frame.contentHash[0];
}

describe('TapsFrame', () => {
  const frame = new TapsFrame();

  it('reads the same taps as decodeMessage, frame after frame into the same columns', () => {
    fc.assert(
      fc.property(arbitraryTaps, (input) => {
        const bytes = encodeTaps(input);
        const decoded = decodeMessage(bytes) as { message: Taps };
        expect(frame.decode(bytes)).toBe(0);
        expect([frame.firstSeq, frame.count]).toEqual([input.firstSeq, input.taps.length]);
        const rows = input.taps.map((_, row) => rowOf(frame, row, input.baseMs));
        // An amount of 0 is the same as none.
        const expected = decoded.message.taps.map((tap) => ({
          ...tap,
          amountKop: tap.amountKop === 0 ? null : tap.amountKop,
          flags: tap.flags ?? 0,
        }));
        expect(rows).toEqual(expected);
        for (let row = 0; row < frame.count; row++) {
          const padding = frame.uids.subarray(row * uidBytesMax + frame.uidSize[row], (row + 1) * uidBytesMax);
          expect(padding.every((byte) => byte === 0)).toBe(true);
        }
      }),
    );
  });

  it('takes a full frame and refuses one tap or one byte more with ERR 7', () => {
    expect([frame.decode(encodeTaps(manyTaps(tapsPerFrameMax))), frame.count]).toEqual([0, tapsPerFrameMax]);
    expect([frame.decode(encodeTaps(manyTaps(tapsPerFrameMax + 1))), frame.count]).toEqual([7, 0]);
    expect([frame.decode(new Uint8Array(frameBytesMax + 1)), frame.errorOffset]).toEqual([7, frameBytesMax]);
    expect(decodeMessage(new Uint8Array(frameBytesMax + 1))).toMatchObject({
      ok: false,
      code: 7,
      offset: frameBytesMax,
    });
  });

  it('survives claims that its bytes cannot keep, at the cost of its bytes', () => {
    const before = process.memoryUsage().heapUsed;
    const started = performance.now();
    for (const start of ['', '94020100', '95020100 90', '94020100 91 97c40401020304 01 00 c0 c0 c0']) {
      const head = Buffer.from(start.replaceAll(' ', ''), 'hex');
      for (const claim of ['dcffff', 'ddffffffff', 'c6ffffffff', 'dbffffffff']) {
        const bomb = Buffer.concat([head, Buffer.from(claim.repeat(5_000), 'hex')]);
        expect(frame.decode(bomb)).toBeGreaterThan(0);
        expect(decodeMessage(bomb).ok).toBe(false);
      }
    }
    expect(performance.now() - started).toBeLessThan(1_000);
    expect(process.memoryUsage().heapUsed - before).toBeLessThan(64 * 1024 * 1024);
  });

  it('says what it expected, what it found and where', () => {
    expect(frame.decode(Buffer.from('940201009193c404010203040900', 'hex'))).toBe(1);
    expect(frame.errorOffset).toBe(12);
    expect(frame.errorMessage).toBe('expected kind (an integer 1..7), found the integer 9 (0x09)');
  });
});

describe('the content hash', () => {
  const frame = new TapsFrame();
  const uid = bin8('04a1b2c3d4e5f6');

  it('is the same however the time is split and the numbers are written', () => {
    const oneTap = (base: string, ...elements: string[]) => array(fix(2), fix(1), base, array(array(...elements)));
    const ways = [
      oneTap(u64(1_790_000_000_500), uid, fix(3), fix(0), u32(9500)),
      oneTap(f64(1_790_000_000_500), uid, u64(3), f64(-0), f64(9500), nil, nil),
      oneTap(i64(1_790_000_000_000), uid, fix(3), i64(500), u64(9500), nil, fix(0)),
      oneTap(fix(0), `c50007${uid.slice(4)}`, fix(3), u64(1_790_000_000_500), u32(9500), nil),
    ];
    expect(new Set(ways.map((way) => hashOf(frame, way))).size).toBe(1);
  });

  it('differs when anything in the tap differs', () => {
    const base: TapFields = { uid: gateTap.uid, kind: 3, deltaMs: 7, amountKop: 9500, ref: 1, flags: 1 };
    const others: TapFields[] = [
      { ...base, uid: Buffer.from('04a1b2c3d4e5f7', 'hex') },
      { ...base, uid: Buffer.from('04a1b2c3d4e5f6000000', 'hex') },
      { ...base, uid: Buffer.from('04a1b2c3', 'hex') },
      { ...base, kind: 4 },
      { ...base, deltaMs: 8 },
      { ...base, deltaMs: 7 + 2 ** 32 },
      { ...base, deltaMs: -7 },
      { ...base, amountKop: 9501 },
      { ...base, amountKop: 0 },
      { ...base, ref: 2 },
      { ...base, ref: 0 },
      { ...base, ref: null },
      { ...base, flags: 2 },
      { ...base, flags: null },
    ];
    const hashes = new Set([base, ...others].map((tap) => hashOf(frame, tap)));
    expect(hashes.size).toBe(others.length + 1);
  });

  it('is the same for an amount of 0 and none', () => {
    const free: TapFields = { uid: gateTap.uid, kind: 3, deltaMs: 7, amountKop: 0, ref: 1 };
    expect(hashOf(frame, free)).toBe(hashOf(frame, { ...free, amountKop: null }));
  });

  it('spreads: hardly a collision among thousands of near neighbours', () => {
    const seen = new Set<number>();
    for (let deltaMs = 0; deltaMs < 200; deltaMs++) {
      for (let place = 0; place < 100; place++) {
        seen.add(hashOf(frame, { ...gateTap, uid: Uint8Array.of(4, 0, 0, place), deltaMs }));
      }
    }
    // 20,000 values of 32 bits collide 0.05 times on average.
    expect(seen.size).toBeGreaterThanOrEqual(20_000 - 2);
  });

  it('keeps its formula, because journals hold it', () => {
    expect(hashOf(frame, { ...gateTap, kind: 3, amountKop: 9500, ref: 70_000, flags: 1 }, 1_790_000_000_000)).toBe(
      3_515_985_821,
    );
  });

  it('does not depend on the rest of the frame', () => {
    fc.assert(
      fc.property(fc.array(arbitraryTap, { minLength: 1, maxLength: 8 }), (taps) => {
        frame.decode(encodeTaps({ firstSeq: 5, baseMs: 1000, taps }));
        const together = Array.from(frame.contentHash.subarray(0, taps.length));
        expect(taps.map((tap) => hashOf(frame, tap, 1000))).toEqual(together);
      }),
    );
  });
});
