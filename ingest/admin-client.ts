import http from 'node:http';
import https from 'node:https';
import { text as textOf } from 'node:stream/consumers';
import { type ExitStatus, hasErrno, OperatorError } from '../workers/errors.ts';
import type { Problem } from './admin/problem.ts';
import type { DataDirectory, ServiceAddress } from './data-directory.ts';

const timeoutMs = 120_000;

/** Talks to the service that runs on a data directory, with the directory's token. */
export class AdminClient {
  readonly address: ServiceAddress;
  readonly #token: string;

  private constructor(address: ServiceAddress, token: string) {
    this.address = address;
    this.#token = token;
  }

  /** The running service's client; undefined if none runs. */
  static find(data: DataDirectory): AdminClient | undefined {
    const address = data.service();
    return address === undefined ? undefined : new AdminClient(address, data.secret('admin.token').toString('hex'));
  }

  /** The running service's client. Throws SERVICE_DOWN if none runs. */
  static connect(data: DataDirectory): AdminClient {
    const client = AdminClient.find(data);
    if (client !== undefined) return client;
    const remedy = `Start it with "tapline up --data ${data.path}".`;
    throw new OperatorError('SERVICE_DOWN', `no service runs on ${data.path}`, remedy);
  }

  /**
   * The answer's JSON. What the service refuses is thrown as it says it: exit status 2 for wrong input, 3 for what the
   * service lacks, 1 otherwise. Throws SERVICE_UNREACHABLE.
   */
  async call<T>(method: 'GET' | 'POST', path: string, body?: unknown): Promise<T> {
    const response = await this.#open(method, path, body === undefined ? '' : JSON.stringify(body));
    const text = await textOf(response).catch((error: Error) => {
      throw unreachable(error, this.address.url);
    });
    return response.statusCode === 200 ? (this.#parse(text) as T) : this.#refuse(response.statusCode ?? 0, text);
  }

  /**
   * The data of the events of a stream of the service, by name. Ends with the stream. Throws what the service refuses, and
   * SERVICE_UNREACHABLE where the stream breaks off.
   */
  async *events(path: string): AsyncGenerator<{ event: string; data: unknown }> {
    const response = await this.#open('GET', path, '');
    if (response.statusCode !== 200) this.#refuse(response.statusCode ?? 0, await textOf(response));
    let event = '';
    let rest = '';
    try {
      for await (const chunk of response.setEncoding('utf8')) {
        const lines = (rest + (chunk as string)).split('\n');
        rest = lines.pop() ?? '';
        for (const line of lines) {
          if (line.startsWith('event: ')) event = line.slice(7);
          else if (line.startsWith('data: ')) yield { event, data: this.#parse(line.slice(6)) };
        }
      }
    } catch (error) {
      throw hasErrno(error, 'ECONNRESET') ? unreachable(error, this.address.url) : error;
    }
  }

  #refuse(status: number, text: string): never {
    const { code, message, remedy } = (this.#parse(text) as Problem).error;
    throw new OperatorError(code, message, remedy, exitStatusOf(status));
  }

  #parse(text: string): unknown {
    try {
      return JSON.parse(text);
    } catch {
      throw unreachable(new Error('the answer is not of a Tapline'), this.address.url);
    }
  }

  #open(method: string, path: string, body: string): Promise<http.IncomingMessage> {
    const url = new URL(path, this.address.url);
    // The address comes from our own data directory; its certificate may well be signed by the school itself.
    const options = { method, timeout: timeoutMs, rejectUnauthorized: false };
    const headers = { Authorization: `Bearer ${this.#token}`, 'Content-Type': 'application/json' };
    return new Promise((resolve, reject) => {
      const request = (url.protocol === 'https:' ? https : http).request(url, { ...options, headers }, resolve);
      request.on('timeout', () => request.destroy(new Error('no answer in time')));
      request.on('error', (error) => reject(unreachable(error, this.address.url)));
      request.end(body);
    });
  }
}

/** The exit status that a command has when the service refused so. */
export function exitStatusOf(httpStatus: number): ExitStatus {
  if (httpStatus === 400 || httpStatus === 413) return 2;
  return httpStatus >= 500 ? 3 : 1;
}

/** Why a service could not be asked. */
export function unreachable(error: Error, url: string): Error {
  const why = hasErrno(error, 'ECONNREFUSED') ? 'nobody listens' : error.message;
  return new OperatorError('SERVICE_UNREACHABLE', `${url}: ${why}`, 'See whether the service still runs.');
}
