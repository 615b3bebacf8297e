import { afterAll, beforeAll, expect, test } from 'vitest';
import { openClickHouse } from '../../analytics/clickhouse/client.ts';
import { Kind } from '../../workers/ledger/kinds.ts';
import type { ReaderOfList } from '../admin/routes-readers.ts';
import { decoded, signedHello, TestReader } from '../gateway/test-reader.suite.ts';
import { uidOf } from '../gateway/running-gateway.suite.ts';
import { otherSchoolId, readerOf, RunningSchool, schoolId } from '../live/running-school.suite.ts';
import { encodeBeat, encodeTaps } from '../protocol/encode.ts';
import { issueToken, type Role } from '../registry/tokens.ts';
import { requestIntervalMs, rowIntervalMs } from './limits.ts';

const minuteMs = 60_000;
let school: RunningSchool;
/** Nothing is so old that ClickHouse lets it go. */
const beginMs = Math.floor((Date.now() - 3_600_000) / minuteMs) * minuteMs;

beforeAll(async () => {
  school = await RunningSchool.start();
  school.nowMs = beginMs;
});
afterAll(() => school.end());

const iso = (ms: number) => new Date(ms).toISOString();

async function post(path: string, bytes: Uint8Array, token = ''): Promise<Uint8Array> {
  const url = school.service.data.service()!.url;
  const headers = { Authorization: `Bearer ${token}` };
  const response = await fetch(url + path, { method: 'POST', headers, body: Buffer.from(bytes) });
  expect(response.status).toBe(200);
  return new Uint8Array(await response.arrayBuffer());
}

/** A reader over HTTP: HELLO, and a frame of one tap each 10 s, so many times. */
async function overHttp(reader: number, frames: number): Promise<void> {
  const { url } = school.service.data.service()!;
  const challenge = decoded(new Uint8Array(await (await fetch(`${url}/v1/challenge`)).arrayBuffer()));
  if (challenge.type !== 'challenge') throw new Error(challenge.type);
  const hello = signedHello(reader, challenge.nonce, { nonce: challenge.nonce, clockMs: school.nowMs - 1_500 });
  const welcome = decoded(await post('/v1/hello', hello));
  if (welcome.type !== 'welcome') throw new Error(welcome.type);
  for (let seq = 1; seq <= frames; seq++) {
    school.nowMs += 10_000;
    const taps = [{ uid: uidOf(1), kind: Kind.gateIn, deltaMs: 0 }];
    await post('/v1/taps', encodeTaps({ firstSeq: seq, baseMs: school.nowMs, taps }), welcome.sessionToken);
  }
}

interface Row {
  readonly at: number;
  readonly event: string;
  readonly queued: number;
  readonly drift_ms: number;
  readonly rules_version: number;
  readonly firmware: string;
}

async function rowsOf(reader: number): Promise<Row[]> {
  const client = openClickHouse(school.service.clickhouseAddress);
  try {
    const columns = `toUnixTimestamp64Milli(at) - ${beginMs} AS at, event, queued, drift_ms, rules_version, firmware`;
    const query = `SELECT ${columns} FROM reader_beat WHERE reader_id = ${reader} ORDER BY reader_beat.at`;
    return await (await client.query({ query, format: 'JSONEachRow' })).json<Row>();
  } finally {
    await client.close();
  }
}

/** The sink makes the tables in its own time. */
async function stored(): Promise<void> {
  const { beats } = school.service;
  await expect
    .poll(
      async () => {
        await beats.flush();
        return beats.status().buffered;
      },
      { timeout: 30_000, interval: 100 },
    )
    .toBe(0);
}

