import { execFileSync } from 'node:child_process';
import { createHmac } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import { createConnection } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Code } from '../protocol/codes.ts';
import type { HelloFields } from '../protocol/encode.ts';
import { frameBytesMax } from '../protocol/limits.ts';
import type { Message, Welcome } from '../protocol/messages.ts';
import { putReader, RunningGateway } from './running-gateway.suite.ts';
import { decoded, signedHello, tapsFrom, TestReader } from './test-reader.suite.ts';

let running: RunningGateway;
let lastReaderId = 0;

beforeAll(async () => {
  running = await RunningGateway.start();
});
afterAll(() => running.end());

interface Answer {
  readonly status: number;
  readonly message: Message;
  readonly headers: Headers;
}

async function request(
  method: string,
  where: string,
  body?: Uint8Array,
  token?: string,
  url = running.url,
): Promise<Answer> {
  const headers = {
    'Content-Type': 'application/msgpack',
    ...(token !== undefined && { Authorization: `Bearer ${token}` }),
  };
  const response = await fetch(url + where, {
    method,
    headers,
    ...(body !== undefined && { body: Buffer.from(body) }),
  });
  expect(response.headers.get('Content-Type')).toBe('application/msgpack');
  return {
    status: response.status,
    headers: response.headers,
    message: decoded(new Uint8Array(await response.arrayBuffer())),
  };
}

async function challenge(): Promise<Uint8Array> {
  const { status, message } = await request('GET', '/v1/challenge');
  expect(status).toBe(200);
  if (message.type !== 'challenge') throw new Error(`expected a challenge, got ${message.type}`);
  return message.nonce;
}

/** Challenge and HELLO, with the nonce named or not. */
async function hello(readerId: number, fields: Partial<HelloFields> = {}, isNamed = true): Promise<Answer> {
  const nonce = await challenge();
  return await request('POST', '/v1/hello', signedHello(readerId, nonce, { ...fields, nonce: isNamed ? nonce : null }));
}

async function welcome(readerId: number, fields: Partial<HelloFields> = {}): Promise<Welcome> {
  const { status, message } = await hello(readerId, fields);
  expect(status).toBe(200);
  return message as Welcome;
}

async function newReader() {
  lastReaderId += 1;
  const readerId = lastReaderId;
  return { readerId, token: (await welcome(readerId)).sessionToken };
}

const taps = (bytes: Uint8Array, token?: string) => request('POST', '/v1/taps', bytes, token);

describe('HELLO over HTTP', () => {
  test('challenge, hello, taps, ack; a repeat gets the same bytes', async () => {
    const { token } = await newReader();
    const first = await taps(tapsFrom(1, 50), token);
    expect(first.status).toBe(200);
    expect(first.message).toMatchObject({ type: 'ack', durableSeq: 50, firstSeq: 1 });
    expect((await taps(tapsFrom(1, 50), token)).message).toEqual(first.message);
  });

  test('twice in a row, with the nonce named and without', async () => {
    const { readerId } = await newReader();
    for (const isNamed of [true, true, false, false]) expect((await hello(readerId, {}, isNamed)).status).toBe(200);
  });

  test('readers that share a challenge both come in; neither does again with the same HELLO', async () => {
    const nonce = await challenge();
    const hellos = [90, 91].map((readerId) => signedHello(readerId, nonce, { nonce }));
    for (const body of hellos) expect((await request('POST', '/v1/hello', body)).status).toBe(200);
    for (const body of hellos) {
      expect(await request('POST', '/v1/hello', body)).toMatchObject({
        status: 401,
        message: { code: 3, fatal: true },
      });
    }
    const unnamed = signedHello(90, nonce);
    expect((await request('POST', '/v1/hello', unnamed)).status).toBe(401);
  });

  test.each([
    ['malformed', () => Buffer.from('c1', 'hex'), 400, 1],
    ['version', (nonce: Uint8Array) => signedHello(92, nonce, { version: 9 }), 400, 2],
    ['signature', () => signedHello(92, new Uint8Array(32)), 401, 3],
    ['unknown reader', (nonce: Uint8Array) => signedHello(999, nonce), 403, 4],
    ['too large', () => Buffer.alloc(frameBytesMax + 1), 413, 7],
    ['no HELLO', () => tapsFrom(1, 1), 401, 10],
  ])('refused: %s', async (_name, body, status, code) => {
    const answer = await request('POST', '/v1/hello', body(await challenge()));
    expect(answer).toMatchObject({ status, message: { type: 'err', code } });
  });

  test('an older epoch is refused, and the older token with it', async () => {
    const { readerId, token } = await newReader();
    const newer = await welcome(readerId, { bootEpoch: 5 });
    expect(await hello(readerId, { bootEpoch: 4 })).toMatchObject({ status: 409, message: { code: 11 } });
    expect(await taps(tapsFrom(1, 1), token)).toMatchObject({ status: 409, message: { code: 11 } });
    expect((await taps(tapsFrom(1, 1), newer.sessionToken)).status).toBe(200);
  });

  test('it takes over from a connection of the same reader', async () => {
    const { readerId } = await newReader();
    const { reader } = await TestReader.welcome(running.streamUrl, readerId);
    await reader.taps(1, 3);
    expect((await welcome(readerId)).nextSeq).toBe(4);
    expect(await reader.expect('err')).toMatchObject({ code: 9 });
  });
});

