import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createServer } from 'node:net';
import { Code } from '../protocol/codes.ts';
import { encodeBeat, encodeChallenge, encodeHello, encodeTaps } from '../protocol/encode.ts';
import { creditTapsMax, frameBytesMax, rememberedIdentitiesMin, tapsPerFrameMax } from '../protocol/limits.ts';
import { gateReaderId, putReader, readersCount, RunningGateway, uidOf } from './running-gateway.suite.ts';
import { baseMs, mealKop, signedHello, tapOf, tapsFrom, TestReader } from './test-reader.suite.ts';

let running: RunningGateway;
let lastReaderId = 0;

beforeAll(async () => {
  running = await RunningGateway.start();
});
afterAll(() => running.end());

/** Each test has a reader of its own. */
async function newReader() {
  lastReaderId += 1;
  const readerId = lastReaderId;
  return { readerId, ...(await TestReader.welcome(running.streamUrl, readerId)) };
}

const malformed = Buffer.from('930201c1', 'hex');

describe('HELLO', () => {
  test('CHALLENGE, HELLO, WELCOME with the limits, over the subprotocol', async () => {
    const { reader, welcome } = await newReader();
    expect(reader.socket.protocol).toBe('tapline.v1');
    const { nextSeq, credit, maxTaps, maxBytes, sessionToken } = welcome;
    expect({ nextSeq, credit, maxTaps, maxBytes }).toEqual({
      nextSeq: 1,
      credit: 4096,
      maxTaps: 512,
      maxBytes: 32_768,
    });
    expect(sessionToken).not.toBe('');
    await reader.close();
  });

  test.each([
    ['another message before it', () => tapsFrom(1, 1), 10],
    ['a text message is malformed, not fatal', () => 'hello', 1],
    ['a version that is not spoken', (nonce: Uint8Array) => signedHello(1, nonce, { version: 2 }), 2],
    ['another version with another shape', () => Buffer.from('920102', 'hex'), 2],
    ['a signature of another nonce', () => signedHello(1, new Uint8Array(32)), 3],
    ["another reader's signature", (nonce: Uint8Array) => signedHello(1, nonce, { readerId: 2 }), 3],
    ['another epoch than the signed one', (nonce: Uint8Array) => epochForged(nonce), 3],
    ['a reader that nobody knows', (nonce: Uint8Array) => signedHello(readersCount + 1, nonce), 4],
  ])('%s', async (_name, bytes, code) => {
    const reader = TestReader.connect(running.streamUrl);
    const { nonce } = await reader.expect('challenge');
    const error = await reader.refused(bytes(nonce));
    expect(error).toMatchObject({ code, fatal: code !== 1 });
    if (error.fatal) expect(await reader.closed).toBe(4000 + code);
    else await reader.close();
  });

  test('a second one on the same connection is malformed', async () => {
    const { reader, readerId } = await newReader();
    expect(await reader.refused(signedHello(readerId, new Uint8Array(32)))).toMatchObject({ code: 1, fatal: false });
    await reader.close();
  });

  test('a reader that says nothing is told so', async () => {
    const impatient = await RunningGateway.start({ helloTimeoutMs: 50 });
    const reader = TestReader.connect(impatient.streamUrl);
    await reader.expect('challenge');
    expect(await reader.expect('err')).toMatchObject({ code: 10, fatal: true });
    expect(await reader.closed).toBe(4010);
    await impatient.end();
  });

  test('a reader that only answers pings is let go, and one is told when the service goes away', async () => {
    const impatient = await RunningGateway.start({ idleTimeoutMs: 400 });
    const { reader } = await TestReader.welcome(impatient.streamUrl, 2);
    expect(await reader.closed).toBe(1000);
    const { reader: awake } = await TestReader.welcome(impatient.streamUrl, 2);
    const ended = impatient.end();
    expect(await awake.closed).toBe(1012);
    await ended;
  });

  test('an older epoch is refused with the known one, a newer one starts at seq 1', async () => {
    const { reader, readerId } = await newReader();
    await reader.taps(1, 3);
    const newer = await TestReader.welcome(running.streamUrl, readerId, { bootEpoch: 7 });
    expect(newer.welcome.nextSeq).toBe(1);
    expect((await newer.reader.taps(1, 2)).durableSeq).toBe(2);
    const older = TestReader.connect(running.streamUrl);
    const { nonce } = await older.expect('challenge');
    const error = await older.refused(signedHello(readerId, nonce, { bootEpoch: 6 }));
    expect(error).toMatchObject({ code: 11, fatal: true });
    expect(error.message).toContain('7');
    await newer.reader.close();
  });
});

function epochForged(nonce: Uint8Array): Uint8Array {
  const honest = signedHello(1, nonce, { bootEpoch: 1 });
  const signature = honest.slice(-64);
  return encodeHello({ readerId: 1, bootEpoch: 2, nextSeq: 1, clockMs: 0, firmware: '', rulesVersion: 0, signature });
}

