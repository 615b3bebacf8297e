import { readFileSync } from 'node:fs';
import { Unpackr } from 'msgpackr';
import { describe, expect, it } from 'vitest';
import { describeFrame } from '../describe-frame.ts';
import { decodeMessage, peekType } from '../messages.ts';
import { TapsFrame } from '../taps-frame.ts';
import { vectorFiles } from './generate.ts';
import type { MalformedVector } from './malformed.ts';
import type { ValidVector } from './valid.ts';

function published<V>(name: string): V[] {
  return JSON.parse(readFileSync(new URL(name, import.meta.url), 'utf8')) as V[];
}

const valid = published<ValidVector>('valid.json');
const malformed = published<MalformedVector>('malformed.json');
const unpackr = new Unpackr({ useRecords: false, int64AsType: 'number' });

/** What a general decoder found, in the vectors' form: bytes as hex, no negative zero. */
function plain(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(plain);
  if (value instanceof Uint8Array) return Buffer.from(value).toString('hex').toUpperCase();
  return typeof value === 'number' ? value + 0 : value;
}

/** The array that a decoded vector stands for. */
function wireArray({ type, name: _name, ...fields }: ValidVector['decoded']): unknown[] {
  if (!('taps' in fields)) return [type, ...Object.values(fields)];
  const taps = fields.taps as Record<string, unknown>[];
  const rows = taps.map(({ uid, kind, deltaMs, amountKop, ref, flags }) => [uid, kind, deltaMs, amountKop, ref, flags]);
  return [type, fields.firstSeq, fields.baseMs, rows];
}

/** Brings two wire arrays to the length that both know: nil optionals may be missing, unknown elements be there. */
function align(found: unknown, expected: unknown): unknown {
  if (!Array.isArray(found) || !Array.isArray(expected)) return found;
  return expected.map((element, place) => align((found[place] ?? null) as unknown, element));
}

describe('the published vectors', () => {
  it('are what the generator writes, by other code than the codec', () => {
    for (const [name, text] of vectorFiles()) {
      expect(readFileSync(new URL(name, import.meta.url), 'utf8'), `run vectors/generate.ts: ${name}`).toBe(text);
    }
    expect(valid.length + malformed.length).toBeGreaterThanOrEqual(80);
    const names = [...valid, ...malformed].map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
  });

  it.each(valid)('valid: $name', ({ hex, decoded }) => {
    const bytes = Buffer.from(hex, 'hex');
    expect(describeFrame(hex)).toEqual({ ok: true, ...decoded });
    expect(peekType(bytes)).toBe(decoded.type);
    if (decoded.type === 2) expect(new TapsFrame().decode(bytes)).toBe(0);
  });

  it.each(valid.filter(({ name }) => !/tenth element/.test(name)))(
    'valid to msgpackr, too: $name',
    ({ hex, decoded }) => {
      const expected = wireArray(decoded);
      expect(align(plain(unpackr.unpack(Buffer.from(hex, 'hex'))), expected)).toEqual(expected);
    },
  );

  it.each(malformed)('refused: $name', ({ hex, code, offset }) => {
    const bytes = Buffer.from(hex, 'hex');
    const decoded = decodeMessage(bytes);
    expect(decoded).toMatchObject({ ok: false, code, offset });
    if (peekType(bytes) !== 2) return;
    const frame = new TapsFrame();
    expect([frame.decode(bytes), frame.errorOffset, frame.count]).toEqual([code, offset, 0]);
    expect(decoded).toMatchObject({ message: frame.errorMessage });
  });
});
