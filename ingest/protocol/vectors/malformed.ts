import { array, array16, bin8, f32, f64, fix, i64, nil, no, str, u16, u32, u64, u8, yes } from './hex.ts';
import { nonce, signature, uid7 } from './valid.ts';

/** A frame that must be refused with this ERR code at this byte. */
export interface MalformedVector {
  readonly name: string;
  readonly direction: 'reader' | 'server';
  readonly hex: string;
  readonly code: number;
  readonly offset: number;
}

const uid = bin8(uid7);
const map = '81a16101';
const ext = 'd401ff';

/** Bytes of a piece of hex. */
const bytesOf = (hex: string) => hex.length / 2;

function bad(direction: 'reader' | 'server', name: string, hex: string, offset: number, code = 1): MalformedVector {
  return { name, direction, hex, code, offset };
}

/** A frame whose fault lies behind `before`, at its first byte; `after` is the fault and the rest. */
function after(name: string, before: string, rest: string, direction: 'reader' | 'server' = 'reader', code = 1) {
  return bad(direction, name, before + rest, bytesOf(before), code);
}

const listAt = '94020100';
const tapAt = `${listAt}91`;
const kindAt = `${tapAt}93${uid}`;
const deltaAt = `${kindAt}01`;
const amountAt = (elements: number) => `${tapAt}9${elements}${uid}0100`;
const max = Number.MAX_SAFE_INTEGER;

const shapes: readonly MalformedVector[] = [
  bad('reader', 'nothing at all', '', 0),
  after('a map for a message', '', map),
  after('the reserved byte 0xc1', '', 'c1'),
  after('an integer for a message', '', '02'),
  after('an empty array', '', '90'),
  after('type is nil', '91', nil),
  after('type is not known', '91', '05'),
  after('type is negative', '91', 'ff'),
  after('type of a later version', '92', `${u8(200)}00`),
  after('trailing byte', array(fix(3), fix(1), fix(1)), '00'),
  after('a second message behind the first', array(fix(3), fix(1), fix(1)), array(fix(3), fix(2), fix(1))),
  after('allocation bomb: arrays of 65,535 within each other', '91', 'dcffff'.repeat(8)),
];

const depth: readonly MalformedVector[] = [
  after('nested 5 deep behind the known elements', `9502010090919191`, '91c0'),
  after('nested 5 deep in a tap', `${tapAt}97${uid}0100c0c0c091`, '90'),
  after('allocation bomb: nested arrays of 65,535', `9502010090${'dcffff'.repeat(3)}`, 'dcffff'.repeat(4)),
  bad('reader', 'allocation bomb: a list of 65,535 taps', `${listAt}dcffff${'00'.repeat(8)}`, 15),
  bad('reader', 'allocation bomb: a list of 4,294,967,295 taps', `${listAt}ddffffffff`, 9),
  bad('reader', 'allocation bomb: an unknown bin of 4,294,967,295', `9502010090c6ffffffff00`, 11),
  bad('reader', 'allocation bomb: an unknown str of 4,294,967,295', `9502010090dbffffffff00`, 11),
  bad('reader', 'allocation bomb: an unknown array of 4,294,967,295', `9502010090ddffffffff00`, 11),
  after(
    'too many taps',
    listAt,
    array16(...Array<string>(513).fill(array(bin8('01020304'), fix(1), fix(0)))),
    'reader',
    7,
  ),
];

