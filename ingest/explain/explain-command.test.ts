import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { pupilsCount } from '../gateway/running-gateway.suite.ts';
import { tapOf, TestReader } from '../gateway/test-reader.suite.ts';
import { Code, ReaderFlag } from '../protocol/codes.ts';
import { encodeTaps } from '../protocol/encode.ts';
import { removeFolder, RunningService, tapline, temporaryFolder, writeRegion } from '../running-service.suite.ts';
import type { Explained } from './explain-taps.ts';

const folder = temporaryFolder();
const data = path.join(folder, 'data');
const baseMs = Date.now() - 3_600_000;
const itemKop = 4_000;
let service: RunningService;
let reader: TestReader;
/** The first tap that the changed rules decided. */
let laterSeq = 1;

/** Sends one buffet tap of item 7; gives its code. */
async function buy(seq: number, flags = 0): Promise<number> {
  const tap = { ...tapOf(seq), kind: 4, amountKop: itemKop, ref: 7, flags };
  reader.send(encodeTaps({ firstSeq: seq, baseMs, taps: [tap] }));
  return (await reader.expect('ack')).codes[0];
}

beforeAll(async () => {
  writeRegion(folder);
  await tapline(['import', folder, '--data', data]);
  service = await RunningService.start(data, ['--shards', '2']);
  reader = (await TestReader.welcome(service.stream, 1, { rulesVersion: 1 })).reader;
  expect(await buy(1)).toBe(Code.fundsInsufficient);
  writeFileSync(path.join(folder, 'rules.json'), JSON.stringify({ region: { prices: { '7': itemKop + 1 } } }));
  const imported = await tapline(['import', folder, '--data', data]);
  expect(imported).toMatchObject({ status: 0 });
  while ((await buy(++laterSeq, ReaderFlag.letThrough)) !== Code.priceMismatch) await sleep(50);
});
afterAll(async () => {
  await service.end();
  removeFolder(folder);
});

async function explain(parameters: readonly string[]) {
  const result = await tapline(['explain', ...parameters, '--json', '--data', data]);
  const lines = result.out.trim().split('\n');
  return { ...result, taps: lines.map((line) => JSON.parse(line) as Explained) };
}

describe('explain, beside a running service', () => {
  test('knows the rules of each decision, the reader and whether ClickHouse has the tap', async () => {
    const stored = async () => (await explain([`1:1:${laterSeq}`])).taps[0].stored;
    await expect.poll(stored, { timeout: 20_000, interval: 200 }).toBe(true);
    const { taps, status, error } = await explain(['1:1:1', `1:1:${laterSeq}`]);
    expect({ status, error }).toEqual({ status: 0, error: '' });
    const live = { connected: true, firmware: 'test', rules_version: 1, boot_epoch: 1, durable_seq: laterSeq };
    const readerNow = { school: 10, place: 'Gate', kinds: ['gate-in', 'gate-out', 'meal', 'buffet'], revoked: false };
    expect(taps).toMatchObject([
      {
        agrees: true,
        decision: { code: Code.fundsInsufficient, rules_version: 1, flags: ['LATE'] },
        stored: true,
        stored_reason: null,
        reader: { ...readerNow, live },
      },
      {
        agrees: true,
        decision: { code: Code.priceMismatch, rules_version: 2 },
        transfers: [{ debit: `pupil:${1 + (laterSeq % pupilsCount)}:buffet`, credit: 'canteen:10', kop: itemKop }],
        stored: true,
        reader: { live },
      },
    ]);
    expect(taps.map(({ rules }) => rules.at(-1))).toMatchObject([
      { rule: 'funds', input: { price_kop: itemKop, balance_kop: 0 }, verdict: Code.fundsInsufficient },
      { rule: 'price', input: { asked_kop: itemKop, list_kop: itemKop + 1 }, verdict: Code.priceMismatch },
    ]);
    // The reader had said that it carries version 1, and goes on by itself.
    expect(taps[1].decision.flags).toEqual(['OFFLINE', 'LATE', 'STALE_RULES', 'FORCED']);
  });

  test('answers a file line by line, and "no" if one is not there', async () => {
    const file = path.join(folder, 'taps.txt');
    writeFileSync(file, `1:1:${laterSeq}\n\n1:1:999999\n1:1:1\n`);
    const { taps, status } = await explain(['--file', file]);
    expect(status).toBe(1);
    expect(taps).toMatchObject([
      { tap: { seq: laterSeq }, agrees: true },
      { tap: { seq: 999_999 }, ok: false, refusal: 'TAP_UNKNOWN' },
      { tap: { seq: 1 }, agrees: true },
    ]);
  });

  test('is answered over HTTP alike', async () => {
    const Authorization = `Bearer ${readFileSync(path.join(data, 'admin.token'), 'utf8')}`;
    const ask = async (where: string) => {
      const response = await fetch(`${service.url}/admin/v1/${where}`, { headers: { Authorization } });
      return { status: response.status, body: await response.json() };
    };
    const { taps } = await explain(['1:1:1']);
    expect(await ask('explain/1/1/1')).toEqual({ status: 200, body: taps[0] });
    expect(await ask('explain/1/1/999999')).toMatchObject({ status: 404, body: { error: { code: 'TAP_UNKNOWN' } } });
    expect((await ask('explain/1/x/1')).status).toBe(400);
    expect(await ask('readers/1/live')).toMatchObject({ status: 200, body: { connected: true } });
    expect(await ask('readers/77/live')).toMatchObject({ body: { connected: false, last_seen: null } });
  });
});

test('explain, without a service, reads the files', async () => {
  await service.end();
  const { taps, status, error } = await explain(['1:1:1']);
  expect({ status, error }).toEqual({ status: 0, error: '' });
  expect(taps[0]).toMatchObject({ agrees: true, stored: null, reader: { school: 10, live: null } });
  expect(taps[0].stored_reason).toContain('no service runs');
  const away = await explain(['1:1:1', '--clickhouse-url', 'http://127.0.0.1:1']);
  expect(away.taps[0]).toMatchObject({
    stored: null,
    stored_reason: expect.stringContaining('does not answer') as string,
  });
  const { out } = await tapline(['explain', `1:1:${laterSeq}`, '--data', data]);
  expect(out).toContain(`tap 1:1:${laterSeq}: 54 PRICE_MISMATCH`);
  expect(out).toMatch(/^ {2}known-card +– +card/m);
  expect(out).toMatch(/^ {2}price +54 PRICE_MISMATCH +item 7, asked_kop 4000, list_kop 4001$/m);
  expect(out).not.toMatch(/Last\d|undefined|\[object/);
});
