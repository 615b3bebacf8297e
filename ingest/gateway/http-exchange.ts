import type { HttpRequest, HttpResponse } from 'uws';

const statusTexts: Record<number, string> = {
  200: 'OK',
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not Found',
  409: 'Conflict',
  413: 'Payload Too Large',
  429: 'Too Many Requests',
  500: 'Internal Server Error',
  503: 'Service Unavailable',
};

/**
 * One HTTP request and its one answer. It knows when the client is gone, so that nothing is written to a response that no
 * longer exists, at whatever point of an asynchronous handler that happens.
 */
export class HttpExchange {
  readonly #response: HttpResponse;
  #isOver = false;
  #onGone: (() => void) | undefined;

  constructor(response: HttpResponse) {
    this.#response = response;
    // Before anything else: a handler that returns without an answer and without this ends the process.
    response.onAborted(() => {
      this.#isOver = true;
      this.#onGone?.();
    });
  }

  /** Calls once if the client goes before it is answered. */
  onGone(told: () => void): void {
    this.#onGone = told;
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  /** Collects the body; `tooLarge` is called once, instead, when it exceeds `bytesMax`. */
  body(bytesMax: number, whole: (body: Uint8Array) => void, tooLarge: () => void): void {
    let collected: Buffer | undefined;
    let isTooLarge = false;
    this.#response.onData((chunk, isLast) => {
      if (isTooLarge || this.#isOver) return;
      const bytes = new Uint8Array(chunk);
      if ((collected?.length ?? 0) + bytes.length > bytesMax) {
        isTooLarge = true;
        return tooLarge();
      }
      // The usual body comes in one piece, and is read before this returns.
      if (isLast && collected === undefined) return whole(bytes);
      collected = collected === undefined ? Buffer.from(bytes) : Buffer.concat([collected, bytes]);
      if (isLast) whole(collected);
    });
  }

  end(status: number, contentType: string, body: Uint8Array | string, headers: Record<string, string> = {}): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#response.cork(() => {
      this.#response.writeStatus(`${status} ${statusTexts[status] ?? ''}`);
      this.#response.writeHeader('Content-Type', contentType);
      for (const [name, value] of Object.entries(headers)) this.#response.writeHeader(name, value);
      this.#response.end(body);
    });
  }

  json(status: number, value: unknown): void {
    this.end(status, 'application/json; charset=utf-8', JSON.stringify(value));
  }
}

/** The token of an `Authorization: Bearer …` header, or ''. */
export function bearerToken(request: HttpRequest): string {
  const match = /^Bearer ([\w.~+/-]{1,256}=*)$/.exec(request.getHeader('authorization'));
  return match === null ? '' : match[1];
}
