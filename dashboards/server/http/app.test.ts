import { describe, expect, it } from 'vitest';
import { findQuery } from '../../../analytics/queries/catalogue.ts';
import type { AnswerDesk, Prepared } from '../answer/desk.ts';
import { caller, registry } from '../disclosure/small-district.suite.ts';
import type { Answer } from '../types.ts';
import { createApp } from './app.ts';
import { busyRetryAfterS, questionsInFlightMax } from './limits.ts';
import type { HttpParts } from './parts.ts';

const query = findQuery('attendance_daily')!;
const admin = caller('admin');

/** The server with a desk that answers when it is told to. */
class HeldServer {
  /** Answers that were asked for of the desk. */
  made = 0;
  /** What the next questions rest on; null for what is of this moment. */
  cacheKey: string | null = 'one';
  /** Lets all answers go that wait. */
  release: () => void = () => undefined;
  #held: Promise<void> | undefined;
  readonly #app = createApp({
    desk: {
      prepare: (_: unknown, who: unknown, said: object) => Promise.resolve(this.#prepared(who, said)),
      answer: () => this.#answer(),
    } as unknown as AnswerDesk,
    registry,
    // Arrow and Parquet alone would ask it.
    client: () => undefined as never,
    people: { byToken: () => Promise.resolve(admin) } as unknown as HttpParts['people'],
    audited: () => Promise.reject(new Error('nothing is audited')),
    onError: (error) => {
      throw error;
    },
    onAnswered: () => undefined,
    isSecure: false,
  });

  hold(): void {
    this.#held = new Promise((resolve) => (this.release = resolve));
  }

  async get(said = ''): Promise<Response> {
    const headers = { authorization: 'Bearer anything' };
    return await this.#app.request(`/api/v1/query/${query.name}${said}`, { headers });
  }

  /** What prepare would give, as far as the routes look at it. */
  #prepared(who: unknown, said: object): Prepared {
    const { cacheKey } = this;
    return { query, caller: who, told: said, nowMs: 1, cacheKey, audit: undefined } as unknown as Prepared;
  }

  async #answer(): Promise<Answer> {
    this.made += 1;
    await this.#held;
    const head = { query: query.name, parameters: {}, asOf: null, revision: '1', coveragePct: null };
    const more = { rulesVersion: 1, timeZone: null, hiddenGroups: 0 };
    return { head: { ...head, ...more }, columns: query.columns, rows: [] };
  }
}

const turn = () => new Promise((resolve) => setTimeout(resolve, 20));

describe('questions at one time', () => {
  it('are so many; the next one is told to come again, and is answered when one of them has gone', async () => {
    const server = new HeldServer();
    server.hold();
    const running = Array.from({ length: questionsInFlightMax }, (_, index) => server.get(`?n=${index}`));
    await turn();
    const refused = await server.get('?n=further');
    expect([refused.status, refused.headers.get('retry-after')]).toEqual([503, String(busyRetryAfterS)]);
    expect(await refused.json()).toMatchObject({ error: { code: 'API_BUSY' } });
    server.release();
    expect((await Promise.all(running)).every(({ status }) => status === 200)).toBe(true);
    expect((await server.get('?n=further')).status).toBe(200);
  });

  it('are asked once where they are the same', async () => {
    const server = new HeldServer();
    for (const cacheKey of ['one', null]) {
      server.made = 0;
      server.cacheKey = cacheKey;
      server.hold();
      const same = Array.from({ length: 10 }, () => server.get());
      await turn();
      server.release();
      const texts = await Promise.all(same.map(async (response) => (await response).text()));
      expect([server.made, new Set(texts).size]).toEqual([1, 1]);
    }
  });
});

it('an answer is kept as long as what it rests on is the same; one of this moment is not kept', async () => {
  const server = new HeldServer();
  const asked = async (said?: string) => {
    server.made = 0;
    await server.get(said);
    return server.made;
  };
  expect([await asked(), await asked(), await asked('?format=csv'), await asked('?format=csv')]).toEqual([1, 0, 1, 0]);
  server.cacheKey = 'two';
  expect([await asked(), await asked()]).toEqual([1, 0]);
  server.cacheKey = null;
  expect([await asked(), await asked()]).toEqual([1, 1]);
});