describe('session tokens', () => {
  test('missing, wrong or forged', async () => {
    const { token } = await newReader();
    const claims = token.slice(0, token.lastIndexOf('.'));
    const forged = `${claims}.${createHmac('sha256', 'guess').update(claims).digest('base64url')}`;
    const ofAnother = token.replace(/^\d+/, '7');
    for (const wrong of [undefined, '', 'x', forged, ofAnother, `${token}x`, 'a'.repeat(1_000)]) {
      expect(await taps(tapsFrom(1, 1), wrong)).toMatchObject({ status: 401, message: { code: 3, fatal: true } });
    }
  });

  test('a token outlives a restart, and dies with a revocation, also when the reader is added again', async () => {
    const { readerId, token } = await newReader();
    const { readerId: rekeyed, token: oldKeyToken } = await newReader();
    await taps(tapsFrom(1, 1), token);
    await running.drain();
    await running.begin();
    expect((await taps(tapsFrom(2, 1), token)).message).toMatchObject({ durableSeq: 2 });
    putReader(running.directory, readerId, true);
    expect(await taps(tapsFrom(3, 1), token)).toMatchObject({ status: 403, message: { code: 4 } });
    running.gateway.readers.dropRevoked();
    putReader(running.directory, readerId);
    putReader(running.directory, rekeyed, false, '22'.repeat(32));
    for (const dead of [token, oldKeyToken]) expect((await taps(tapsFrom(3, 1), dead)).status).toBe(401);
  });

  test('a token of a newer epoch, after a restart, ends a connection of the older one', async () => {
    const { readerId } = await newReader();
    const { sessionToken } = await welcome(readerId, { bootEpoch: 3 });
    await running.drain();
    await running.begin();
    const { reader } = await TestReader.welcome(running.streamUrl, readerId, { bootEpoch: 2 });
    expect((await taps(tapsFrom(1, 2), sessionToken)).message).toMatchObject({ durableSeq: 2 });
    expect(await reader.expect('err')).toMatchObject({ code: 9 });
  });
});