describe('TAPS', () => {
  test('are answered with codes and balances; repeats get the first answer', async () => {
    const { reader } = await newReader();
    const first = await reader.taps(1, 50);
    expect(first).toMatchObject({ durableSeq: 50, credit: creditTapsMax, firstSeq: 1 });
    expect(new Set(first.codes)).toEqual(new Set([Code.accepted]));
    const [before, after] = [first.balances![0]!, first.balances![40]!];
    expect(before - after, 'the same pupil ate twice').toBe(mealKop);
    expect(await reader.taps(1, 50)).toEqual(first);
    const partly = await reader.taps(41, 20);
    expect(partly.durableSeq).toBe(60);
    expect(partly.balances!.slice(0, 10)).toEqual(first.balances!.slice(40));
    expect((await reader.taps(51, 10)).balances).toEqual(partly.balances!.slice(10));
    await reader.close();
  });

  test('a gap names the expected seq and applies nothing', async () => {
    const { reader } = await newReader();
    await reader.taps(1, 5);
    const error = await reader.refused(tapsFrom(7, 1));
    expect(error).toMatchObject({ code: 5, fatal: false });
    expect(error.message).toMatch(/\b6\b/);
    expect((await reader.taps(6, 1)).durableSeq).toBe(6);
    await reader.close();
  });

  test('the same identity with other content gets 91, and the first answer stays', async () => {
    const { reader } = await newReader();
    const first = await reader.taps(1, 2);
    reader.send(encodeTaps({ firstSeq: 1, baseMs, taps: [{ ...tapOf(1), amountKop: mealKop + 1 }, tapOf(2)] }));
    const conflict = await reader.expect('ack');
    expect([...conflict.codes]).toEqual([Code.idConflict, Code.accepted]);
    expect(await reader.taps(1, 2)).toEqual(first);
    await reader.close();
  });

  test('a repeat older than the remembered identities gets 70', async () => {
    const { reader } = await newReader();
    const first = await reader.taps(1, 2);
    const last = rememberedIdentitiesMin + 1;
    for (let seq = 3; seq <= last; seq += tapsPerFrameMax)
      await reader.taps(seq, Math.min(tapsPerFrameMax, last + 1 - seq));
    const repeat = await reader.taps(1, 2);
    expect([...repeat.codes]).toEqual([Code.settledBefore, Code.accepted]);
    expect(repeat.balances).toEqual([null, first.balances![1]]);
    await reader.close();
  });

  test('a kind that the reader may not take gets 93, an unknown card 40', async () => {
    const { reader } = await TestReader.welcome(running.streamUrl, gateReaderId);
    const taps = [tapOf(1), { ...tapOf(2), kind: 1 }, { uid: new Uint8Array(7), kind: 1, deltaMs: 0 }];
    reader.send(encodeTaps({ firstSeq: 1, baseMs, taps }));
    const ack = await reader.expect('ack');
    expect([...ack.codes]).toEqual([Code.readerForbidden, Code.accepted, Code.cardUnknown]);
    await reader.close();
  });

  test('an empty list is answered; BEAT and OUTCOME are taken without an answer', async () => {
    const { reader } = await newReader();
    reader.send(encodeBeat({ clockMs: Date.now(), queued: 3, oldestMs: null, rulesVersion: 1 }));
    reader.send(Buffer.from('93030101', 'hex'));
    expect(await reader.taps(1, 0)).toMatchObject({ durableSeq: 0, firstSeq: 1 });
    await reader.close();
  });
});

describe('bounds', () => {
  test('more than 512 taps', async () => {
    const { reader } = await newReader();
    const tap = { uid: uidOf(1), kind: 1, deltaMs: 0 };
    const taps = Array.from({ length: tapsPerFrameMax + 1 }, () => tap);
    expect(await reader.refused(encodeTaps({ firstSeq: 1, baseMs, taps }))).toMatchObject({ code: 7, fatal: true });
    expect(await reader.closed).toBe(4007);
  });

  test('more than 32,768 bytes', async () => {
    const { reader } = await newReader();
    const large = Buffer.concat([tapsFrom(1, 1), Buffer.alloc(frameBytesMax)]);
    expect(await reader.refused(large)).toMatchObject({ code: 7, fatal: true });
    expect(await reader.closed).toBe(4007);
  });

  test('more taps in flight than the credit', async () => {
    const { reader } = await newReader();
    running.hold();
    for (let seq = 1; seq <= creditTapsMax; seq += tapsPerFrameMax) reader.send(tapsFrom(seq, tapsPerFrameMax));
    reader.send(tapsFrom(creditTapsMax + 1, 1));
    // The refusal waits for its turn; nothing behind it is listened to.
    reader.send(malformed);
    await new Promise((resolve) => setTimeout(resolve, 20));
    running.release();
    for (let seq = 1; seq <= creditTapsMax; seq += tapsPerFrameMax)
      expect((await reader.expect('ack')).firstSeq).toBe(seq);
    expect(await reader.expect('err')).toMatchObject({ code: 6, fatal: true });
    expect(await reader.closed).toBe(4006);
  });

  test.each([
    ['frames', () => malformed],
    ['messages of a server', () => encodeChallenge({ nonce: new Uint8Array(32), serverMs: 1 })],
    ['text messages', () => 'taps'],
  ])('the third malformed in a row is fatal: %s', async (_name, bytes) => {
    const { reader } = await newReader();
    expect(await reader.refused(bytes())).toMatchObject({ code: 1, fatal: false });
    expect(await reader.refused(bytes())).toMatchObject({ code: 1, fatal: false });
    await reader.taps(1, 1);
    for (const fatal of [false, false, true]) expect(await reader.refused(bytes())).toMatchObject({ code: 1, fatal });
    expect(await reader.closed).toBe(4001);
  });

  test('a malformed frame names the byte', async () => {
    const { reader } = await newReader();
    const frame = tapsFrom(1, 3);
    const at = frame.lastIndexOf(uidOf(4)[3]) + 1;
    expect(await reader.refused(Buffer.from(frame).fill(0xc1, at, at + 1))).toMatchObject({ code: 1, offset: at });
    await reader.close();
  });

  test('not now: nothing is applied, and the reader is told how long to wait', async () => {
    const why = { closed: 'disk-low' as string | undefined };
    const closed = await RunningGateway.start({ whyClosed: () => why.closed });
    const { reader } = await TestReader.welcome(closed.streamUrl, 1);
    const error = await reader.refused(tapsFrom(1, 2));
    expect(error).toMatchObject({ code: 8, fatal: false, retryMs: 250 });
    expect(error.message).toContain('disk-low');
    why.closed = undefined;
    expect((await reader.taps(1, 2)).durableSeq).toBe(2);
    await reader.close();
    await closed.end();
  });
});

