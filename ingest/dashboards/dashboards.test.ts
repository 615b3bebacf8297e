import { createServer } from 'node:net';
import { once } from 'node:events';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { namedQueries } from '../../analytics/queries/catalogue.ts';
import type { Subject } from '../../analytics/queries/define.ts';
import { engineMissing } from '../../analytics/clickhouse/testing.suite.ts';
import { uidOf } from '../gateway/running-gateway.suite.ts';
import { TestReader } from '../gateway/test-reader.suite.ts';
import { encodeTaps } from '../protocol/encode.ts';
import { listAudit } from '../registry/audit.ts';
import { removeUser } from '../registry/users.ts';
import { clickhouseTimeoutMs } from './limits.ts';
import { password, RunningDashboards, users } from './running-dashboards.suite.ts';

interface Problem {
  readonly error: { readonly code: string };
}
const codeOf = async (response: Response) => ((await response.json()) as Problem).error.code;

const subjects: Record<string, readonly Subject[]> = {
  admin: ['attendance', 'money', 'fleet', 'trust', 'pupil'],
  district: ['attendance', 'money', 'fleet', 'trust', 'pupil'],
  school: ['attendance', 'money', 'fleet', 'trust', 'pupil'],
  class: ['attendance', 'pupil'],
  canteen: ['money'],
  operator: ['fleet', 'trust'],
};

