import http from 'node:http';
import { createConnection, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { decodeMessage } from '../protocol/messages.ts';
import { encodeBeat } from '../protocol/encode.ts';
import { seededRandom } from '../registry/fixtures.suite.ts';
import { removeFolder, RunningService, tapline, temporaryFolder, writeRegion } from '../running-service.suite.ts';
import { bombs, mutated, rawFrame } from './mutations.suite.ts';
import { signedHello, tapsFrom, TestReader } from './test-reader.suite.ts';

const framesOverWebSocket = 90_000;
const framesOverHttp = 10_000;
const connections = 16;
const growthBytesMax = 300 * 2 ** 20;
const healthyReaderId = 1;
const beat = encodeBeat({ clockMs: 0, queued: 0, oldestMs: null, rulesVersion: 0 });

const folder = temporaryFolder();
const seed = Number(process.env.TAPLINE_TEST_SEED ?? Date.now() % 1_000_000);
let service: RunningService;
let healthy: Healthy;

beforeAll(async () => {
  writeRegion(folder);
  await tapline(['import', folder, '--data', `${folder}/data`]);
  service = await RunningService.start(`${folder}/data`, ['--log-level', 'error']);
  healthy = await Healthy.start();
});

afterAll(async () => {
  await service.end();
  removeFolder(folder);
});

/** A reader that minds its own business all the while, and gets every answer. */
class Healthy {
  ackedSeq = 0;
  longestWaitMs = 0;
  #isOver = false;
  #done: Promise<void> = Promise.resolve();

  static async start(): Promise<Healthy> {
    const one = new Healthy();
    const { reader } = await TestReader.welcome(service.stream, healthyReaderId);
    one.#done = one.#stream(reader);
    return one;
  }

  /** Throws what went wrong, if anything did. */
  async stop(): Promise<void> {
    this.#isOver = true;
    await this.#done;
  }

  async #stream(reader: TestReader): Promise<void> {
    while (!this.#isOver) {
      const sentMs = performance.now();
      const ack = await reader.taps(this.ackedSeq + 1, 10);
      this.longestWaitMs = Math.max(this.longestWaitMs, performance.now() - sentMs);
      if (ack.durableSeq !== this.ackedSeq + 10)
        throw new Error(`durable up to ${ack.durableSeq}, not ${this.ackedSeq + 10}`);
      this.ackedSeq = ack.durableSeq;
      await sleep(2);
    }
    await reader.close();
  }
}

/** Sends `frames` mutated frames over one connection after the other: some before HELLO, most behind it. */
async function bombard(readerId: number, frames: number, random: (below: number) => number): Promise<void> {
  let left = frames;
  while (left > 0) {
    const reader = TestReader.connect(service.stream);
    try {
      if (random(8) > 0) await reader.hello(readerId, { bootEpoch: 1 });
      while (left > 0 && reader.socket.readyState !== reader.socket.CLOSING && reader.socket.readyState < 3) {
        // Two malformed frames and a good one: the third in a row would end the connection each time.
        for (let place = 0; place < 100; place++, left -= 2) {
          reader.send(mutated(random));
          reader.send(mutated(random));
          reader.send(beat);
        }
        await answered(reader);
      }
    } catch {
      // It was told to go, and comes back.
    }
    reader.socket.terminate();
    await reader.closed;
  }
}

/** The service has read everything so far, or closed the connection. */
async function answered(reader: TestReader): Promise<void> {
  const pong = new Promise((resolve) => reader.socket.once('pong', resolve));
  reader.socket.ping();
  await Promise.race([pong, reader.closed]);
}

async function post(agent: http.Agent, where: string, token: string, body: Uint8Array): Promise<number> {
  const headers = { Authorization: `Bearer ${token}`, 'Content-Length': body.length };
  return await new Promise((resolve, reject) => {
    const request = http.request(service.url + where, { method: 'POST', agent, headers }, (response) => {
      response.resume().on('end', () => resolve(response.statusCode ?? 0));
    });
    request.on('error', reject).end(body);
  });
}

test(`100,000 mutated frames (seed ${seed})`, { timeout: 120_000 }, async () => {
  const before = { resident: service.residentBytes, heap: await service.metric('nodejs_heap_size_used_bytes') };
  const streams = Array.from({ length: connections }, (_, index) =>
    bombard(10 + index, framesOverWebSocket / connections, seededRandom(seed + index)),
  );
  const { reader, welcome } = await TestReader.welcome(service.stream, 2);
  const agent = new http.Agent({ keepAlive: true, maxSockets: connections });
  const random = seededRandom(seed + connections);
  const statuses = new Set<number>();
  for (let frame = 0; frame < framesOverHttp; frame += connections) {
    const posts = Array.from({ length: connections }, () => {
      return post(agent, random(4) === 0 ? '/v1/hello' : '/v1/taps', welcome.sessionToken, mutated(random));
    });
    for (const status of await Promise.all(posts)) statuses.add(status);
  }
  agent.destroy();
  await reader.close();
  await Promise.all(streams);
  expect([...statuses].sort().filter((status) => ![200, 400, 401, 403, 409, 413, 429].includes(status))).toEqual([]);
  await expectHealthy(before);
});

