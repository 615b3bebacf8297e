import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { Code, codesDocument, decisionCodes, ErrorCode, errorCodes, kindNames, ReaderFlag, TapFlag } from './codes.ts';
import * as limits from './limits.ts';
import { MessageType } from './messages.ts';
import { validVectors } from './vectors/valid.ts';

const readme = readFileSync(new URL('README.md', import.meta.url), 'utf8');

/** The rows of the README's table with this header, as cells; cells are never empty. */
function table(header: string): string[][] {
  const lines = readme.split('\n');
  const start = lines.findIndex((line) => line.replaceAll(/ +/g, ' ') === `| ${header} |`);
  expect(start, `a table headed ${header}`).toBeGreaterThan(0);
  const rest = lines.slice(start + 2);
  const rows = rest.slice(
    0,
    rest.findIndex((line) => !line.startsWith('|')),
  );
  return rows.map((line) =>
    line
      .slice(1, -1)
      .split('|')
      .map((cell) => cell.trim()),
  );
}

/** The first number of a text such as `32,768 (WELCOME tells)`. */
const numberIn = (text: string) => Number(/[\d,]+/.exec(text)?.[0].replaceAll(',', ''));
const upperSnake = (camel: string) => camel.replaceAll(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase();

describe('the codes', () => {
  it('are the same in the registry, in codes.json and in the README', () => {
    const document = JSON.parse(JSON.stringify(codesDocument())) as ReturnType<typeof codesDocument>;
    expect(document.decisions).toEqual(decisionCodes);
    expect(document.errors).toEqual(errorCodes);
    expect(table('code | name | meaning | fatal | HTTP | reader shows | reader does')).toEqual(
      document.errors.map((row) => [
        String(row.code),
        row.name,
        row.meaning,
        row.fatal ? 'yes' : 'no',
        String(row.httpStatus ?? '–'),
        row.readerShows,
        row.readerDoes,
      ]),
    );
    expect(table('code | name | meaning | reader shows | parent told')).toEqual(
      document.decisions.map((row) => [
        String(row.code),
        row.name,
        row.meaning,
        row.readerShows,
        row.parentTold ?? '–',
      ]),
    );
  });

  it('are never used twice, and go by the same names in code', () => {
    expect(errorCodes.map(({ code }) => code)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]);
    expect(Object.entries(ErrorCode).map(([name, code]) => [code, upperSnake(name)])).toEqual(
      errorCodes.map(({ code, name }) => [code, name]),
    );
    expect(Object.entries(Code).map(([name, code]) => [code, upperSnake(name)])).toEqual(
      decisionCodes.map(({ code, name }) => [code, name]),
    );
    for (const codes of [errorCodes, decisionCodes]) {
      expect(new Set(codes.map(({ code }) => code)).size).toBe(codes.length);
      expect(new Set(codes.map(({ name }) => name)).size).toBe(codes.length);
    }
  });
});

describe('the published page', () => {
  it('has the kinds, flags and message types of the code', () => {
    expect(table('kind | name | amount | ref').map(([kind, name]) => [kind, name.split(' ')[0]])).toEqual(
      kindNames.map((name, place) => [String(place + 1), name]),
    );
    expect(table('flag | meaning').map(([flag]) => Number(flag))).toEqual(Object.values(ReaderFlag));
    expect(table('bit | name | meaning').map(([bit, name]) => [Number(bit), name])).toEqual(
      Object.entries(TapFlag).map(([name, bit]) => [bit, upperSnake(name)]),
    );
    const types = table('type | name | from | array').map(([type, name]) => [Number(type), name.toLowerCase()]);
    expect(Object.fromEntries(types.map(([type, name]) => [name, type]))).toEqual(MessageType);
  });

  it('has the limits of the code', () => {
    const rows = Object.fromEntries(
      table('limit | value | beyond it').map(([name, value, beyond]) => [name, [value, beyond]]),
    );
    expect(numberIn(rows['taps in a frame'][0])).toBe(limits.tapsPerFrameMax);
    expect(numberIn(rows['bytes in a frame'][0])).toBe(limits.frameBytesMax);
    expect(numberIn(rows['bytes in a frame'][1].slice('ERR 7'.length))).toBe(limits.payloadBytesMax);
    expect(numberIn(rows['taps sent and not acknowledged (credit)'][0])).toBe(limits.creditTapsMax);
    expect(1000 * numberIn(rows['time to HELLO after CHALLENGE'][0])).toBe(limits.helloTimeoutMs);
    expect(1000 * numberIn(rows['silence on a connection'][0])).toBe(limits.idleTimeoutMs);
    expect(numberIn(rows['malformed frames in a row'][0])).toBe(limits.malformedInRowMax);
    expect(numberIn(rows['firmware name'][0])).toBe(limits.firmwareBytesMax);
    expect(rows['amount'][0]).toContain(limits.amountKopMax.toLocaleString('en-US'));
    expect(readme).toContain(`the last ${limits.rememberedIdentitiesMin.toLocaleString('en-US')} identities`);
    expect(readme).toContain(`every ${limits.beatIntervalMs / 1000} s`);
  });

  it('spells its example frames byte by byte as the vectors have them', () => {
    const examples = [...readme.matchAll(/<!-- frame: (.*) -->\n\n?```\n([^`]*)```/g)];
    expect(examples).toHaveLength(2);
    for (const [, name, text] of examples) {
      // Bytes stand in the first 43 columns, words behind them.
      const bytes = text.split('\n').map((line) => line.slice(0, 44).replaceAll(' ', ''));
      expect(bytes.join('')).toBe(validVectors.find((vector) => vector.name === name)?.hex);
    }
  });
});
