import type { HttpRequest, HttpResponse, TemplatedApp } from 'uws';
import { OperatorError } from '../../workers/errors.ts';
import { bearerToken, HttpExchange } from '../gateway/http-exchange.ts';
import type { Service } from '../service.ts';
import { checkRole, checkSchool, identify } from './access.ts';
import { AuditThread } from './audit-thread.ts';
import { audited, type AuditNotes } from './audit-trail.ts';
import { EventStream } from './event-stream.ts';
import { bodyBytesMax, requestsInFlightMax, streamsMax, streamTokenCheckMs } from './limits.ts';
import { openApiDocument } from './openapi.ts';
import { checked, internalProblem, problemOf } from './problem.ts';
import {
  type AnyInput,
  type Context,
  type Desk,
  type JsonRoute,
  nothing,
  type Route,
  type StreamRoute,
} from './route.ts';
import { adminRoutes } from './routes.ts';
import { SchoolCalendar } from './school-calendar.ts';
import { RegionKeys } from './region-keys.ts';
import { Turns } from './turns.ts';

/** What is read of a request while it lives: it dies when the handler returns. */
interface Asked {
  readonly token: string;
  readonly lastEventId: string;
  readonly parameters: Record<string, string>;
  readonly query: Record<string, string>;
  /** Undefined if it is too large. */
  readonly body: Promise<Uint8Array | undefined>;
}

/** Serves the table of routes, and its description as OpenAPI. `ownerToken` is the data directory's. */
export function serveAdmin(app: TemplatedApp, service: Service, ownerToken: Buffer, routes = adminRoutes): void {
  const server = new AdminServer(service, ownerToken, new AuditThread(service.data.path));
  for (const route of routes) {
    const pattern = route.path.replaceAll(/\{(\w+)\}/g, ':$1');
    app[route.method](pattern, (response, request) => void server.serve(route, response, request));
  }
  const description = JSON.stringify(openApiDocument(routes));
  app.get('/admin/v1/openapi.json', (response) => {
    new HttpExchange(response).end(200, 'application/json; charset=utf-8', description);
  });
}

class AdminServer {
  readonly #desk: Desk;
  readonly #notes: AuditNotes;
  readonly #ownerToken: Buffer;
  #inFlight = 0;
  #streams = 0;

