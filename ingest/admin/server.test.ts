import { createConnection } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import pino from 'pino';
import * as uWS from 'uws';
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { z } from 'zod';
import { OperatorError } from '../../workers/errors.ts';
import { listAudit } from '../registry/audit.ts';
import { importDirectory } from '../registry/import.ts';
import { smallRegion, temporaryDirectory, temporaryRegistry, writeFiles } from '../registry/fixtures.suite.ts';
import type { Registry } from '../registry/store.ts';
import { issueToken, revokeToken, type Role } from '../registry/tokens.ts';
import type { Service } from '../service.ts';
import type { EventStream } from './event-stream.ts';
import { idText } from './fields.ts';
import { bodyBytesMax, requestsInFlightMax, streamBufferBytesMax } from './limits.ts';
import { type Route, route, streamRoute } from './route.ts';
import { serveAdmin } from './server.ts';

const ownerToken = 'ab'.repeat(32);
const nowMs = Date.UTC(2026, 8, 1, 9);

let registry: Registry;
let url: string;
/** Lets requests of the route `wait` go on. */
let release: () => void;
let streams: EventStream[];
let closed: number;

/** Routes of every sort, beside which the real ones are a table of data. */
function testRoutes(): Route[] {
  const gate = new Promise<string>((resolve) => (release = () => resolve('gone on')));
  const base = { method: 'get', summary: '', response: z.unknown(), roles: [] as Role[] } as const;
  return [
    route({
      ...base,
      name: 'pupil',
      path: '/admin/v1/pupil/{pupil}/{word}',
      roles: ['viewer', 'operator'],
      parameters: z.strictObject({ pupil: idText, word: z.string() }),
      query: z.strictObject({ limit: idText.optional() }),
      schools: ({ parameters }, { calendar }) => calendar.schoolIdsOf([parameters.pupil]),
      answer: ({ parameters, query }, { caller }) => ({ ...parameters, ...query, caller: caller.name }),
    }),
    route({ ...base, name: 'region', path: '/admin/v1/region', roles: ['viewer', 'operator'], answer: () => 'all' }),
    route({ ...base, name: 'wait', path: '/admin/v1/wait', answer: () => gate }),
    route({
      ...base,
      name: 'deed',
      method: 'post',
      path: '/admin/v1/deed',
      body: z.strictObject({ secret: z.string(), fail: z.string().optional() }),
      answer: ({ body: { fail } }) => {
        if (fail === 'defect') throw new TypeError('a defect');
        if (fail !== undefined) throw new OperatorError(fail, 'it is so', 'Do this.', fail.endsWith('3') ? 3 : 1);
        return { done: true };
      },
      audit: { request: ({ body }) => ({ length: body.secret.length }) },
    }),
    streamRoute({
      name: 'stream',
      method: 'get',
      path: '/admin/v1/stream',
      summary: '',
      roles: ['viewer'],
      query: z.strictObject({ fail: z.string().optional() }),
      event: z.unknown(),
      schools: () => [],
      open: (stream, { query }) => {
        if (query.fail !== undefined) throw new OperatorError('NO_STREAM', 'none', 'Wait.', 3);
        streams.push(stream);
        stream.onClose(() => (closed += 1));
        stream.send('hello', { n: 1 });
      },
    }),
  ];
}

beforeEach(async () => {
  const directory = temporaryDirectory();
  registry = await temporaryRegistry(directory);
  await importDirectory(registry, writeFiles(smallRegion));
  streams = [];
  closed = 0;
  const service = {
    registry,
    now: () => nowMs,
    log: pino({ level: 'silent' }),
    pool: { hosts: [] },
    data: { path: directory },
  };
  const app = uWS.App();
  serveAdmin(app, service as unknown as Service, Buffer.from(ownerToken, 'hex'), testRoutes());
  app.listen('127.0.0.1', 0, (socket) => {
    url = `http://127.0.0.1:${uWS.us_socket_local_port(socket)}`;
  });
  onTestFinished(() => {
    release();
    app.close();
  });
});

async function ask(where: string, init: RequestInit & { token?: string } = {}) {
  const { token = ownerToken, ...rest } = init;
  const response = await fetch(url + where, { ...rest, headers: { Authorization: `Bearer ${token}` } });
  return { status: response.status, body: await response.json() };
}

const deed = (body: object | string) =>
  ask('/admin/v1/deed', { method: 'POST', body: typeof body === 'string' ? body : JSON.stringify(body) });