test('allocation bombs and lengths of 2^32 − 1', async () => {
  const before = { resident: service.residentBytes, heap: await service.metric('nodejs_heap_size_used_bytes') };
  const { reader, welcome } = await TestReader.welcome(service.stream, 3);
  const agent = new http.Agent({ keepAlive: true });
  for (let round = 0; round < 20; round++) {
    for (const bomb of bombs) {
      expect(decodeMessage(bomb).ok).toBe(false);
      const newcomer = TestReader.connect(service.stream);
      await newcomer.expect('challenge');
      expect(await newcomer.refused(bomb)).toMatchObject({ type: 'err' });
      newcomer.socket.terminate();
      expect(await reader.refused(bomb)).toMatchObject({ code: 1 });
      reader.send(beat);
      expect(await post(agent, '/v1/taps', welcome.sessionToken, bomb)).toBe(400);
      expect(await post(agent, '/v1/hello', '', bomb)).toBeGreaterThanOrEqual(400);
    }
  }
  agent.destroy();
  await reader.close();
  await expectHealthy(before);
});

async function expectHealthy(before: { resident: number; heap: number }): Promise<void> {
  const seqBefore = healthy.ackedSeq;
  await expect.poll(() => healthy.ackedSeq, { timeout: 10_000 }).toBeGreaterThan(seqBefore);
  const mebibytes = (bytes: number) => `${Math.round(bytes / 2 ** 20)} MiB`;
  const after = { resident: service.residentBytes, heap: await service.metric('nodejs_heap_size_used_bytes') };
  process.stderr.write(
    `resident ${mebibytes(before.resident)} → ${mebibytes(after.resident)}, heap ${mebibytes(before.heap)} → ` +
      `${mebibytes(after.heap)}; healthy reader: ${healthy.ackedSeq} taps, longest wait ${Math.round(healthy.longestWaitMs)} ms\n`,
  );
  expect(after.resident - before.resident).toBeLessThan(growthBytesMax);
}

/** A bare socket that has asked for a WebSocket, and read the answer up to the CHALLENGE. */
async function upgraded(): Promise<Socket> {
  const socket = createConnection(Number(new URL(service.url).port), '127.0.0.1');
  socket.on('error', () => undefined);
  const key = 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13';
  socket.write(`GET /v1/stream HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n${key}\r\n\r\n`);
  await new Promise((resolve) => socket.once('data', resolve));
  return socket;
}

async function isClosed(socket: Socket): Promise<void> {
  socket.resume();
  if (!socket.closed) await new Promise<void>((resolve) => socket.once('close', () => resolve()));
}

test('a frame of 2^63 bytes, one of 4 GiB and reserved bits end the connection; an unmasked one means nothing', async () => {
  const huge = Buffer.from('82ff80000000000000000000000000', 'hex');
  const large = Buffer.from('82ff000000010000000000000000', 'hex');
  for (const bytes of [huge, large, Buffer.from('f28000000000', 'hex'), Buffer.from('8f8000000000', 'hex')]) {
    const socket = await upgraded();
    socket.write(bytes);
    await isClosed(socket);
  }
  const unmasked = await upgraded();
  unmasked.write(Buffer.concat([Buffer.from([0x82, 60]), tapsFrom(1, 3)]));
  unmasked.end();
  await isClosed(unmasked);
});

test('half a handshake, nonsense instead of one, and leaving at any byte', async () => {
  const port = Number(new URL(service.url).port);
  const half = 'GET /v1/stream HTTP/1.1\r\nHost: x\r\nUpgrade: websoc';
  for (const bytes of [
    half,
    'GET',
    '\0\0\0\0',
    `GET /${'x'.repeat(20_000)}`,
    'POST /v1/taps HTTP/1.1\r\nContent-Length: -1\r\n\r\n',
  ]) {
    const socket = createConnection(port, '127.0.0.1');
    socket.on('error', () => undefined);
    await new Promise<void>((resolve) => socket.write(bytes, () => resolve()));
    socket.resetAndDestroy();
  }
  const socket = await upgraded();
  socket.resetAndDestroy();
});

test('a message in fragments is one message', async () => {
  const reader = TestReader.connect(service.stream);
  const { nonce } = await reader.expect('challenge');
  const hello = signedHello(4, nonce);
  const third = Math.ceil(hello.length / 3);
  for (let part = 0; part < 3; part++) {
    reader.socket.send(hello.subarray(part * third, (part + 1) * third), { fin: part === 2, binary: true });
  }
  expect((await reader.expect('welcome')).nextSeq).toBe(1);
  await reader.close();
});

test('a reader that never reads its answers is closed, and its memory given back', async () => {
  const { reader } = await TestReader.welcome(service.stream, 5);
  const socket = (reader.socket as unknown as { _socket: Socket })._socket;
  socket.pause();
  const gap = rawFrame(tapsFrom(1_000, 1));
  const chunk = Buffer.concat(Array.from({ length: 500 }, () => gap));
  const isGone = new Promise<void>((resolve) => socket.once('close', () => resolve()));
  while (!socket.destroyed) {
    const isFlushed = new Promise<void>((resolve) => socket.write(chunk, () => resolve()));
    await Promise.race([isFlushed, isGone]);
  }
  await isGone;
});

test('the healthy reader got every answer, and nobody is left', async () => {
  await healthy.stop();
  await expect.poll(() => service.metric('tapline_connections'), { timeout: 10_000 }).toBe(0);
  const verdict = await tapline(['verify', '--json', '--data', `${folder}/data`]);
  expect(JSON.parse(verdict.out)).toMatchObject({ ok: true, lost: 0, doubled: 0, problems: [] });
  expect(service.log).toBe('');
});
