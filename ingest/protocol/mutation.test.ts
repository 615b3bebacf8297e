import { describe, expect, it } from 'vitest';
import { decodeMessage, peekType, MessageType } from './messages.ts';
import { tapsPerFrameMax } from './limits.ts';
import { TapsFrame } from './taps-frame.ts';
import { validVectors } from './vectors/valid.ts';

const golden = validVectors.map(({ hex }) => Buffer.from(hex, 'hex'));
const frame = new TapsFrame();

/** Mulberry32: numbers from 0 up to, not including, `below`. */
function randomFrom(seed: number): (below: number) => number {
  let state = seed | 0;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

/** Throws plainly instead of using `expect`, which would cost more than what it looks at. */
function mustHold(condition: boolean, bytes: Uint8Array, what: string): void {
  if (!condition) throw new Error(`${what}: ${Buffer.from(bytes).toString('hex')}`);
}

/** Neither decoder throws; both blame a byte of the frame; on TAPS they agree in everything. */
function checkBoth(bytes: Uint8Array): void {
  const decoded = decodeMessage(bytes);
  const code = frame.decode(bytes);
  mustHold(frame.count >= 0 && frame.count <= tapsPerFrameMax, bytes, 'count out of bounds');
  mustHold(code === 0 || (frame.errorOffset >= 0 && frame.errorOffset <= bytes.length), bytes, 'offset out of bounds');
  mustHold(code === 0 || (frame.count === 0 && frame.errorMessage !== ''), bytes, 'half a refusal');
  const offset = decoded.ok ? 0 : (decoded.offset ?? 0);
  mustHold(offset >= 0 && offset <= bytes.length, bytes, 'offset out of bounds');
  if (peekType(bytes) !== MessageType.taps) return mustHold(code !== 0, bytes, 'taken for TAPS');
  mustHold(decoded.ok === (code === 0), bytes, 'the decoders disagree');
  if (!decoded.ok) mustHold(decoded.code === code && offset === frame.errorOffset, bytes, 'they disagree on the byte');
}

function mutate(random: (below: number) => number): Uint8Array {
  const source = golden[random(golden.length)];
  const bytes = Buffer.concat([source, Buffer.alloc(random(4))]);
  for (let edits = 1 + random(4); edits > 0; edits--) {
    const at = random(bytes.length);
    if (random(4) === 0) bytes.copy(bytes, at, random(bytes.length));
    else bytes[at] = random(2) === 0 ? random(256) : 0xc0 + random(0x20);
  }
  return random(3) === 0 ? bytes.subarray(0, random(bytes.length + 1)) : bytes;
}

describe('damaged frames', () => {
  it('100,000 mutations are decoded or refused, never thrown at', () => {
    const seed = Number(process.env.TAPLINE_SEED ?? Date.now() % 2 ** 31);
    const random = randomFrom(seed);
    try {
      for (let round = 0; round < 100_000; round++) checkBoth(mutate(random));
    } catch (error) {
      throw new Error(`with TAPLINE_SEED=${seed}`, { cause: error });
    }
  });

  it('every change of one byte of 50 good frames is decoded or refused', () => {
    const small = golden.toSorted((one, other) => one.length - other.length).slice(0, 50);
    expect(small).toHaveLength(50);
    for (const source of small) {
      const bytes = Buffer.from(source);
      for (let at = 0; at < bytes.length; at++) {
        for (let change = 1; change < 256; change++) {
          bytes[at] = source[at] ^ change;
          checkBoth(bytes);
        }
        bytes[at] = source[at];
      }
    }
  });

  it('every cut of every good frame is refused at its end', () => {
    for (const source of golden) {
      for (let length = 0; length < source.length; length++) {
        const cut = source.subarray(0, length);
        expect(decodeMessage(cut)).toMatchObject({ ok: false, code: 1, offset: length });
        checkBoth(cut);
      }
    }
  });
});