const refusal = (status: number, code: string) => ({
  status,
  body: { error: expect.objectContaining({ code }) as object },
});
const tokenOf = (role: Role, schoolId: number | null = null) =>
  issueToken(registry, { name: `${role} ${schoolId}`, role, schoolId }, nowMs);

describe('who may', () => {
  test('no token, a wrong one and a revoked one are refused; a role that is not named for the route, too', async () => {
    for (const token of ['', 'zz', '00'.repeat(32), ownerToken.slice(2)]) {
      expect(await ask('/admin/v1/region', { token })).toEqual(refusal(401, 'ADMIN_TOKEN'));
    }
    expect(await ask('/admin/v1/region')).toEqual({ status: 200, body: 'all' });
    const viewer = await tokenOf('viewer');
    expect(await ask('/admin/v1/region', { token: viewer })).toMatchObject({ status: 200 });
    expect(await ask('/admin/v1/region', { token: await tokenOf('cabinet') })).toEqual(refusal(403, 'ROLE_FORBIDDEN'));
    await revokeToken(registry, 'viewer null', nowMs);
    expect(await ask('/admin/v1/region', { token: viewer })).toEqual(refusal(401, 'ADMIN_TOKEN'));
  });

  test.each<[Role]>([['operator'], ['viewer']])(
    '%s of a school: that school, not another, not the region',
    async (role) => {
      const token = await tokenOf(role, 10);
      expect(await ask('/admin/v1/pupil/1/x', { token })).toMatchObject({ status: 200 });
      for (const path of ['/admin/v1/pupil/3/x', '/admin/v1/pupil/999/x', '/admin/v1/region']) {
        expect(await ask(path, { token })).toEqual(refusal(403, 'SCOPE_FORBIDDEN'));
      }
    },
  );

  test('an operator without a school has none', async () => {
    expect(await ask('/admin/v1/pupil/1/x', { token: await tokenOf('operator') })).toEqual(
      refusal(403, 'SCOPE_FORBIDDEN'),
    );
  });
});

describe('input', () => {
  test('parameters and query are read by their schemas', async () => {
    const word = encodeURIComponent('Ж/ %');
    expect(await ask(`/admin/v1/pupil/17/${word}?limit=5`)).toEqual({
      status: 200,
      body: { pupil: 17, word: 'Ж/ %', limit: 5, caller: 'owner' },
    });
    for (const pupil of ['0', 'x', '-1', '1e3', '4294967296']) {
      expect(await ask(`/admin/v1/pupil/${pupil}/x`)).toEqual(refusal(400, 'PARAMETER_INVALID'));
    }
    for (const query of ['limit=x', 'other=1']) {
      expect(await ask(`/admin/v1/pupil/1/x?${query}`)).toEqual(refusal(400, 'QUERY_INVALID'));
    }
  });

  test('a body that is not JSON, not as declared, or too large; values are not quoted', async () => {
    for (const body of ['{', '[]', '{}', '{"secret":"s","more":1}', '{"secret":"Anna","fail":7}']) {
      const answer = await deed(body);
      expect(answer).toEqual(refusal(400, 'BODY_INVALID'));
      expect(JSON.stringify(answer)).not.toContain('Anna');
    }
    expect(await deed(' '.repeat(bodyBytesMax + 1))).toEqual(refusal(413, 'BODY_TOO_LARGE'));
    expect(await listAudit(registry, { limit: 10 })).toEqual([]);
  });

  test('clients that go away in the middle of a body leave no place taken', async () => {
    const { port } = new URL(url);
    for (let count = 0; count < requestsInFlightMax + 1; count++) {
      const socket = createConnection(Number(port), '127.0.0.1');
      const head = `POST /admin/v1/deed HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${ownerToken}\r\nContent-Length: 100\r\n\r\n{`;
      await new Promise<void>((resolve) => socket.write(head, () => resolve()));
      socket.destroy();
    }
    await expect.poll(async () => (await ask('/admin/v1/region')).status).toBe(200);
  });
});