const taps: readonly MalformedVector[] = [
  after('taps: three elements', '', '93020100'),
  after('taps: firstSeq 0', '9402', '000090'),
  after('taps: firstSeq negative', '9402', 'ff0090'),
  after('taps: firstSeq above 32 bits', '9402', `${u64(2 ** 32)}0090`),
  after('taps: firstSeq as str', '9402', `${str('1')}0090`),
  after('taps: the last seq above 32 bits', '9402', `${u32(0xffff_ffff)}0092${`93${uid}0100`.repeat(2)}`),
  after('taps: baseMs nil', '940201', 'c090'),
  after('taps: baseMs above 2^53 - 1', '940201', `${u64(max + 1)}90`),
  after('taps: baseMs below -(2^53 - 1)', '940201', `${i64(-max - 1)}90`),
  after('taps: baseMs the largest uint64', '940201', 'cfffffffffffffffff90'),
  after('taps: baseMs the smallest int64', '940201', 'd3800000000000000090'),
  after('taps: baseMs a fraction', '940201', `${f64(0.5)}90`),
  after('taps: baseMs NaN', '940201', 'cb7ff800000000000090'),
  after('taps: baseMs infinite', '940201', `${f64(Infinity)}90`),
  after('taps: baseMs a float above 2^53 - 1', '940201', `${f64(2 ** 53)}90`),
  after('taps: baseMs a float32 fraction', '940201', `${f32(1.5)}90`),
  after('taps: baseMs an ext timestamp', '940201', 'd6ff0000000090'),
  after('taps: the list is nil', listAt, nil),
  after('taps: the list is a map', listAt, '80'),
  after('taps: a tap is a bin', tapAt, uid),
  after('taps: a tap of two elements', tapAt, `92${uid}01`),
  after('taps: uid as str', `${tapAt}93`, `${str('4567')}0100`),
  after('taps: uid of 0 bytes', `${tapAt}93`, 'c4000100'),
  after('taps: uid of 5 bytes', `${tapAt}93`, `${bin8('0102030405')}0100`),
  after('taps: uid of 11 bytes', `${tapAt}93`, `${bin8('00'.repeat(11))}0100`),
  after('taps: uid claims 4,294,967,295 bytes', `${tapAt}93`, 'c6ffffffff0100'),
  after('taps: uid as an integer', `${tapAt}93`, `${u32(0x01020304)}0100`),
  after('taps: kind 0', kindAt, '0000'),
  after('taps: kind 8', kindAt, '0800'),
  after('taps: kind a bool', kindAt, `${yes}00`),
  after('taps: deltaMs nil', deltaAt, nil),
  after('taps: deltaMs a fraction', deltaAt, f64(0.1)),
  after('taps: baseMs + deltaMs unsafe', `940201${u64(max)}9193${uid}01`, '01'),
  after('taps: amount negative', amountAt(4), 'ff'),
  after('taps: amount above 1,000,000,000', amountAt(4), u32(1_000_000_001)),
  after('taps: amount a bool', amountAt(4), no),
  after('taps: ref negative', `${amountAt(5)}c0`, 'ff'),
  after('taps: ref above 32 bits', `${amountAt(5)}c0`, u64(2 ** 32)),
  after('taps: ref a str', `${amountAt(5)}c0`, str('12')),
  after('taps: flags above 32 bits', `${amountAt(6)}c0c0`, 'cf0000000100000000'),
  after('taps: flags negative', `${amountAt(6)}c0c0`, 'e0'),
  after('taps: the second tap is wrong', `${listAt}9293${uid}0100`, '92c4'),
  after('taps: unknown element is a map', `9502010090`, map),
  after('taps: unknown element is an ext', `9502010090`, ext),
  after('taps: unknown element is a fraction', `9502010090`, f64(1.5)),
  after('taps: unknown element of a tap is 0xc1', `${tapAt}97${uid}0100c0c0c0`, 'c1'),
  after('taps: unknown str is no UTF-8', `9502010090a361`, 'ff62'),
  after('taps: trailing byte', `${listAt}90`, 'c0'),
];

