import { describe, expect, it } from 'vitest';
import { OperatorError } from '../../workers/errors.ts';
import { describeFrame, parseHex, renderFrame } from './describe-frame.ts';

describe('tapline frame', () => {
  it('shows the fields of a good frame', () => {
    expect(renderFrame('94 02 cd03e9 cf000001a0c4506c00 91 94c4045e901f2a03cd05dccd251c').split('\n')).toEqual([
      'TAPS (type 2, 29 bytes)',
      '  firstSeq: 1001',
      '  baseMs: 1790000000000 (2026-09-21T14:13:20.000Z)',
      '  taps: 1',
      '    seq 1001  atMs 1790000001500 (2026-09-21T14:13:21.500Z)  uid 5E901F2A  kind 3  deltaMs 1500  amountKop 9500',
    ]);
    expect(describeFrame(Uint8Array.of(0x93, 3, 1, 1))).toEqual({
      ok: true,
      type: 3,
      name: 'OUTCOME',
      seq: 1,
      deed: 1,
    });
  });

  it('points at the byte that is wrong, on whatever line of the dump it stands', () => {
    expect(renderFrame('0x940201009193c404010203040900').split('\n')).toEqual([
      'ERR 1 MALFORMED at byte 12: expected kind (an integer 1..7), found the integer 9 (0x09)',
      '       0  94 02 01 00 91 93 c4 04 01 02 03 04 09 00',
      '                                              ^^',
    ]);
    const second = '94020100 92 93c4040102030401 00 93c404010203 0481 00'.replaceAll(' ', '');
    expect(renderFrame(second).split('\n').slice(1)).toEqual([
      '       0  94 02 01 00 92 93 c4 04 01 02 03 04 01 00 93 c4',
      '      16  04 01 02 03 04 81 00',
      '                         ^^',
    ]);
  });

  it('tells a frame that ends too early from one with a wrong byte', () => {
    expect(describeFrame('930301')).toEqual({
      ok: false,
      error: {
        code: 1,
        name: 'MALFORMED',
        offset: 3,
        message: 'expected deed (an integer 0..1), found the end of the frame',
      },
      byte: null,
    });
    expect(describeFrame('920102')).toMatchObject({ error: { code: 2, name: 'VERSION', offset: 2 }, byte: '0x02' });
    expect(renderFrame('93030101'.repeat(4).slice(0, 30) + '81')).toContain('ERR 1 MALFORMED at byte 4');
  });

  it('names hex that is none as wrong use', () => {
    for (const text of ['', '9', '93 0g', '0x']) {
      const failure = (() => {
        try {
          return parseHex(text);
        } catch (error) {
          return error;
        }
      })();
      expect(failure).toBeInstanceOf(OperatorError);
      expect(failure).toMatchObject({ code: 'FRAME_HEX', exitStatus: 2 });
    }
  });
});
