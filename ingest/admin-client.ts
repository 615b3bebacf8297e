import http from 'node:http';
import https from 'node:https';
import { hasErrno, OperatorError } from '../workers/errors.ts';
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

  /** The running service's client. Throws SERVICE_DOWN if none runs. */
  static connect(data: DataDirectory): AdminClient {
    const address = data.service();
    if (address !== undefined) return new AdminClient(address, data.secret('admin.token').toString('hex'));
    const remedy = `Start it with "tapline up --data ${data.path}".`;
    throw new OperatorError('SERVICE_DOWN', `no service runs on ${data.path}`, remedy);
  }

  /** The answer's JSON; undefined for "no such thing". Throws SERVICE_REFUSED or SERVICE_UNREACHABLE. */
  async call<T>(method: 'GET' | 'POST', path: string, body?: unknown): Promise<T | undefined> {
    const { status, text } = await this.#request(method, path, body === undefined ? '' : JSON.stringify(body));
    if (status === 404) return undefined;
    if (status === 200) return this.#parse(text) as T;
    const { error } = this.#parse(text) as { error: { code: string; message: string } };
    throw new OperatorError('SERVICE_REFUSED', `${error.code}: ${error.message}`, 'Mend the request.', 1);
  }

  #parse(text: string): unknown {
    try {
      return JSON.parse(text);
    } catch {
      throw unreachable(new Error('the answer is not of a Tapline'), this.address.url);
    }
  }

  #request(method: string, path: string, body: string): Promise<{ status: number; text: string }> {
    const url = new URL(path, this.address.url);
    // The address comes from our own data directory; its certificate may well be signed by the school itself.
    const options = { method, timeout: timeoutMs, rejectUnauthorized: false };
    const headers = { Authorization: `Bearer ${this.#token}`, 'Content-Type': 'application/json' };
    return new Promise((resolve, reject) => {
      const request = (url.protocol === 'https:' ? https : http).request(url, { ...options, headers }, (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('end', () => resolve({ status: response.statusCode ?? 0, text: Buffer.concat(chunks).toString() }));
        response.on('error', reject);
      });
      request.on('timeout', () => request.destroy(new Error('no answer in time')));
      request.on('error', (error) => reject(unreachable(error, this.address.url)));
      request.end(body);
    });
  }
}

function unreachable(error: Error, url: string): Error {
  const why = hasErrno(error, 'ECONNREFUSED') ? 'nobody listens' : error.message;
  return new OperatorError('SERVICE_UNREACHABLE', `${url}: ${why}`, 'See whether the service still runs.');
}
