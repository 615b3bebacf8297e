import { createConnection } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Kind, ReaderFlag } from '../../workers/ledger/kinds.ts';
import { randomFrom, testSeed } from '../../workers/random.suite.ts';
import { tapline } from '../running-service.suite.ts';
import { pupils, RunningSchool, type Tap } from '../live/running-school.suite.ts';
import { subscribersMax } from './limits.ts';
import type { Notice } from './notice.ts';
import { allNotices, takeNotices } from './subscriber.suite.ts';

let school: RunningSchool;

beforeAll(async () => {
  school = await RunningSchool.start();
  await school.fill(100_000_000);
});
afterAll(() => school.end());

const spacingMs = 20_000;
const tapsPerFrame = 250;
let made = 0;

/** Sales that the till made one after another, long ago; no two of them are a bounce. */
async function sell(count: number): Promise<void> {
  for (let sent = 0; sent < count; sent += tapsPerFrame) {
    const taps = Array.from({ length: Math.min(tapsPerFrame, count - sent) }, (_, place): Tap => {
      const pupil = pupils[(made + place) % pupils.length];
      return { pupil, kind: Kind.buffet, amountKop: 10, afterMs: place * spacingMs, flags: ReaderFlag.letThrough };
    });
    await school.tap('till', taps, school.nowMs - 30 * 86_400_000 + made * spacingMs);
    made += taps.length;
  }
}

/** What has to be told, by ClickHouse: positions by shard. */
async function expected(): Promise<Record<number, number[]>> {
  const rows = await school.sql<{ shard: number; position: string }>(
    `SELECT * FROM (SELECT shard, position FROM tap WHERE notice IN (1, 3)
     UNION ALL SELECT shard, cause_position AS position FROM transfer WHERE cause <> 1) ORDER BY shard, position`,
  );
  return byShard(rows.map(({ shard, position }) => ({ shard, position: Number(position) })));
}

function byShard(all: readonly { shard: number; position: number }[]): Record<number, number[]> {
  const shards: Record<number, number[]> = {};
  for (const { shard, position } of all) (shards[shard] ??= []).push(position);
  return shards;
}

const distinct = (positions: readonly number[]): number[] => [...new Set(positions)].sort((a, b) => a - b);

test('a subscriber that goes away again and again, also over a restart, gets every notice at least once and in order', async () => {
  const random = randomFrom(testSeed);
  const kept: Notice[] = [];
  let from = '';
  let isSelling = true;
  const selling = (async () => {
    await sell(3_000);
    await school.stop();
    await school.begin();
    await sell(3_000);
    isSelling = false;
  })();
  const round = async () => {
    const taken = await takeNotices(school.admin, from, 1 + random(400), isSelling).catch(() => []);
    for (const positions of Object.values(byShard(taken))) expect(positions).toEqual(distinct(positions));
    // The last ones were taken, and lost before they were kept.
    const lost = taken.length === 0 ? 0 : random(taken.length);
    kept.push(...taken.slice(0, taken.length - lost));
    from = kept.at(-1)?.cursor ?? '';
    return taken.length;
  };
  while (isSelling) await round();
  await selling;
  for (let rounds = 0; (await round()) > 0; rounds++) expect(rounds).toBeLessThan(1_000);

  const tellable = await expected();
  expect(Object.keys(tellable)).toEqual(['0', '1']);
  const told = byShard(kept);
  for (const [shard, positions] of Object.entries(tellable))
    expect(distinct(told[Number(shard)]), `TAPLINE_SEED=${testSeed}`).toEqual(positions);
  const all = await allNotices(school.admin);
  expect(byShard(all)).toEqual(tellable);
  expect(await allNotices(school.admin, all.at(-1)!.cursor)).toEqual([]);
});

test('one that does not read is not written to beyond a bound, holds up nobody, and has everything once it reads', async () => {
  const { hostname, port } = new URL(school.admin.address.url);
  const token = school.service.data.secret('admin.token').toString('hex');
  const socket = createConnection(Number(port), hostname).setEncoding('utf8');
  socket.write(`GET /admin/v1/notices HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${token}\r\n\r\n`);
  socket.pause();
  await sell(32_000);
  let text = '';
  socket.on('data', (chunk: string) => (text += chunk));
  socket.resume();
  const tellable = Object.values(await expected()).flat().length;
  await expect.poll(() => text.split('event: notice\n').length - 1, { timeout: 30_000 }).toBe(tellable);
  socket.destroy();
});

test('the command prints JSON lines, and says in one line what is wrong', async () => {
  const all = await allNotices(school.admin);
  const run = (...parameters: string[]) => tapline(['notices', '--data', school.data, ...parameters]);
  const printed = await run('--from', all[all.length - 500].cursor);
  const lines = printed.out.trimEnd().split('\n');
  expect(lines.map((line) => JSON.parse(line) as Notice)).toEqual(all.slice(-499));
  expect(await run('--from', '7')).toMatchObject({
    status: 2,
    error: expect.stringMatching(/^CURSOR_INVALID: /) as string,
  });
});

test('from now on; the id of the last event; a cursor of somewhere else; more subscribers than may be', async () => {
  const { url } = school.admin.address;
  const token = school.service.data.secret('admin.token').toString('hex');
  const ask = (query: string, headers: Record<string, string> = {}) =>
    fetch(`${url}/admin/v1/notices?${query}`, { headers: { Authorization: `Bearer ${token}`, ...headers } });
  const last = (await allNotices(school.admin)).at(-2)!;
  expect(await (await ask('from=now&follow=false')).text()).not.toContain('event: notice');
  // The header is of later than the address of the first request.
  const resumed = await (await ask('follow=false', { 'Last-Event-ID': last.cursor })).text();
  expect(resumed.match(/event: notice/g)).toHaveLength(1);
  for (const wrong of ['0:1', '1:1,0:1', '0:1,1:x', '0:1,1:2,2:3']) {
    expect((await ask(`from=${wrong}`)).status, wrong).toBe(400);
  }
  expect((await ask('from=0:1,1:999999')).status).toBe(409);
  const open = await Promise.all(Array.from({ length: subscribersMax }, () => ask('from=now')));
  const refused = await ask('from=now');
  expect([refused.status, await refused.json()]).toMatchObject([503, { error: { code: 'NOTICES_BUSY' } }]);
  await Promise.all(open.map((response) => response.body!.cancel()));
  await expect.poll(async () => (await ask('from=now&follow=false')).status).toBe(200);
});
