import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import https from 'node:https';
import { createServer, type Server } from 'node:net';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { engineMissing } from '../../analytics/clickhouse/testing.suite.ts';
import { compressBytesMin } from '../../dashboards/server/http/limits.ts';
import { dashboardsPortDefault } from './limits.ts';
import { password, RunningDashboards } from './running-dashboards.suite.ts';

const slowMs = 120_000;

describe.skipIf(engineMissing() !== undefined)('what is around the dashboards', () => {
  let running: RunningDashboards;
  beforeAll(async () => {
    running = await RunningDashboards.start();
  }, slowMs);
  afterAll(() => running.end());
  const ask = async () => (await running.get('admin', 'query/tap_rate')).status;
  const untilAnswered = () => expect.poll(ask, { timeout: slowMs, interval: 200 }).toBe(200);

  it(
    'what is long is compressed, what is short or asked for whole is not',
    async () => {
      await untilAnswered();
      const long = await running.get('admin', 'queries', { 'accept-encoding': 'gzip' });
      expect(long.headers.get('content-encoding')).toBe('gzip');
      expect((await long.text()).length).toBeGreaterThan(compressBytesMin);
      const short = await running.get('admin', 'query/overview_today?format=csv&head=0', { 'accept-encoding': 'gzip' });
      const whole = await running.get('admin', 'queries', { 'accept-encoding': 'identity' });
      expect([short.headers.get('content-encoding'), whole.headers.get('content-encoding')]).toEqual([null, null]);
    },
    slowMs,
  );

  it(
    'an engine that died comes back elsewhere, and questions are answered again',
    async () => {
      await untilAnswered();
      const before = running.service.clickhouseAddress;
      process.kill(running.service.clickhouseStatus().pid!, 'SIGKILL');
      // Its port is taken before it is back.
      const other = await take(Number(new URL(before).port));
      await expect.poll(() => running.service.clickhouseAddress, { timeout: slowMs }).not.toBe(before);
      await untilAnswered();
      expect(running.service.dashboards.status()).toMatchObject({ state: 'running', restarts: 0 });
      other?.close();
    },
    2 * slowMs,
  );

  it(
    'without --dashboards-port a port that is taken is no reason not to start: there is another',
    async () => {
      await running.service.stop();
      // Taken by this test, or by somebody else already.
      const other = await take(dashboardsPortDefault);
      await running.begin({});
      expect(Number(new URL(running.url).port)).not.toBe(dashboardsPortDefault);
      expect((await running.get('admin', 'me')).status).toBe(200);
      other?.close();
    },
    slowMs,
  );

  it(
    'with a certificate all goes over TLS, and the cookie with it alone',
    async () => {
      const [tlsCertificate, tlsKey] = ['cert.pem', 'key.pem'].map((name) => path.join(running.folder, name));
      const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '1'];
      const made = ['-keyout', tlsKey, '-out', tlsCertificate, '-subj', '/CN=localhost'];
      execFileSync('openssl', ['req', '-x509', ...curve, ...made], { stdio: 'ignore' });
      await running.service.stop();
      await running.begin({ dashboardsPort: '0', tlsCertificate, tlsKey });
      expect(running.url).toMatch(/^https:/);
      const origin = { origin: running.url, 'content-type': 'application/json' };
      const login = await secure('login', 'POST', origin, JSON.stringify({ user: 'school', password }));
      expect(login.response.headers['set-cookie']?.[0]).toMatch(/; HttpOnly; Secure; SameSite=Strict$/);
      expect(login.response.headers['strict-transport-security']).toContain('max-age=');
      const cookie = login.response.headers['set-cookie']![0].split(';', 1)[0];
      expect(JSON.parse((await secure('me', 'GET', { cookie })).body)).toMatchObject({ name: 'school' });
      await expect(fetch(running.url.replace('https', 'http')), 'plain HTTP is not answered').rejects.toThrow();
    },
    slowMs,
  );

  /** Listens on a port as soon as it is free; undefined if it is not for some time. */
  async function take(port: number): Promise<Server | undefined> {
    for (let tries = 0; tries < 200; tries++) {
      const server = createServer((socket) => socket.destroy());
      const isTaken = await new Promise((resolve) => {
        server.once('error', () => resolve(true)).listen(port, '127.0.0.1', () => resolve(false));
      });
      if (isTaken !== true) return server;
      await setTimeout(5);
    }
    return undefined;
  }

  async function secure(address: string, method: string, headers: Record<string, string>, body = '') {
    const options = { method, headers, rejectUnauthorized: false };
    const request = https.request(`${running.url}/api/v1/${address}`, options);
    request.end(body);
    const [response] = (await once(request, 'response')) as [IncomingMessage];
    return { response, body: await text(response) };
  }
});
