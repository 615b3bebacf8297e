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
}

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

/** `GET /v1/stream`: a session for each socket. */
export function serveWebSocket(app: TemplatedApp, context: SessionContext, helloTimeout = helloTimeoutMs): void {
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
    open: (socket) => open(socket, context, helloTimeout),
    message: (socket, message, isBinary) => {
      const { session } = socket.getUserData();
      if (isBinary) session?.message(new Uint8Array(message));
      else session?.text(new Uint8Array(message));
    },
    close: (socket) => {
      const data = socket.getUserData();
      clearTimeout(data.helloTimer);
      data.session?.closed();
      context.counters.connections -= 1;
    },
  });
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
