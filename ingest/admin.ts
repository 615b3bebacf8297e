import { timingSafeEqual } from 'node:crypto';
import type { HttpRequest, TemplatedApp } from 'uws';
import { z } from 'zod';
import type { CommandAnswer, LedgerCommand } from '../workers/ledger/commands.ts';
import { purseNames } from '../workers/ledger/kinds.ts';
import { idempotencyKeyBytesMax, movementMaxKop } from '../workers/ledger/limits.ts';
import { bearerToken, HttpExchange } from './gateway/http-exchange.ts';
import type { Service } from './service.ts';
import { statusOf } from './status.ts';

/** Bytes of a request and top-ups in it. */
const bodyBytesMax = 4 * 1024 * 1024;
const topupsMax = 10_000;

const topup = z.strictObject({
  pupil: z.int().positive(),
  purse: z.enum(purseNames),
  kop: z.int().positive().max(movementMaxKop),
  key: z.string().min(1).max(idempotencyKeyBytesMax),
});
const topupsBody = z.strictObject({ topups: z.array(topup).min(1).max(topupsMax) });
export type TopUpRequest = z.infer<typeof topup>;

/** One top-up's result, in the order of the request. */
export interface TopUpResult extends TopUpRequest {
  readonly ok: boolean;
  readonly repeated: boolean;
  readonly balance_kop: number | null;
  readonly refusal: string | null;
}

/**
 * The routes that the command line uses on a running service. They ask the token of the data directory, which only its
 * owner may read.
 */
export function serveAdmin(app: TemplatedApp, service: Service, token: Buffer): void {
  const get = (path: string, answer: (request: HttpRequest) => Promise<unknown>) =>
    app.get(path, (response, request) => {
      const exchange = new HttpExchange(response);
      if (!isAllowed(request, token)) return forbid(exchange);
      run(exchange, answer(request));
    });
  const post = (path: string, answer: (body: unknown) => Promise<unknown>) =>
    app.post(path, (response, request) => {
      const exchange = new HttpExchange(response);
      if (!isAllowed(request, token)) return forbid(exchange);
      exchange.body(
        bodyBytesMax,
        (body) => run(exchange, Promise.resolve(body.slice()).then(parseJson).then(answer)),
        () => exchange.json(413, problem('BODY_TOO_LARGE', `a request has at most ${bodyBytesMax} bytes`)),
      );
    });
  get('/admin/v1/status', () => Promise.resolve(statusOf(service)));
  get('/admin/v1/totals', () => Promise.all(service.pool.hosts.map((host) => host.call({ type: 'totals' }))));
  get('/admin/v1/account/:pupil', (request) => account(service, Number(request.getParameter(0))));
  post('/admin/v1/topups', (body) => topUp(service, topupsBody.parse(body).topups));
  post('/admin/v1/checkpoint', () => service.checkpoint());
}

function isAllowed(request: HttpRequest, token: Buffer): boolean {
  const given = Buffer.from(bearerToken(request), 'hex');
  return given.length === token.length && timingSafeEqual(given, token);
}

function forbid(exchange: HttpExchange): void {
  exchange.json(401, problem('ADMIN_TOKEN', 'the admin token is missing or wrong'));
}

function problem(code: string, message: string) {
  return { error: { code, message } };
}

function run(exchange: HttpExchange, answer: Promise<unknown>): void {
  answer.then(
    (value) =>
      value === undefined ? exchange.json(404, problem('NOT_FOUND', 'no such thing')) : exchange.json(200, value),
    (error: unknown) => {
      if (error instanceof z.ZodError) return exchange.json(400, problem('BODY_INVALID', z.prettifyError(error)));
      if (error instanceof SyntaxError) return exchange.json(400, problem('BODY_INVALID', 'the body is not JSON'));
      exchange.json(500, problem('INTERNAL', 'the service failed to answer; its log says why'));
    },
  );
}

function parseJson(bytes: Uint8Array): unknown {
  return bytes.length === 0 ? {} : JSON.parse(Buffer.from(bytes).toString('utf8'));
}

async function account(service: Service, pupilId: number): Promise<unknown> {
  if (!Number.isSafeInteger(pupilId) || pupilId <= 0) return undefined;
  const state = await service.pool.hosts[service.pool.shardOf(pupilId)].call({ type: 'account', pupilId });
  if (state === null) return undefined;
  const { balancesKop, schoolId, classId, active, entitled, position } = state;
  return { pupil: pupilId, school: schoolId, class: classId, active, entitled, purses_kop: balancesKop, position };
}

async function topUp(service: Service, topups: readonly TopUpRequest[]): Promise<{ results: TopUpResult[] }> {
  const { pool } = service;
  const results: TopUpResult[] = new Array<TopUpResult>(topups.length);
  await Promise.all(
    pool.hosts.map(async ({ shard }) => {
      const places = topups.flatMap(({ pupil }, place) => (pool.shardOf(pupil) === shard ? [place] : []));
      for (let from = 0; from < places.length; from += service.commandsPerBatch) {
        const part = places.slice(from, from + service.commandsPerBatch);
        const commands = part.map((place) => commandOf(service, topups[place]));
        const answers = await pool.execute(shard, commands, service.now());
        part.forEach((place, index) => (results[place] = resultOf(topups[place], answers[index])));
      }
    }),
  );
  return { results };
}

function commandOf(service: Service, { pupil, purse, kop, key }: TopUpRequest): LedgerCommand {
  const at = service.now();
  const schoolDay = Math.floor(at / 86_400_000);
  return { type: 'topup', key, pupilId: pupil, purse: purseNames.indexOf(purse) + 1, kop, at, schoolDay };
}

function resultOf(request: TopUpRequest, answer: CommandAnswer): TopUpResult {
  if (!answer.ok) return { ...request, ok: false, repeated: false, balance_kop: null, refusal: answer.refusal };
  const balanceKop = answer.outcome.type === 'toppedUp' ? answer.outcome.balanceKop : null;
  return { ...request, ok: true, repeated: answer.isRepeat, balance_kop: balanceKop, refusal: null };
}