  constructor(service: Service, ownerToken: Buffer, notes: AuditNotes) {
    const { registry } = service;
    this.#desk = {
      service,
      calendar: new SchoolCalendar(registry),
      taps: service.taps,
      lockerTurns: new Turns(),
      keys: new RegionKeys(service.pool, new Turns()),
    };
    this.#ownerToken = ownerToken;
    this.#notes = notes;
  }

  async serve(route: Route, response: HttpResponse, request: HttpRequest): Promise<void> {
    const exchange = new HttpExchange(response);
    if (this.#inFlight >= requestsInFlightMax) return this.#refuse(exchange, busy('requests', requestsInFlightMax));
    this.#inFlight += 1;
    try {
      const asked = read(route, exchange, request);
      const context = { ...this.#desk, caller: await this.#admit(route, asked) };
      const input = await this.#inputOf(route, asked);
      await checkSchool(route, context.caller, input, context);
      const begin = () => this.#untilRevoked(new EventStream(response, asked.lastEventId), asked);
      if ('open' in route) await this.#stream(route, exchange, begin, input, context);
      else exchange.json(200, await this.#answer(route, input, context));
    } catch (error) {
      this.#refuse(exchange, error);
    } finally {
      this.#inFlight -= 1;
    }
  }

  async #admit(route: Route, { token }: Asked) {
    const caller = await identify(token, this.#ownerToken, this.#desk.service.registry);
    checkRole(route, caller);
    return caller;
  }

  async #inputOf(route: Route, asked: Asked): Promise<AnyInput> {
    const { parameters = nothing, query = nothing, body = nothing } = route;
    const bytes = await asked.body;
    if (bytes === undefined) {
      const message = `a request has at most ${bodyBytesMax} bytes`;
      throw new OperatorError('BODY_TOO_LARGE', message, 'Send it in parts.', 2);
    }
    return {
      parameters: checked(parameters, asked.parameters, 'PARAMETER_INVALID'),
      query: checked(query, asked.query, 'QUERY_INVALID'),
      body: checked(body, parseJson(bytes), 'BODY_INVALID'),
    };
  }

  async #answer(route: JsonRoute, input: AnyInput, context: Context): Promise<unknown> {
    if (route.method === 'get') return await route.answer(input, context);
    const { now, log } = context.service;
    const { audit } = route;
    const onError = (error: unknown) => log.error({ err: error, command: route.name }, 'the audit could not be kept');
    const request = audit?.request?.(input) ?? { ...input.parameters, ...(input.body as object) };
    return await audited(
      { notes: this.#notes, now, onError },
      { caller: context.caller, command: route.name, request },
      () => route.answer(input, context),
      (answer) => ({ ok: audit?.ok?.(answer) ?? true, outcome: audit?.outcome?.(answer) ?? answer }),
    );
  }

  async #stream(
    route: StreamRoute,
    exchange: HttpExchange,
    begin: () => EventStream,
    input: AnyInput,
    context: Context,
  ): Promise<void> {
    if (this.#streams >= streamsMax) throw busy('streams', streamsMax);
    if (exchange.isOver) return;
    const stream = begin();
    this.#streams += 1;
    stream.onClose(() => (this.#streams -= 1));
    try {
      await route.open(stream, input, context);
    } catch (error) {
      if (stream.isBegun) {
        context.service.log.error({ err: error, route: route.name }, 'a stream broke off');
        return stream.close();
      }
      if (stream.giveBack()) throw error;
    }
  }

  /** A stream outlives the look at its token: it is cut off when the token is good no more. */
  #untilRevoked(stream: EventStream, { token }: Asked): EventStream {
    const check = setInterval(() => {
      void identify(token, this.#ownerToken, this.#desk.service.registry).catch((error: unknown) => {
        if (error instanceof OperatorError && error.code === 'ADMIN_TOKEN') stream.cut();
      });
    }, streamTokenCheckMs);
    stream.onClose(() => clearInterval(check));
    return stream;
  }

  #refuse(exchange: HttpExchange, error: unknown): void {
    const told = problemOf(error);
    if (told === undefined) this.#desk.service.log.error({ err: error }, 'an admin request failed');
    exchange.json(told?.status ?? 500, told?.problem ?? internalProblem);
  }
}

function read(route: Route, exchange: HttpExchange, request: HttpRequest): Asked {
  const names = [...route.path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
  const parameters = names.map((name, place): [string, string] => [name, decoded(request.getParameter(place) ?? '')]);
  return {
    token: bearerToken(request),
    lastEventId: request.getHeader('last-event-id'),
    parameters: Object.fromEntries(parameters),
    query: Object.fromEntries(new URLSearchParams(request.getQuery())),
    body: route.method === 'get' ? Promise.resolve(new Uint8Array()) : readBody(exchange),
  };
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** The whole body; of a client that went away nothing, which nobody will be told. */
function readBody(exchange: HttpExchange): Promise<Uint8Array | undefined> {
  return new Promise((resolve) => {
    exchange.onGone(() => resolve(undefined));
    exchange.body(
      bodyBytesMax,
      (body) => resolve(body.slice()),
      () => resolve(undefined),
    );
  });
}

function parseJson(bytes: Uint8Array): unknown {
  if (bytes.length === 0) return {};
  try {
    return JSON.parse(Buffer.from(bytes).toString('utf8'));
  } catch {
    throw new OperatorError('BODY_INVALID', 'the body is not JSON', 'Send JSON.', 2);
  }
}

function busy(what: string, most: number): OperatorError {
  return new OperatorError('ADMIN_BUSY', `${most} ${what} are open already`, 'Try again in a moment.');
}