describe('connections', () => {
  test('refusals keep their place among the answers', async () => {
    const { reader } = await newReader();
    running.hold();
    for (const bytes of [tapsFrom(1, 2), malformed, tapsFrom(9, 1), tapsFrom(3, 2)]) reader.send(bytes);
    await new Promise((resolve) => setTimeout(resolve, 20));
    running.release();
    const answers = [await reader.next(), await reader.next(), await reader.next(), await reader.next()];
    expect(answers.map((one) => (one.type === 'err' ? one.code : one.type))).toEqual(['ack', 1, 5, 'ack']);
    await reader.close();
  });

  test('a newer one supersedes the older; frames in flight are durable and answered again, with a whole credit', async () => {
    const { reader, readerId } = await newReader();
    running.hold();
    for (let seq = 1; seq <= creditTapsMax; seq += tapsPerFrameMax) reader.send(tapsFrom(seq, tapsPerFrameMax));
    const { reader: newer, welcome } = await TestReader.welcome(running.streamUrl, readerId);
    expect(await reader.expect('err')).toMatchObject({ code: 9, fatal: true });
    expect(await reader.closed).toBe(4009);
    expect(welcome.nextSeq).toBe(1);
    for (let seq = 1; seq <= creditTapsMax; seq += tapsPerFrameMax) newer.send(tapsFrom(seq, tapsPerFrameMax));
    await new Promise((resolve) => setTimeout(resolve, 20));
    running.release();
    for (let seq = 1; seq <= creditTapsMax; seq += tapsPerFrameMax) {
      const ack = await newer.expect('ack');
      expect(ack.firstSeq).toBe(seq);
      expect(new Set(ack.codes)).toEqual(new Set([Code.accepted]));
    }
    const { counters } = running.gateway;
    expect(counters.repeatedTaps).toBeGreaterThanOrEqual(creditTapsMax);
    await newer.close();
  });

  test('a connection that is gone before its HELLO is verified takes nothing over', async () => {
    const { reader, readerId } = await newReader();
    const hasty = TestReader.connect(running.streamUrl);
    const { nonce } = await hasty.expect('challenge');
    hasty.send(signedHello(readerId, nonce));
    hasty.socket.terminate();
    await hasty.closed;
    expect(['ack', 'err']).toContain((await (reader.send(tapsFrom(1, 1)), reader.next())).type);
    const again = await TestReader.welcome(running.streamUrl, readerId);
    await again.reader.taps(1, 1);
    await again.reader.close();
  });

  test('a revoked reader is shut out at once, and so is one whose key was changed', async () => {
    for (const change of ['revoked', 'key'] as const) {
      const { reader, readerId } = await newReader();
      await reader.taps(1, 1);
      putReader(running.directory, readerId, change === 'revoked', change === 'key' ? '11'.repeat(32) : undefined);
      running.gateway.readers.dropRevoked();
      expect(await reader.expect('err')).toMatchObject({ code: 4, fatal: true });
      expect(await reader.closed).toBe(4004);
      const again = TestReader.connect(running.streamUrl);
      const { nonce } = await again.expect('challenge');
      expect(await again.refused(signedHello(readerId, nonce))).toMatchObject({ code: change === 'revoked' ? 4 : 3 });
    }
  });

  test('a port that somebody has is refused', async () => {
    const other = createServer();
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
    const { port } = other.address() as { port: number };
    await expect(running.gateway.listen('127.0.0.1', port)).rejects.toMatchObject({
      code: 'PORT_TAKEN',
      exitStatus: 3,
    });
    other.close();
  });
});