const helloHead = `99010101000100`;
const helloUpTo = (firmware: string) => `${helloHead}${firmware}00`;
const hello: readonly MalformedVector[] = [
  after('hello: no version', '', '9101'),
  after('hello: version 2', '9901', `0201000100${str('')}00${bin8(signature)}`, 'reader', 2),
  after('hello: version 0', '9201', '00', 'reader', 2),
  after('hello: version 2 of another shape', '9301', `02${map}`, 'reader', 2),
  after('hello: version a str', '9901', `${str('1')}01000100${str('')}00${bin8(signature)}`),
  after('hello: eight elements', '', `98${helloUpTo(str('')).slice(2)}`),
  after('hello: readerId 0', '990101', `00000100${str('')}00${bin8(signature)}`),
  after('hello: readerId above 32 bits', '990101', `${u64(2 ** 32)}000100${str('')}00${bin8(signature)}`),
  after('hello: bootEpoch negative', '99010101', `ff0100${str('')}00${bin8(signature)}`),
  after('hello: firmware a bin', helloHead, `${bin8('61')}00${bin8(signature)}`),
  after('hello: firmware of 33 bytes', helloHead, `d921${'61'.repeat(33)}00${bin8(signature)}`),
  after('hello: firmware starts with a continuation byte', `${helloHead}a3`, `80616100${bin8(signature)}`),
  after('hello: firmware has an overlong form', `${helloHead}a361`, `c0af00${bin8(signature)}`),
  after('hello: firmware has a surrogate', `${helloHead}a3ed`, `a08000${bin8(signature)}`),
  after('hello: firmware above U+10FFFF', `${helloHead}a4f4`, `90808000${bin8(signature)}`),
  after('hello: firmware is cut within a character', `${helloHead}a261`, `d000${bin8(signature)}`),
  after('hello: signature of 63 bytes', helloUpTo(str('')), bin8(signature.slice(2))),
  after('hello: signature a str', helloUpTo(str('')), `d940${'61'.repeat(64)}`),
  after('hello: trailing element is a map', `9a${helloUpTo(str('')).slice(2)}${bin8(signature)}`, map),
];

const others: readonly MalformedVector[] = [
  after('outcome: deed 2', '930301', '02'),
  after('outcome: deed a bool', '930301', yes),
  after('outcome: seq 0', '9303', '0001'),
  after('outcome: two elements', '', '920301'),
  after('beat: oldestMs a bool', '95040000', `${no}00`),
  after('beat: queued negative', '950400', 'ffc000'),
  after('challenge: nonce of 31 bytes', '93cc80', `${bin8(nonce.slice(2))}00`, 'server'),
  after('welcome: token a bin', `98cc810001000000`, `${bin8('61')}00`, 'server'),
  after('welcome: rulesVersion a str', `99cc810001000000${str('t')}00`, str('1'), 'server'),
  after('ack: codes a str', '96cc82000001', `${str('a')}c0`, 'server'),
  after('ack: balances a bool', `96cc82000001${bin8('0a')}`, no, 'server'),
  after('ack: a balance is a fraction', `96cc82000001${bin8('0a')}91`, f64(0.5), 'server'),
  after('err: fatal an integer', `96cc8301${str('')}`, '01c0c0', 'server'),
  after('err: message a bin', '96cc8301', `${bin8('61')}c2c0c0`, 'server'),
  after('credit: nil', '92cc84', nil, 'server'),
];

/** A frame cut at every place where its structure allows it: within a header, a number, a bin; before each element. */
function cut(name: string, pieces: readonly string[], direction: 'reader' | 'server' = 'reader'): MalformedVector[] {
  let before = '';
  return pieces.map((piece, place) => {
    const whole = before + piece;
    const hex = before + (bytesOf(piece) > 1 ? piece.slice(0, 2 * Math.ceil(bytesOf(piece) / 2)) : '');
    before = whole;
    return bad(direction, `${name}: cut at element ${place}`, hex, bytesOf(hex));
  });
}

const cuts: readonly MalformedVector[] = [
  ...cut('taps', ['dc0004', '02', u16(1), u64(1), 'dc0001', 'dc0006', uid, '01', u16(5), u32(9), u8(200), u8(200)]),
  ...cut('hello', ['99', '01', '01', u32(9), u16(9), '01', f64(1), str('abc'), u16(3), bin8(signature)]),
  ...cut('welcome', ['98', u8(129), u64(1), '01', u16(4096), u16(512), u16(512), str('tok'), '00'], 'server'),
  ...cut('ack', ['96', u8(130), u16(1), u16(1), u16(1), bin8('0a0a'), '92', nil, i64(-1)], 'server'),
];

export const malformedVectors: readonly MalformedVector[] = [
  ...shapes,
  ...depth,
  ...taps,
  ...hello,
  ...others,
  ...cuts,
];
