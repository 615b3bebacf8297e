import http from 'node:http';
import https from 'node:https';
import { buffer } from 'node:stream/consumers';
import { OperatorError } from '../workers/errors.ts';
import { exitStatusOf, unreachable } from './admin-client.ts';
import type { DataDirectory } from './data-directory.ts';

const timeoutMs = 120_000;

/** A file that the dashboards' server made. */
export interface ServedFile {
  readonly fileName: string;
  readonly body: Buffer;
}

/** Talks to the dashboards of the service that runs on a data directory, with the directory's token. */
export class DashboardsClient {
  readonly #url: string;
  readonly #token: string;

  private constructor(url: string, token: string) {
    this.#url = url;
    this.#token = token;
  }

  /** Throws SERVICE_DOWN if no service runs. */
  static connect(data: DataDirectory): DashboardsClient {
    const address = data.service();
    if (address !== undefined) {
      return new DashboardsClient(address.dashboardsUrl, data.secret('admin.token').toString('hex'));
    }
    const remedy = `Start it with "tapline up --data ${data.path}".`;
    throw new OperatorError('SERVICE_DOWN', `no service runs on ${data.path}`, remedy);
  }

  /** Throws what the server refuses, as it says it, and SERVICE_UNREACHABLE. */
  async file(path: string): Promise<ServedFile> {
    const { status, headers, body } = await this.#get(path);
    if (status !== 200) throw refusalOf(status, body, this.#url);
    const fileName = /filename="([\w.-]+)"/.exec(headers['content-disposition'] ?? '')?.[1];
    return { fileName: fileName ?? 'report', body };
  }

  #get(path: string): Promise<{ status: number; headers: http.IncomingHttpHeaders; body: Buffer }> {
    const url = new URL(path, this.#url);
    // The address comes from our own data directory; its certificate may well be signed by the school itself.
    const options = {
      timeout: timeoutMs,
      rejectUnauthorized: false,
      headers: { Authorization: `Bearer ${this.#token}` },
    };
    return new Promise((resolve, reject) => {
      const fail = (error: Error) => reject(unreachable(error, this.#url));
      const request = (url.protocol === 'https:' ? https : http).get(url, options, (response) => {
        buffer(response).then(
          (body) => resolve({ status: response.statusCode ?? 0, headers: response.headers, body }),
          fail,
        );
      });
      request.on('timeout', () => request.destroy(new Error('no answer in time')));
      request.on('error', fail);
    });
  }
}

function refusalOf(status: number, body: Buffer, url: string): Error {
  try {
    const { error } = JSON.parse(body.toString('utf8')) as { error: { code: string; message: string; remedy: string } };
    return new OperatorError(error.code, error.message, error.remedy, exitStatusOf(status));
  } catch {
    return unreachable(new Error('the answer is not of a Tapline'), url);
  }
}
