import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { OperatorError } from '../errors.ts';
import { limits } from '../limits.ts';
import type { AnswerRow } from './index-of-world.ts';

/** Asks a named query with the parameters of its address; gives its rows. Throws ANSWER_REFUSED. */
export type Ask = (query: string, parameters: Readonly<Record<string, string>>) => Promise<readonly AnswerRow[]>;

/** The admin token of a data directory. Throws TOKEN_MISSING. */
export function adminToken(data: string): string {
  try {
    return readFileSync(join(data, 'admin.token'), 'utf8').trim();
  } catch {
    throw new OperatorError(
      'TOKEN_MISSING',
      `${data} has no admin token`,
      'Name the data directory, or give --token',
      2,
    );
  }
}

/** Asks the dashboards' API. A service that has its hands full is asked again. */
export function askOverHttp(url: string, token: string): Ask {
  return async (query, parameters) => {
    const address = new URL(`/api/v1/query/${query}`, url);
    for (const [name, value] of Object.entries(parameters)) address.searchParams.set(name, value);
    for (let tries = 1; ; tries++) {
      const response = await fetch(address, {
        headers: { Authorization: `Bearer ${token}` },
        signal: AbortSignal.timeout(limits.answerWithinMs),
      });
      const body = (await response.json()) as { rows?: AnswerRow[]; error?: { code: string; message: string } };
      if (response.status === 200 && body.rows !== undefined) return body.rows;
      if (response.status === 503 && tries < limits.answerTriesMax) {
        await new Promise((resolve) => setTimeout(resolve, limits.retryDefaultMs));
        continue;
      }
      const cause = body.error === undefined ? '' : `: ${body.error.code} ${body.error.message}`;
      throw new OperatorError(
        'ANSWER_REFUSED',
        `${query}?${address.searchParams.toString()} is answered with ${response.status}${cause}`,
        'See the service log',
      );
    }
  };
}
