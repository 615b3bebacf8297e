/** The dashboards' own thread: what people look at must not delay a reader's acknowledgement. */
import { once } from 'node:events';
import fs from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import type { AddressInfo } from 'node:net';
import { parentPort, workerData } from 'node:worker_threads';
import { getRequestListener } from '@hono/node-server';
import { openClickHouse } from '../../analytics/clickhouse/client.ts';
import { AnswerDesk } from '../../dashboards/server/answer/desk.ts';
import { createApp } from '../../dashboards/server/http/app.ts';
import { connectionsMax, headersTimeoutMs, requestTimeoutMs } from '../../dashboards/server/http/limits.ts';
import { environmentError, hasErrno, OperatorError } from '../../workers/errors.ts';
import { openRegistry } from '../registry/store.ts';
import { clickhouseTimeoutMs, registryBusyTimeoutMs, tellIntervalMs, toldRequestsMax } from './limits.ts';
import type { AnsweredRequest, DashboardsData, FromDashboards, ToDashboards } from './messages.ts';
import { auditOf, peopleOf } from './people.ts';
import { RegistryReader } from './registry-view.ts';
import { ServiceDesk } from './service-desk.ts';

if (parentPort === null) throw new Error('worker.ts runs in a worker thread');
const port = parentPort;
const data = workerData as DashboardsData;
const clock = new Float64Array(data.clockMs);
const now = () => clock[0];
const say = (message: FromDashboards): void => port.postMessage(message);
const onError = (error: unknown): void => {
  const { message, stack = '' } = error instanceof Error ? error : new Error(String(error));
  say({ type: 'failure', message, stack });
};

let client = openClickHouse(data.clickhouseUrl, { requestTimeoutMs: clickhouseTimeoutMs });
const service = new ServiceDesk(say);
let requests: AnsweredRequest[] = [];

/** The server, listening; its port, and whether that is another than was wanted. */
async function serve(): Promise<http.Server> {
  const options = { busyTimeoutMs: registryBusyTimeoutMs };
  const reader = await openRegistry(data.dataDirectory, options);
  const writer = await openRegistry(data.dataDirectory, options);
  const registry = new RegistryReader(reader);
  const ownerToken = Buffer.from(data.ownerToken, 'hex');
  const app = createApp({
    desk: new AnswerDesk({ client: () => client, registry, service, now }),
    registry,
    client: () => client,
    people: peopleOf({ reader, writer, ownerToken, onError }),
    audited: auditOf(writer, now, onError),
    onError,
    onAnswered: (query, status, ms) => {
      if (requests.length < toldRequestsMax) requests.push({ query, status, ms });
    },
    isSecure: data.tlsCertificate !== undefined,
  });
  const listener = getRequestListener(app.fetch);
  const server = open((request, response) => void listener(request, response));
  server.maxConnections = connectionsMax;
  return server;
}

function open(listener: http.RequestListener): http.Server {
  const options = { headersTimeout: headersTimeoutMs, requestTimeout: requestTimeoutMs };
  const { tlsCertificate, tlsKey } = data;
  if (tlsCertificate === undefined || tlsKey === undefined) return http.createServer(options, listener);
  const secrets = { cert: fs.readFileSync(tlsCertificate), key: fs.readFileSync(tlsKey) };
  return https.createServer({ ...options, ...secrets }, listener);
}

async function listen(server: http.Server): Promise<void> {
  const isMoved = !(await tryListen(server, data.port));
  if (isMoved && (!data.mayMove || !(await tryListen(server, 0)))) {
    const remedy = 'End the program that uses it, or choose another with --dashboards-port or --host.';
    throw new OperatorError('PORT_TAKEN', `cannot listen on ${data.host}:${data.port}`, remedy);
  }
  say({ type: 'listening', port: (server.address() as AddressInfo).port, isMoved });
}

async function tryListen(server: http.Server, wanted: number): Promise<boolean> {
  try {
    await once(server.listen({ host: data.host, port: wanted, exclusive: true }), 'listening');
    return true;
  } catch (error) {
    if (hasErrno(error, 'EADDRINUSE', 'EACCES', 'EADDRNOTAVAIL')) return false;
    throw error;
  }
}

function tellRequests(): void {
  if (requests.length === 0) return;
  say({ type: 'requests', requests });
  requests = [];
}

function hear(message: ToDashboards): void {
  switch (message.type) {
    case 'url': {
      const old = client;
      client = openClickHouse(message.clickhouseUrl, { requestTimeoutMs: clickhouseTimeoutMs });
      return void old.close().catch(() => undefined);
    }
    case 'stop':
      tellRequests();
      return process.exit(0);
    case 'rows':
    case 'answered':
    case 'refusal':
      return service.hear(message);
  }
}

port.on('message', hear);
try {
  await listen(await serve());
  setInterval(tellRequests, tellIntervalMs).unref();
} catch (error) {
  const known = environmentError(error);
  if (known === undefined) throw error;
  const { code, message, remedy, exitStatus } = known;
  say({ type: 'refused', error: { code, message, remedy, exitStatus } });
  port.close();
}