describe('TAPS over HTTP', () => {
  test('refusals and their statuses', async () => {
    const { token } = await newReader();
    const gap = await taps(tapsFrom(2, 1), token);
    expect(gap).toMatchObject({ status: 409, message: { code: 5, fatal: false } });
    const broken = await taps(tapsFrom(1, 1).subarray(0, 9), token);
    expect(broken).toMatchObject({ status: 400, message: { code: 1, offset: 9 } });
    expect(await taps(Buffer.alloc(frameBytesMax + 1), token)).toMatchObject({ status: 413, message: { code: 7 } });
    expect(await taps(signedHello(1, new Uint8Array(32)), token)).toMatchObject({ status: 400, message: { code: 1 } });
  });

  test('credit is counted over requests that run at once', async () => {
    const { token } = await newReader();
    running.hold();
    const first = Array.from({ length: 8 }, (_, frame) => taps(tapsFrom(1 + 512 * frame, 512), token));
    await expect.poll(() => running.gateway.readers.find(lastReaderId)?.inFlightTaps).toBe(4096);
    expect(await taps(tapsFrom(4097, 1), token)).toMatchObject({ status: 429, message: { code: 6 } });
    running.release();
    for (const { status } of await Promise.all(first)) expect(status).toBe(200);
  });

  test('not now: 503 with Retry-After', async () => {
    const why = { closed: undefined as string | undefined };
    const closed = await RunningGateway.start({ whyClosed: () => why.closed });
    const { reader, welcome: told } = await TestReader.welcome(closed.streamUrl, 1);
    why.closed = 'journal-full';
    const answer = await request('POST', '/v1/taps', tapsFrom(1, 1), told.sessionToken, closed.url);
    expect(answer).toMatchObject({ status: 503, message: { code: 8, fatal: false, retryMs: 250 } });
    expect(answer.headers.get('Retry-After')).toBe('1');
    await reader.close();
    await closed.end();
  });

  test('a client that is gone, at whatever point, harms nobody', async () => {
    const { token } = await newReader();
    const body = Buffer.from(tapsFrom(1, 20));
    const head = `POST /v1/taps HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${token}\r\nContent-Length: ${body.length}\r\n\r\n`;
    const whole = Buffer.concat([Buffer.from(head), body]);
    const helloBody = signedHello(93, await challenge());
    const helloHead = `POST /v1/hello HTTP/1.1\r\nHost: x\r\nContent-Length: ${helloBody.length}\r\n\r\n`;
    running.hold();
    for (const bytes of [whole, Buffer.concat([Buffer.from(helloHead), helloBody])]) {
      for (let length = 1; length <= bytes.length; length += 7) await sendAndLeave(bytes.subarray(0, length));
      await sendAndLeave(bytes);
    }
    running.release();
    const ack = await taps(tapsFrom(1, 20), token);
    expect(ack.message).toMatchObject({ type: 'ack', durableSeq: 20 });
    expect(new Set((ack.message as { codes: Uint8Array }).codes)).toEqual(new Set([Code.accepted]));
  });
});

/** Sends a part of a request and resets the connection. */
async function sendAndLeave(bytes: Uint8Array): Promise<void> {
  const socket = createConnection({ host: '127.0.0.1', port: Number(new URL(running.url).port) });
  socket.on('error', () => undefined);
  await new Promise<void>((resolve) => socket.write(bytes, () => resolve()));
  await new Promise<void>((resolve) => {
    socket.once('close', () => resolve());
    socket.resetAndDestroy();
  });
}

test('TLS: streams and requests over a certificate of its own', async () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'tapline-tls-'));
  const tls = { certificateFile: path.join(folder, 'cert.pem'), keyFile: path.join(folder, 'key.pem') };
  const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '1'];
  const files = ['-keyout', tls.keyFile, '-out', tls.certificateFile, '-subj', '/CN=localhost'];
  execFileSync('openssl', ['req', '-x509', ...curve, ...files], { stdio: 'ignore' });
  const secure = await RunningGateway.start({ tls });
  const { reader } = await TestReader.welcome(secure.streamUrl, 1);
  expect(secure.streamUrl).toMatch(/^wss:/);
  expect((await reader.taps(1, 3)).durableSeq).toBe(3);
  await reader.close();
  const status = await new Promise((resolve, reject) => {
    const get = https.get(`${secure.url}/v1/challenge`, { rejectUnauthorized: false }, (response) => {
      response.resume();
      resolve(response.statusCode);
    });
    get.on('error', reject);
  });
  expect(status).toBe(200);
  await expect(
    new Promise((resolve, reject) => http.get(secure.url.replace('https', 'http'), resolve).on('error', reject)),
    'plain HTTP is not answered',
  ).rejects.toThrow();
  await secure.end();
  rmSync(folder, { recursive: true });
});
