import type { TemplatedApp, WebSocket } from 'uws';
import { encodeChallenge } from '../protocol/encode.ts';
import { ErrorCode } from '../protocol/codes.ts';
import { helloTimeoutMs, idleTimeoutMs, nonceBytes, payloadBytesMax } from '../protocol/limits.ts';
import { randomBytes } from 'node:crypto';
import { socketBufferBytesMax } from './limits.ts';
import { ReaderSession, type SessionContext, type Wire } from './reader-session.ts';

const subprotocol = 'tapline.v1';

interface SocketData {
  session: ReaderSession | undefined;
  helloTimer: NodeJS.Timeout | undefined;
}

/** `send` of the library: 0 waits in the socket's buffer, 1 sent, 2 dropped. */
const dropped = 2;

class SocketWire implements Wire {
  readonly #socket: WebSocket<SocketData>;

  constructor(socket: WebSocket<SocketData>) {
    this.#socket = socket;
  }

  send(bytes: Uint8Array): boolean {
    return this.#socket.send(bytes, true) !== dropped;
  }

  close(code: number): void {
    this.#socket.end(code);
  }
}

/** `GET /v1/stream`: a session for each socket. */
export function serveWebSocket(app: TemplatedApp, context: SessionContext): void {
  app.ws<SocketData>('/v1/stream', {
    maxPayloadLength: payloadBytesMax,
    maxBackpressure: socketBufferBytesMax,
    idleTimeout: idleTimeoutMs / 1000,
    sendPingsAutomatically: true,
    upgrade: (response, request, socketContext) => {
      const offered = request.getHeader('sec-websocket-protocol').split(/\s*,\s*/);
      response.upgrade<SocketData>(
        { session: undefined, helloTimer: undefined },
        request.getHeader('sec-websocket-key'),
        offered.includes(subprotocol) ? subprotocol : '',
        request.getHeader('sec-websocket-extensions'),
        socketContext,
      );
    },
    open: (socket) => open(socket, context),
    message: (socket, message, isBinary) => {
      const { session } = socket.getUserData();
      if (isBinary) return session?.message(new Uint8Array(message));
      const refusal = { code: ErrorCode.malformed, message: 'expected a binary message, found text', retryMs: null };
      session?.refuse({ ...refusal, offset: 0 });
    },
    close: (socket) => {
      const data = socket.getUserData();
      clearTimeout(data.helloTimer);
      data.session?.closed();
      context.counters.connections -= 1;
    },
  });
}

function open(socket: WebSocket<SocketData>, context: SessionContext): void {
  const data = socket.getUserData();
  const nonce = new Uint8Array(randomBytes(nonceBytes));
  const session = new ReaderSession(context, new SocketWire(socket), nonce);
  data.session = session;
  data.helloTimer = setTimeout(() => session.helloTimedOut(), helloTimeoutMs);
  context.counters.connections += 1;
  socket.send(encodeChallenge({ nonce, serverMs: context.now() }), true);
}