describe('answers', () => {
  test('a deed, a refusal, what the service lacks and a defect: status, and what the audit keeps', async () => {
    expect(await deed({ secret: 'abc' })).toEqual({ status: 200, body: { done: true } });
    expect(await deed({ secret: 's', fail: 'IS_SO' })).toEqual({
      status: 409,
      body: { error: { code: 'IS_SO', message: 'it is so', remedy: 'Do this.' } },
    });
    expect(await deed({ secret: 's', fail: 'PUPIL_UNKNOWN' })).toEqual(refusal(404, 'PUPIL_UNKNOWN'));
    expect(await deed({ secret: 's', fail: 'LACK_3' })).toEqual(refusal(503, 'LACK_3'));
    expect(await deed({ secret: 's', fail: 'defect' })).toEqual(refusal(500, 'INTERNAL'));
    const kept = (await listAudit(registry, { limit: 10 })).reverse();
    expect(kept[0]).toMatchObject({
      atMs: nowMs,
      who: 'owner',
      role: 'admin',
      command: 'deed',
      request: { length: 3 },
    });
    expect(kept.map(({ ok, outcome }) => [ok, outcome])).toEqual([
      [true, { done: true }],
      [false, { refusal: 'IS_SO', message: 'it is so' }],
      [false, { refusal: 'PUPIL_UNKNOWN', message: 'it is so' }],
      [false, { refusal: 'LACK_3', message: 'it is so' }],
      [false, { refusal: 'INTERNAL' }],
    ]);
  });

  test('what cannot be audited is not done', async () => {
    await registry.db.schema.dropTable('audit').execute();
    expect(await deed({ secret: 's' })).toEqual(refusal(500, 'INTERNAL'));
  });

  test('more requests than may be open at one time are refused, until there is room', async () => {
    const waiting = Array.from({ length: requestsInFlightMax }, () => ask('/admin/v1/wait'));
    await expect.poll(async () => (await ask('/admin/v1/region')).status).toBe(503);
    expect(await ask('/admin/v1/region')).toEqual(refusal(503, 'ADMIN_BUSY'));
    release();
    await Promise.all(waiting);
    expect(await ask('/admin/v1/region')).toMatchObject({ status: 200 });
  });
});

describe('streams', () => {
  const open = (query = '', token = ownerToken, signal: AbortSignal | null = null) =>
    fetch(`${url}/admin/v1/stream${query}`, { headers: { Authorization: `Bearer ${token}` }, signal });

  test('events arrive until the client goes or the route closes; a refusal before the first is an answer', async () => {
    expect((await open('?fail=1')).status).toBe(503);
    expect((await open('', '00'.repeat(32))).status).toBe(401);
    const abort = new AbortController();
    const response = await open('', ownerToken, abort.signal);
    expect(response.headers.get('Content-Type')).toContain('text/event-stream');
    const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
    expect((await reader.read()).value).toBe('event: hello\ndata: {"n":1}\n\n');
    streams[0].send('more', [2], 7);
    expect((await reader.read()).value).toBe('id: 7\nevent: more\ndata: [2]\n\n');
    abort.abort();
    await expect.poll(() => closed).toBe(1);
    expect(streams[0].send('late', {})).toBe(false);
    const other = await open();
    streams[1].close();
    expect(await other.text()).toBe('event: hello\ndata: {"n":1}\n\n');
    expect(closed).toBe(2);
  });

  test('a stream ends with its token, and only that one', async () => {
    const viewer = await tokenOf('viewer');
    const [mine, others] = [await open('', viewer), await open()];
    await revokeToken(registry, 'viewer null', nowMs);
    await expect(mine.text()).rejects.toThrow();
    expect(streams.map(({ isOver }) => isOver)).toEqual([true, false]);
    streams[1].close();
    await others.text();
  });

  test(
    'a stream that is silent lives on; one that is not read is closed at its bound',
    { timeout: 60_000 },
    async () => {
      const quiet = await open();
      const socket = createConnection(Number(new URL(url).port), '127.0.0.1');
      socket.write(`GET /admin/v1/stream HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${ownerToken}\r\n\r\n`);
      socket.pause();
      await expect.poll(() => streams.length).toBe(2);
      const event = 'x'.repeat(streamBufferBytesMax / 4);
      let sent = 0;
      // The kernel's own buffers take some megabytes first.
      while (streams[1].send('flood', event)) {
        expect((sent += 1)).toBeLessThan(1_000);
        await sleep(1);
      }
      expect(closed).toBe(1);
      socket.destroy();
      await sleep(12_000);
      expect(streams[0].isOver).toBe(false);
      streams[0].close();
      expect(await quiet.text()).toMatch(/^event: hello\n.*\n\n(:\n\n){2,}$/);
    },
  );
});
