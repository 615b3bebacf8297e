import http from 'node:http';

/** What happens to one insert: nothing, no request, half a request, or a request whose reply is lost. */
export type Cut = 'none' | 'before' | 'within' | 'after';

/** An HTTP proxy in front of ClickHouse that loses inserts in every way a network can. */
export class CuttingProxy {
  readonly #server: http.Server;
  readonly #agent = new http.Agent({ keepAlive: false });
  readonly #targetPort: () => number;
  /** Asked for each insert. */
  decide: (insert: number) => Cut = () => 'none';
  inserts = 0;
  port = 0;

  private constructor(targetPort: () => number) {
    this.#targetPort = targetPort;
    this.#server = http.createServer((request, response) => this.#forward(request, response));
  }

  static async start(targetPort: () => number): Promise<CuttingProxy> {
    const proxy = new CuttingProxy(targetPort);
    await new Promise<void>((resolve) => proxy.#server.listen(0, '127.0.0.1', resolve));
    proxy.port = (proxy.#server.address() as { port: number }).port;
    return proxy;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #forward(request: http.IncomingMessage, response: http.ServerResponse): void {
    const isInsert = (request.url ?? '').includes('insert_deduplication_token');
    const cut = isInsert ? this.decide((this.inserts += 1)) : 'none';
    if (cut === 'before') return void request.socket.destroy();
    const body: Buffer[] = [];
    request.on('error', () => undefined);
    request.on('data', (chunk: Buffer) => body.push(chunk));
    request.on('end', () => this.#send(request, response, Buffer.concat(body), cut));
  }

  #send(request: http.IncomingMessage, response: http.ServerResponse, body: Buffer, cut: Cut): void {
    const { method, url, headers } = request;
    const options = { host: '127.0.0.1', port: this.#targetPort(), method, path: url, headers, agent: this.#agent };
    const upstream = http.request(options, (answer) => {
      if (cut === 'after') {
        answer.resume();
        answer.on('close', () => request.socket.destroy());
        return;
      }
      response.writeHead(answer.statusCode ?? 500, answer.headers);
      answer.on('error', () => request.socket.destroy());
      answer.pipe(response);
    });
    upstream.on('error', () => request.socket.destroy());
    if (cut !== 'within') return void upstream.end(body);
    // Whole rows, so that only the protocol can tell that more were to come.
    upstream.write(body.subarray(0, Math.floor(body.byteLength / 2 / (128 * 9)) * 128 * 9), () => {
      upstream.destroy();
      request.socket.destroy();
    });
  }
}