describe.skipIf(engineMissing() !== undefined)('the dashboards of a running service', () => {
  let running: RunningDashboards;
  beforeAll(async () => {
    running = await RunningDashboards.start();
    await vi.waitFor(async () => expect((await running.get('admin', 'query/overview_today')).status).toBe(200), 30_000);
  }, 60_000);
  afterAll(() => running.end());

  it('answers each role what is its own, and refuses the rest as such', async () => {
    for (const { role } of users) {
      for (const query of namedQueries) {
        const { name, subject, disclosure, parameters } = query;
        const isList = disclosure.about === 'pupils' && subject !== 'pupil';
        const isTheirs =
          subjects[role].includes(subject) &&
          !(role === 'district' && isList) &&
          !(role === 'class' && subject !== 'pupil' && !('class' in parameters.shape)) &&
          !(['canteen', 'operator'].includes(role) && disclosure.about === 'pupils');
        const isOfReader = 'reader' in parameters.shape;
        const said = subject === 'pupil' ? '?pupil=1&reason=parent%20asks%20for%20it' : isOfReader ? '?reader=1' : '';
        const response = await running.get(role, `query/${name}${said}`);
        const text = await response.text();
        expect(response.status, `${role} ${name} ${text.slice(0, 200)}`).toBe(isTheirs ? 200 : 403);
        if (!isTheirs) expect(text).toContain('ROLE_FORBIDDEN');
      }
    }
  });

  it("refuses another's school, class and pupil to the byte as what does not exist", async () => {
    const asked = ['school=20', 'school=999', 'class=200', 'class=999', 'district=2', 'district=9'];
    const bodies = await Promise.all(
      asked.map(async (said) => {
        const response = await running.get('district', `query/overview_today?${said}`);
        return `${response.status} ${await response.text()}`;
      }),
    );
    const views = await Promise.all(
      [5, 999].map(async (pupil) => {
        const response = await running.get('district', `query/pupil_days?pupil=${pupil}&reason=parent%20asks%20it`);
        return `${response.status} ${await response.text()}`;
      }),
    );
    expect(new Set([...bodies, ...views]).size).toBe(1);
    expect(bodies[0]).toContain('403 {"error":{"code":"SCOPE_FORBIDDEN"');
  });

  it('signs in, out, over a restart, and not after a removal', async () => {
    const before = await running.signIn('  ШКОЛА '.replace('ШКОЛА', 'SCHOOL'));
    const other = await running.signIn('canteen');
    const response = await running.post('login', { user: 'school', password });
    const cookie = response.headers.getSetCookie()[0];
    expect(cookie).toMatch(/^tapline_session=[\w-]{43}; Path=\/; HttpOnly; SameSite=Strict$/);
    expect(await response.json()).toEqual({ name: 'school', role: 'school', district: null, school: 10, class: null });
    const stored = await running.registry.db.selectFrom('dashboard_session').selectAll().execute();
    expect(JSON.stringify(stored)).not.toContain(before.split('=')[1]);
    expect((await running.post('logout', {}, { cookie: other })).status).toBe(200);
    expect(await running.me(other)).toBe(401);
    await running.service.stop();
    await running.begin();
    expect(await running.me(before)).toBe(200);
    await removeUser(running.registry, 'school');
    expect(await running.me(before)).toBe(401);
    expect((await running.get('school', 'me')).status).toBe(401);
  }, 60_000);

  it('takes nothing that changes something from another page', async () => {
    const login = { user: 'operator', password };
    const evil = { origin: 'http://evil.example' };
    // A browser that signed in at a proxy before us adds "Basic" to whatever page asks.
    const basic = { ...evil, authorization: 'Basic b3BlcmF0b3I6cHJveHk=' };
    const foreign = [evil, basic, { origin: 'null' }, { 'sec-fetch-site': 'cross-site' }];
    for (const headers of foreign) {
      const response = await running.post('login', login, headers);
      expect([response.status, await codeOf(response)]).toEqual([403, 'CSRF_REFUSED']);
    }
    const cookie = await running.signIn('operator');
    expect((await running.post('logout', {}, { cookie, origin: 'http://evil.example' })).status).toBe(403);
    expect(await running.me(cookie)).toBe(200);
  });

  it('lets nobody guess: the same answer for a wrong password and a user that is not there, then a wait', async () => {
    const guess = async (user: string) => {
      const response = await running.post('login', { user, password: 'wrong password' });
      return { status: response.status, text: await response.text(), retry: response.headers.get('retry-after') };
    };
    const [known, unknown] = [await guess('class'), await guess('nobody at all')];
    expect(known).toEqual(unknown);
    expect(known).toMatchObject({ status: 401, text: expect.stringContaining('LOGIN_WRONG') as string });
    // Many at one time are no way around.
    const many = await Promise.all(Array.from({ length: 10 }, () => guess('class')));
    expect(many.filter(({ status }) => status === 401)).toHaveLength(4);
    const limited = many.find(({ status }) => status === 429);
    expect(limited?.text).toContain('LOGIN_LIMITED');
    expect(Number(limited?.retry)).toBeGreaterThan(0);
    // The right password has to wait as well; another user need not.
    expect((await running.post('login', { user: 'class', password })).status).toBe(429);
    expect(await running.me(await running.signIn('district'))).toBe(200);
  });

  it('answers 304 to who holds the answer, and to nobody for pupils', async () => {
    const first = await running.get('admin', 'query/attendance_daily');
    const tag = first.headers.get('etag')!;
    expect(first.headers.get('cache-control')).toMatch(/^private, max-age=\d, /);
    const again = await running.get('admin', 'query/attendance_daily', { 'if-none-match': `"x", ${tag}` });
    expect([again.status, await again.text(), again.headers.get('etag')]).toEqual([304, '', tag]);
    const others = [
      await running.get('district', 'query/attendance_daily'),
      await running.get('admin', 'query/attendance_daily?format=csv'),
      await running.get('admin', 'query/attendance_daily?school=10'),
    ];
    expect(new Set([tag, ...others.map(({ headers }) => headers.get('etag'))]).size).toBe(4);
    const pupils = await running.get('admin', 'query/not_arrived', { 'if-none-match': '*' });
    expect([pupils.status, pupils.headers.get('etag'), pupils.headers.get('cache-control')]).toEqual([
      200,
      null,
      'no-store',
    ]);
  });

  it('writes who looked at which pupil, and shows nothing where that cannot be written', async () => {
    const reason = 'звонок родителя';
    const view = `query/pupil_days?pupil=1&reason=${encodeURIComponent(reason)}`;
    expect((await running.get('district', view)).status).toBe(200);
    const [entry] = await listAudit(running.registry, { limit: 1 });
    expect(entry).toMatchObject({ who: 'district', role: 'district', command: 'view pupil_days', ok: true });
    expect(entry.request).toMatchObject({ pupil: 1, reason });
    const locked = running.registry.transaction(async () => {
      const refused = await running.get('district', view);
      return [refused.status, await codeOf(refused)];
    });
    expect(await locked).toEqual([503, 'REGISTRY_BUSY']);
  }, 30_000);

  it('says what is wrong in one form, with the headers of a page that nobody may frame', async () => {
    const owner = { authorization: `Bearer ${running.tokens.get('admin')!}` };
    const ask = (path: string, method: string, headers = {}) => fetch(`${running.url}${path}`, { method, headers });
    const wrong: [string, string, number, string][] = [
      ['/api/v1/query/nothing', 'GET', 404, 'NOT_FOUND'],
      ['/', 'GET', 404, 'NOT_FOUND'],
      ['/api/v1/me', 'PUT', 405, 'METHOD_NOT_ALLOWED'],
      ['/api/v1/query/overview_today?format=doc', 'GET', 400, 'PARAMETER_INVALID'],
      ['/api/v1/query/overview_today?day=2026-09-01&day=2026-09-02', 'GET', 400, 'PARAMETER_INVALID'],
    ];
    for (const [path, method, status, code] of wrong) {
      const response = await ask(path, method, owner);
      expect([response.status, await codeOf(response)], path).toEqual([status, code]);
      expect(response.headers.get('content-security-policy')).toMatch(/default-src 'self'.*frame-ancestors 'none'/);
      expect(response.headers.get('x-content-type-options')).toBe('nosniff');
      expect(response.headers.get('referrer-policy')).toBe('no-referrer');
    }
    expect((await ask('/api/v1/query/overview_today', 'GET')).status).toBe(401);
    const { queries } = (await (await ask('/api/v1/queries', 'GET', owner)).json()) as {
      queries: { name: string; parameters: { name: string; required: boolean }[] }[];
    };
    const needed = queries.flatMap(({ parameters }) => parameters.filter(({ required }) => required));
    expect(new Set(needed.map(({ name }) => name)), 'days have defaults').toEqual(new Set(['pupil', 'reader']));
    const head = await ask('/api/v1/query/overview_today', 'HEAD', owner);
    expect([head.status, await head.text()]).toEqual([200, '']);
    const options = await ask('/api/v1/me', 'OPTIONS');
    expect([options.status, options.headers.get('allow')]).toEqual([204, 'GET, HEAD, OPTIONS']);
  });

  it('acknowledges taps while files are made, tells who is inside, and comes back after a crash', async () => {
    const exports = Promise.all(
      ['xlsx', 'csv', 'parquet', 'arrow'].map((format) => running.get('admin', `query/tap_rate?format=${format}`)),
    );
    const { reader } = await TestReader.welcome(running.stream, 1, { clockMs: Date.now() });
    reader.send(encodeTaps({ firstSeq: 1, baseMs: Date.now(), taps: [{ uid: uidOf(1), kind: 1, deltaMs: 0 }] }));
    expect([...(await reader.expect('ack')).codes]).toHaveLength(1);
    expect((await exports).map(({ status }) => status)).toEqual([200, 200, 200, 200]);
    await reader.close();
    const inside = (await (await running.get('class', 'query/inside_now')).json()) as { rows: object[] };
    expect(inside.rows).toMatchObject([{ school_id: 10, class_id: 100, pupil_id: 1, pupil_name: 'Last1 First' }]);
    const { url } = running.service.dashboards.status();
    await running.service.dashboards.crash();
    await vi.waitFor(
      () => expect(running.service.dashboards.status()).toMatchObject({ state: 'running', restarts: 1 }),
      {
        timeout: 20_000,
      },
    );
    expect(running.service.dashboards.status().url).toBe(url);
    expect((await running.get('admin', 'me')).status).toBe(200);
  }, 60_000);

  it('an engine that is silent is waited for no longer than it may take over a question', async () => {
    const engine = running.service.clickhouseStatus().pid!;
    process.kill(engine, 'SIGSTOP');
    try {
      const began = Date.now();
      const response = await running.get('admin', 'query/overview_today?day=2026-01-15');
      expect([response.status, await codeOf(response)]).toEqual([503, 'CLICKHOUSE_UNREACHABLE']);
      expect(Date.now() - began).toBeLessThan(3 * clickhouseTimeoutMs);
      expect((await running.get('class', 'query/inside_now')).status).toBe(200);
    } finally {
      process.kill(engine, 'SIGCONT');
    }
  }, 60_000);

  it('refuses a port that is taken before readers are served', async () => {
    const other = createServer();
    await once(other.listen(0, '127.0.0.1'), 'listening');
    const { port } = other.address() as { port: number };
    await running.service.stop();
    await expect(running.begin({ dashboardsPort: String(port) })).rejects.toMatchObject({
      code: 'PORT_TAKEN',
      exitStatus: 3,
    });
    other.close();
    await running.begin();
    expect((await running.get('admin', 'me')).status).toBe(200);
  }, 60_000);
});
