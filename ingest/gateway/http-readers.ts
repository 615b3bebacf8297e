import type { TemplatedApp } from 'uws';
import { ErrorCode, errorCodeRow } from '../protocol/codes.ts';
import { encodeChallenge } from '../protocol/encode.ts';
import { frameBytesMax } from '../protocol/limits.ts';
import { decodeMessage, type Hello } from '../protocol/messages.ts';
import { Challenges } from './challenges.ts';
import type { FrameTicket, Replies } from './frame-ticket.ts';
import { bearerToken, HttpExchange } from './http-exchange.ts';
import type { Refusal } from './intake.ts';
import type { ReaderState } from './reader-state.ts';
import { decodeTaps, encodeAckOf, encodeRefusal, isFatal, noteTold, type SessionContext } from './reader-session.ts';
import { isRefusal } from './readers.ts';

const messagePack = 'application/msgpack';

/** `/v1/challenge`, `/v1/hello` and `/v1/taps`: for readers that cannot hold a connection. */
export function serveHttpReaders(app: TemplatedApp, context: SessionContext): void {
  const challenges = new Challenges();
  app.get('/v1/challenge', (response) => {
    const exchange = new HttpExchange(response);
    const serverMs = context.now();
    exchange.end(200, messagePack, encodeChallenge({ nonce: challenges.issue(Date.now()), serverMs }));
  });
  app.post('/v1/hello', (response) => {
    const exchange = new HttpExchange(response);
    exchange.body(
      frameBytesMax,
      (body) => hello(exchange, body.slice(), challenges, context),
      () => refuse(exchange, context, tooLarge),
    );
  });
  app.post('/v1/taps', (response, request) => {
    const exchange = new HttpExchange(response);
    const token = bearerToken(request);
    exchange.body(
      frameBytesMax,
      (body) => taps(exchange, token, body, context),
      () => refuse(exchange, context, tooLarge),
    );
  });
}

const tooLarge: Refusal = {
  code: ErrorCode.frameTooLarge,
  message: `expected at most ${frameBytesMax} bytes`,
  retryMs: null,
};

function hello(exchange: HttpExchange, body: Uint8Array, challenges: Challenges, context: SessionContext): void {
  const decoded = decodeMessage(body);
  if (!decoded.ok) {
    context.quarantine.keep(0, body, decoded.message, context.now());
    return refuse(exchange, context, { ...decoded, retryMs: null });
  }
  if (decoded.message.type !== 'hello') {
    return refuse(exchange, context, { code: ErrorCode.helloMissing, message: 'expected HELLO', retryMs: null });
  }
  void welcome(exchange, decoded.message, challenges, context);
}

async function welcome(
  exchange: HttpExchange,
  message: Hello,
  challenges: Challenges,
  context: SessionContext,
): Promise<void> {
  const { readerId, nonce } = message;
  const nonces = challenges.candidates(readerId, nonce, Date.now());
  const use = (signed: Uint8Array) => challenges.use(readerId, signed);
  const result = await context.readers.hello(message, nonces, undefined, use);
  if (!('welcome' in result)) return refuse(exchange, context, result);
  context.counters.hellos += 1;
  context.watch.requested(result.state);
  noteTold(result.state, context.ackLog);
  exchange.end(200, messagePack, result.welcome);
}

/** Answers one frame over HTTP; the client may be gone by then. */
class HttpReplies implements Replies {
  readonly #exchange: HttpExchange;
  readonly #state: ReaderState;
  readonly #context: SessionContext;

  constructor(exchange: HttpExchange, state: ReaderState, context: SessionContext) {
    this.#exchange = exchange;
    this.#state = state;
    this.#context = context;
  }

  ack(ticket: FrameTicket): void {
    if (this.#exchange.isOver) return;
    this.#exchange.end(200, messagePack, encodeAckOf(ticket, this.#state, this.#context));
  }
}

function taps(exchange: HttpExchange, token: string, body: Uint8Array, context: SessionContext): void {
  const state = context.readers.byToken(token);
  if (isRefusal(state)) return refuse(exchange, context, state);
  state.lastSeenMs = context.now();
  context.watch.requested(state);
  const { frame, refusal } = decodeTaps(body);
  if (refusal !== undefined) {
    context.quarantine.keep(state.entry.readerId, body, refusal.message, context.now());
    return refuse(exchange, context, refusal);
  }
  const replies = new HttpReplies(exchange, state, context);
  const refused = context.intake.take(state, frame, context.now(), replies);
  if (refused !== undefined) refuse(exchange, context, refused);
}

function refuse(exchange: HttpExchange, context: SessionContext, refusal: Refusal & { offset?: number | null }): void {
  context.counters.countError(refusal.code);
  const status = errorCodeRow(refusal.code)?.httpStatus ?? 400;
  const wait: Record<string, string> = {};
  if (refusal.retryMs !== null) wait['Retry-After'] = String(Math.ceil(refusal.retryMs / 1000));
  exchange.end(status, messagePack, encodeRefusal(refusal, isFatal(refusal.code)), wait);
}