test('what readers say and do is in ClickHouse, at most a row each 10 s, and in the list of readers', async () => {
  const gate = await school.connect('gate');
  const says = async (queued: number) => {
    const { beats } = school.service.gateway.counters;
    gate.send(encodeBeat({ clockMs: school.nowMs - 65_000, queued, oldestMs: school.nowMs - 5_000, rulesVersion: 3 }));
    await expect.poll(() => school.service.gateway.counters.beats).toBe(beats + 1);
  };
  for (const queued of [40, 30, 20]) {
    school.nowMs += 1_000;
    await says(queued);
  }
  await stored();
  const hello = { at: 0, event: 'connected', queued: 0, drift_ms: 0, rules_version: 0, firmware: 'test' };
  const said = { event: 'beat', drift_ms: 65_000, rules_version: 3, firmware: 'test' };
  expect(await rowsOf(readerOf.gate)).toEqual([hello, { ...said, at: 1_000, queued: 40 }]);

  school.nowMs += rowIntervalMs;
  await stored();
  // The newest of those in between comes with its own time.
  expect((await rowsOf(readerOf.gate)).slice(1)).toEqual([
    { ...said, at: 1_000, queued: 40 },
    { ...said, at: 3_000, queued: 20 },
  ]);

  const list = await school.admin.call<ReaderOfList[]>('GET', '/admin/v1/readers');
  expect(list.map(({ reader }) => reader)).toEqual([1, 2, 3, 4, 5, 6]);
  expect(list[0]).toEqual({
    reader: readerOf.gate,
    school: schoolId,
    place: 'gate',
    state: 'behind',
    last_seen: iso(beginMs + 3_000),
    queued: 20,
    oldest: iso(beginMs - 2_000),
    drift_ms: 65_000,
    gaps: 0,
    firmware: 'test',
    rules_version: 3,
  });
  expect(list[1]).toMatchObject({ state: 'never_seen', last_seen: null, queued: null, drift_ms: null, firmware: null });
  const status = await school.command<{ reader_list?: ReaderOfList[] }>(['status', '--readers']);
  expect(status.reader_list).toEqual(list);
  expect(await school.command(['status'])).not.toHaveProperty('reader_list');
});

test('the list is for admin, viewer, and the operator of its school', async () => {
  const ask = async (role: Role, own: number | null, query: string) => {
    const token = await issueToken(
      school.service.registry,
      { name: `${role} ${own} ${query}`, role, schoolId: own },
      1,
    );
    const url = `${school.service.data.service()!.url}/admin/v1/readers${query}`;
    const response = await fetch(url, { headers: { Authorization: `Bearer ${token}` } });
    const answer = (await response.json()) as ReaderOfList[] | { error: { code: string } };
    return Array.isArray(answer) ? answer.map(({ reader }) => reader) : answer.error.code;
  };
  const [own, other] = [`?school=${schoolId}`, `?school=${otherSchoolId}`];
  expect(await ask('viewer', null, '')).toEqual([1, 2, 3, 4, 5, 6]);
  expect(await ask('viewer', null, other)).toEqual([readerOf.gateElsewhere]);
  expect(await ask('operator', schoolId, own)).toEqual([1, 2, 3, 4, 5]);
  for (const [role, school] of [
    ['operator', schoolId],
    ['viewer', schoolId],
    ['operator', null],
  ] as const) {
    expect(await ask(role, school, ''), role).toBe('SCOPE_FORBIDDEN');
    expect(await ask(role, school, other), role).toBe('SCOPE_FORBIDDEN');
  }
  expect(await ask('cabinet', null, own)).toBe('ROLE_FORBIDDEN');
});

test('a reader over HTTP is alive by its requests', async () => {
  const fromMs = school.nowMs - beginMs;
  await overHttp(readerOf.gateElsewhere, 7);
  await stored();
  const rows = await rowsOf(readerOf.gateElsewhere);
  expect(rows.map(({ at, event, drift_ms: drift }) => [at - fromMs, event, drift])).toEqual([
    [0, 'beat', 1_500],
    [requestIntervalMs, 'beat', 1_500],
    [2 * requestIntervalMs, 'beat', 1_500],
  ]);
});

test('a newer connection is no end; a drain brings the ends and what still waits', async () => {
  const { service } = school;
  const fromMs = school.nowMs - beginMs;
  const connect = () => TestReader.welcome(service.data.service()!.stream, readerOf.till, { clockMs: school.nowMs });
  const older = await connect();
  await connect();
  await older.reader.closed;
  school.nowMs += 1_000;
  await service.stop();
  expect(service.beats.status()).toMatchObject({ buffered: 0, dropped: 0 });
  await school.begin();
  const events = (await rowsOf(readerOf.till)).map(({ at, event }) => [at - fromMs, event]);
  expect(events).toEqual([
    [0, 'connected'],
    [0, 'connected'],
    [1_000, 'closed'],
  ]);
});
