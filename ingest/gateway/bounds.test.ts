import { mkdirSync, mkdtempSync, readFileSync, rmdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import * as uWS from 'uws';
import { afterAll, describe, expect, test } from 'vitest';
import { serveOperation } from '../operation.ts';
import type { Metrics } from '../metrics.ts';
import type { Service } from '../service.ts';
import { AckLog, readTold } from './ack-log.ts';
import { FrameTicket } from './frame-ticket.ts';
import { quarantineFileBytesMax } from './limits.ts';
import { Quarantine } from './quarantine.ts';
import { RunningGateway } from './running-gateway.suite.ts';
import { ShardQueue } from './shard-queue.ts';
import { tapsFrom, TestReader } from './test-reader.suite.ts';

const folder = mkdtempSync(path.join(tmpdir(), 'tapline-bounds-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('the log of acknowledgements', () => {
  const file = path.join(folder, 'acknowledged.log');

  test('is written anew at its bound, and the last note of each reader holds', async () => {
    const log = new AckLog(folder, { fileBytesMax: 1_000 });
    for (let toldSeq = 1; toldSeq <= 500; toldSeq++) {
      log.note({ readerId: 1 + (toldSeq % 3), bootEpoch: 1, toldSeq });
      await log.flush();
      expect(statSync(file).size).toBeLessThan(1_100);
    }
    expect([...readTold(folder).values()].map(({ toldSeq }) => toldSeq).sort()).toEqual([498, 499, 500]);
    const next = new AckLog(folder, { fileBytesMax: 1_000 });
    next.note({ readerId: 9, bootEpoch: 2, toldSeq: 7 });
    await next.flush();
    expect(readTold(folder).size).toBe(4);
  });

  test('a flush that failed is made up for by the next', async () => {
    rmSync(file, { force: true });
    const log = new AckLog(folder);
    mkdirSync(file);
    log.note({ readerId: 1, bootEpoch: 1, toldSeq: 5 });
    await expect(log.flush()).rejects.toThrow('EISDIR');
    rmdirSync(file);
    await log.flush();
    expect(readTold(folder).get('1 1')?.toldSeq).toBe(5);
  });
});

test('the quarantine keeps two files of its bound, whatever comes in at once', async () => {
  const quarantine = new Quarantine(folder);
  const frame = new Uint8Array(32_768).fill(0xc1);
  for (let round = 0; round < 10; round++) {
    for (let count = 0; count < 1_000; count++) quarantine.keep(1, frame, 'wrong', 0);
    await quarantine.flush();
  }
  expect(quarantine.total).toBe(10_000);
  const file = path.join(folder, 'malformed-frames.ndjson');
  for (const name of [file, `${file}.1`]) expect(statSync(name).size).toBeLessThan(2 * quarantineFileBytesMax);
  const [first] = readFileSync(file, 'utf8').split('\n');
  expect(JSON.parse(first)).toMatchObject({ readerId: 1, reason: 'wrong', at: '1970-01-01T00:00:00.000Z' });
});

test('a batch that the pool would not take is sent again, and its readers are answered', async () => {
  let tries = 0;
  const queue = new ShardQueue(() => (++tries < 3 ? Promise.reject(new Error('busy')) : Promise.resolve()));
  const isAnswered = new Promise<void>((resolve) => {
    const owner = { bootEpoch: 1, creditRound: 1, flush: () => resolve() };
    const ticket = new FrameTicket(owner, 1, 1, { ack: () => undefined }, 0);
    queue.batchFor(1)!.take(ticket, 0);
    queue.schedule();
  });
  await isAnswered;
  expect(tries).toBe(3);
  expect(queue.isIdle).toBe(true);
});

test('empty and refused frames that wait for a stalled shard are bounded', async () => {
  const running = await RunningGateway.start();
  const { reader } = await TestReader.welcome(running.streamUrl, 1);
  running.hold();
  reader.send(tapsFrom(1, 1));
  const [empty, gap] = [tapsFrom(1, 0), tapsFrom(100, 1)];
  for (let count = 0; count < 6_000; count++) {
    reader.send(empty);
    reader.send(gap);
  }
  const state = () => running.gateway.readers.find(1)!;
  await expect.poll(() => state().gaps).toBe(6_000);
  expect(state().inFlightFrames).toBeLessThanOrEqual(8_192);
  running.release();
  let answers = 0;
  for (; answers < 12_001; answers++) await reader.next();
  expect((await reader.taps(2, 1)).durableSeq).toBe(2);
  await reader.close();
  await running.end();
});

test('a drain refuses new frames, waits for those in flight, and answers them', async () => {
  const running = await RunningGateway.start();
  const { reader } = await TestReader.welcome(running.streamUrl, 1);
  running.hold();
  reader.send(tapsFrom(1, 3));
  await expect.poll(() => running.gateway.readers.find(1)!.inFlightTaps).toBe(3);
  const drained = running.drain();
  reader.send(tapsFrom(4, 3));
  await expect.poll(() => running.gateway.readers.find(1)!.inFlightFrames).toBe(2);
  running.release();
  await drained;
  expect(await reader.expect('ack')).toMatchObject({ durableSeq: 3 });
  expect(await reader.expect('err')).toMatchObject({ code: 8, message: 'not now: draining' });
  await reader.closed;
  await running.begin();
  expect((await TestReader.welcome(running.streamUrl, 1)).welcome.nextSeq).toBe(4);
  await running.end();
});

test('a drain gives up on a shard that does not come back, and acknowledges nothing of it', async () => {
  const running = await RunningGateway.start();
  const { reader } = await TestReader.welcome(running.streamUrl, 1);
  running.hold();
  reader.send(tapsFrom(1, 3));
  await expect.poll(() => running.gateway.readers.find(1)!.inFlightTaps).toBe(3);
  expect(await running.gateway.drain(50)).toBe(false);
  await expect(reader.next()).rejects.toThrow('closed');
  await running.end();
});

test('/readyz says 503 while draining, and /healthz 200', async () => {
  const app = uWS.App();
  const service = { isReady: false, admission: { isOpen: false, reasons: ['draining'] } } as unknown as Service;
  serveOperation(app, service, {} as Metrics);
  const port = await new Promise<number>((resolve) => {
    app.listen('127.0.0.1', 0, (socket) => resolve(socket === false ? 0 : uWS.us_socket_local_port(socket)));
  });
  const ready = await fetch(`http://127.0.0.1:${port}/readyz`);
  expect({ status: ready.status, body: await ready.json() }).toEqual({
    status: 503,
    body: { ready: false, reasons: ['draining'] },
  });
  expect((await fetch(`http://127.0.0.1:${port}/healthz`)).status).toBe(200);
  app.close();
});
