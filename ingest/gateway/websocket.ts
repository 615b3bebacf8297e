import type { TemplatedApp, WebSocket } from 'uws';
import { encodeChallenge } from '../protocol/encode.ts';
import { helloTimeoutMs, idleTimeoutMs, nonceBytes, payloadBytesMax } from '../protocol/limits.ts';
import { randomBytes } from 'node:crypto';
import { socketBufferBytesMax } from './limits.ts';
import { ReaderSession, type SessionContext, type Wire } from './reader-session.ts';

const subprotocol = 'tapline.v1';

interface SocketData {
  session: ReaderSession | undefined;
  helloTimer: NodeJS.Timeout | undefined;
  /** When its last message came in, by the monotonic clock. */
  heardMs: number;
}

/** Close codes of RFC 6455, 7.4.1, and of the registry it founded: normal, and the service goes away for a restart. */
const closeIdle = 1000;
const closeRestart = 1012;

/** How often connections are looked over for silence: so many times within the silence that is allowed. */
const idleChecks = 12;

/** `send` of the library: 0 waits in the socket's buffer, 1 sent, 2 dropped. */
const dropped = 2;

class SocketWire implements Wire {
  readonly #socket: WebSocket<SocketData>;
  #hasDropped = false;
  #isCorked = false;
  #closeCode: number | undefined;

  constructor(socket: WebSocket<SocketData>) {
    this.#socket = socket;
  }

  send(bytes: Uint8Array): boolean {
    this.#hasDropped ||= this.#socket.send(bytes, true) === dropped;
    return !this.#hasDropped;
  }

  /** One system call for all that `work` sends. */
  together(work: () => void): void {
    this.#isCorked = true;
    this.#socket.cork(work);
    this.#isCorked = false;
    if (this.#closeCode !== undefined) this.close(this.#closeCode);
  }

  close(code: number): void {
    // The library still writes to the socket when the cork is drawn: it must be there until then.
    if (this.#isCorked) {
      this.#closeCode = code;
      return;
    }
    // Behind what it does not read, a closing frame would not reach the reader either.
    if (this.#hasDropped) this.#socket.close();
    else this.#socket.end(code);
  }
}

/** The connections that are open. */
export class OpenSockets {
  readonly #sockets = new Set<WebSocket<SocketData>>();
  readonly #timer: NodeJS.Timeout;

  constructor(idleMs: number) {
    // A pong only says that the reader's network is alive. Its firmware says so with BEAT.
    this.#timer = setInterval(() => this.#endIdle(idleMs), idleMs / idleChecks).unref();
  }

  add(socket: WebSocket<SocketData>): void {
    this.#sockets.add(socket);
  }

  remove(socket: WebSocket<SocketData>): void {
    this.#sockets.delete(socket);
  }

  /** Tells every reader that the service goes away; it comes back, and is told what is durable. */
  endAll(): void {
    clearInterval(this.#timer);
    for (const socket of [...this.#sockets]) socket.end(closeRestart, 'restart');
  }

  #endIdle(idleMs: number): void {
    const silentSinceMs = performance.now() - idleMs;
    for (const socket of [...this.#sockets]) {
      if (socket.getUserData().heardMs < silentSinceMs) socket.end(closeIdle, 'idle');
    }
  }
}

export interface WebSocketTimes {
  readonly helloTimeoutMs?: number | undefined;
  readonly idleTimeoutMs?: number | undefined;
}

/** `GET /v1/stream`: a session for each socket. */
export function serveWebSocket(app: TemplatedApp, context: SessionContext, times: WebSocketTimes = {}): OpenSockets {
  const sockets = new OpenSockets(times.idleTimeoutMs ?? idleTimeoutMs);
  app.ws<SocketData>('/v1/stream', {
    maxPayloadLength: payloadBytesMax,
    maxBackpressure: socketBufferBytesMax,
    idleTimeout: idleTimeoutMs / 1000,
    sendPingsAutomatically: true,
    upgrade: (response, request, socketContext) => {
      const offered = request.getHeader('sec-websocket-protocol').split(/\s*,\s*/);
      response.upgrade<SocketData>(
        { session: undefined, helloTimer: undefined, heardMs: performance.now() },
        request.getHeader('sec-websocket-key'),
        offered.includes(subprotocol) ? subprotocol : '',
        request.getHeader('sec-websocket-extensions'),
        socketContext,
      );
    },
    open: (socket) => {
      sockets.add(socket);
      open(socket, context, times.helloTimeoutMs ?? helloTimeoutMs);
    },
    message: (socket, message, isBinary) => {
      const data = socket.getUserData();
      const { session } = data;
      data.heardMs = performance.now();
      if (isBinary) session?.message(new Uint8Array(message));
      else session?.text(new Uint8Array(message));
    },
    close: (socket) => {
      sockets.remove(socket);
      const data = socket.getUserData();
      clearTimeout(data.helloTimer);
      data.session?.closed();
      context.counters.connections -= 1;
    },
  });
  return sockets;
}

function open(socket: WebSocket<SocketData>, context: SessionContext, helloTimeout: number): void {
  const data = socket.getUserData();
  const nonce = new Uint8Array(randomBytes(nonceBytes));
  const session = new ReaderSession(context, new SocketWire(socket), nonce);
  data.session = session;
  data.helloTimer = setTimeout(() => session.helloTimedOut(), helloTimeout);
  context.counters.connections += 1;
  socket.send(encodeChallenge({ nonce, serverMs: context.now() }), true);
}
