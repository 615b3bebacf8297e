import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openJournalCursor } from '../../workers/journal/cursor.ts';
import { SectionType } from '../../workers/journal/types.ts';
import { readTransfers, type Transfer } from '../../workers/ledger/transfers.ts';
import type { Account } from '../admin/routes-account.ts';
import type { AuditEntry } from '../admin/routes-audit.ts';
import { uidOf } from '../gateway/running-gateway.suite.ts';
import { TestReader } from '../gateway/test-reader.suite.ts';
import { encodeTaps, type TapFields } from '../protocol/encode.ts';
import { Code } from '../protocol/codes.ts';
import { removeFolder, RunningService, temporaryFolder } from '../running-service.suite.ts';
import { commandsOn, entitledPupil, farPupil, farTillId, writeTwoSchools } from './commands.suite.ts';

const folder = temporaryFolder();
const data = path.join(folder, 'data');
/** Evening of 1 September in Moscow (school 10), the small hours of the 2nd in Kamchatka (school 11). */
const startMs = Date.UTC(2026, 8, 1, 15);
const wallMs = Date.now();
const tillId = 1;
const shards = 2;
let service: RunningService;

beforeAll(async () => {
  expect(await run(`import ${writeTwoSchools(folder)}`)).toMatchObject({ status: 0 });
  const clock = `${startMs}:${wallMs}:1`;
  const noEngine = ['--clickhouse-url', 'http://127.0.0.1:1'];
  service = await RunningService.start(data, ['--shards', String(shards), '--clock', clock, ...noEngine]);
});
afterAll(async () => {
  expect(await service.end()).toBe(0);
  removeFolder(folder);
});

const { run, json, refused } = commandsOn(data);
const account = (pupil: number) => json<Account>(`account --pupil ${pupil}`, 'account');

const seqs = new Map<number, number>();

/** Sends one tap as the reader's next one, `fromStartMs` after the start; answers its identity and code. */
async function tap(
  readerId: number,
  pupil: number,
  fromStartMs: number,
  fields: Partial<TapFields>,
): Promise<{ id: string; code: number }> {
  const seq = (seqs.get(readerId) ?? 0) + 1;
  seqs.set(readerId, seq);
  const clockMs = startMs + Date.now() - wallMs;
  const { reader } = await TestReader.welcome(service.stream, readerId, { nextSeq: seq, clockMs });
  const made = { uid: uidOf(pupil), kind: 4, deltaMs: fromStartMs, ...fields };
  reader.send(encodeTaps({ firstSeq: seq, baseMs: startMs - 60_000, taps: [made] }));
  const { codes } = await reader.expect('ack');
  await reader.close();
  return { id: `${readerId}:1:${seq}`, code: codes[0] };
}

function journaledTransfers(): Transfer[] {
  return Array.from({ length: shards }, (_, shard) => shard).flatMap((shard) => {
    const cursor = openJournalCursor(path.join(data, 'journal'), shard, 0);
    const found: Transfer[] = [];
    for (let block = cursor.next(); block !== undefined; block = cursor.next()) {
      for (const { type, bytes } of block.sections)
        if (type === SectionType.transfers) found.push(...readTransfers(bytes));
    }
    cursor.close();
    return found;
  });
}

describe('money', () => {
  test('top-up, refund, move and adjustment: once by key, within what there is', async () => {
    const done = (balance: number) => ({ ok: true, repeated: false, balance_kop: balance });
    expect(await json('topup --pupil 7 --purse buffet --kop 5000 --key t')).toMatchObject(done(5_000));
    for (const [command, name, balanceKop] of [
      ['refund --pupil 7 --purse buffet --kop 1000 --key r', 'refund', 4_000],
      ['move --pupil 7 --from buffet --to meal --kop 1500 --key m', 'move', 2_500],
      ['adjust --pupil 7 --purse buffet --kop -100 --reason wrong_till --key a', 'adjust', 2_400],
      ['adjust --pupil 7 --purse buffet --kop +50 --reason back --key b --against canteen:10', 'adjust', 2_450],
    ] as const) {
      const first = await json<object>(command, name);
      expect(first, command).toMatchObject(done(balanceKop));
      expect(await json(command, name)).toEqual({ ...first, repeated: true });
    }
    const { purses_kop: purses, movements } = await account(7);
    expect(purses).toEqual({ meal: 1_500, buffet: 2_450, transport: 0, services: 0 });
    expect(movements.map(({ cause, kop, debit, credit }) => [cause, kop, debit, credit])).toEqual([
      ['adjustment', 50, 'canteen:10', 'pupil:7:buffet'],
      ['adjustment', 100, 'pupil:7:buffet', 'adjustments:0'],
      ['move', 1_500, 'pupil:7:buffet', 'pupil:7:meal'],
      ['refund', 1_000, 'pupil:7:buffet', 'funding:0'],
      ['topup', 5_000, 'funding:0', 'pupil:7:buffet'],
    ]);
  });

  test('what is refused says why, and moves nothing', async () => {
    const before = await account(7);
    await refused('topup --pupil 7 --purse buffet --kop 5001 --key t', 'KEY_CONFLICT');
    await refused('refund --pupil 7 --purse buffet --kop 1001 --key r', 'KEY_CONFLICT');
    // Pupils 8 and 9 live in different shards: a key means one command in the region, not one in a shard.
    await json('topup --pupil 8 --purse services --kop 100 --key everywhere');
    await refused('topup --pupil 9 --purse services --kop 100 --key everywhere', 'KEY_CONFLICT');
    await refused('refund --pupil 9 --purse services --kop 1 --key everywhere', 'KEY_CONFLICT');
    expect(await json('topup --pupil 8 --purse services --kop 100 --key everywhere')).toMatchObject({ repeated: true });
    await refused('refund --pupil 7 --purse services --kop 1 --key x', 'FUNDS_INSUFFICIENT');
    await refused('refund --pupil 999 --purse meal --kop 1 --key x', 'PUPIL_UNKNOWN');
    await refused('move --pupil 7 --from meal --to meal --kop 1 --key x', 'PURSE_SAME');
    await refused('adjust --pupil 7 --purse meal --kop 1000000000 --reason x --key x', 'BALANCE_TOO_LARGE');
    await refused('adjust --pupil 7 --purse meal --kop 1 --reason x --key x --against canteen:12', 'SCHOOL_UNKNOWN');
    await refused('adjust --pupil 7 --purse meal --kop 1 --reason x --key x --against fund:1', 'BODY_INVALID', 2);
    await refused('adjust --pupil 7 --purse meal --kop 0 --reason x --key x', 'USAGE', 2);
    await refused('adjust --pupil 7 --purse meal --kop 5 --key x', 'USAGE', 2);
    await refused('refund --pupil 7 --purse sock --kop 5 --key x', 'USAGE', 2);
    await refused('reverse --tap 1:2', 'BODY_INVALID', 2);
    await refused('reverse --tap 1:1:4000000000', 'TAP_UNKNOWN');
    expect(await account(7)).toEqual(before);
  });

  test("a command is booked on the day of the pupil's school", async () => {
    expect((await account(7)).day).toBe('2026-09-01');
    expect((await account(farPupil)).day).toBe('2026-09-02');
    await json(`topup --pupil ${farPupil} --purse meal --kop 900 --key far`);
    await json(`refund --pupil ${farPupil} --purse meal --kop 100 --key far-back`);
    const dayOf = (date: string) => Date.parse(date) / 86_400_000;
    const days = (pupil: number) =>
      new Set(
        journaledTransfers()
          .filter((one) => one.pupilId === pupil)
          .map((one) => one.schoolDay),
      );
    expect(days(farPupil)).toEqual(new Set([dayOf('2026-09-02')]));
    expect(days(7)).toEqual(new Set([dayOf('2026-09-01')]));
  });

  test('many at once: whole files only, and each line by itself', async () => {
    const file = path.join(folder, 'topups.csv');
    writeFileSync(file, 'pupil_id,purse,kop,key\n7,buffet,5000,t\n8,buffet,700,c\n999,meal,100,d\n');
    expect(await json(`topup --file ${file}`, undefined, 1)).toMatchObject({ done: 1, repeated: 1, refused: 1 });
    writeFileSync(file, 'pupil_id,purse,kop,key\n8,buffet,700,e\n\n8,sock,1,f\n');
    const wrong = await run(`topup --file ${file}`);
    expect(wrong).toMatchObject({ status: 2, error: expect.stringMatching(/^TOPUPS_INVALID: .*line 4: /) as string });
    expect((await account(8)).purses_kop.buffet).toBe(700);
  });
});

describe('reversal', () => {
  test('takes back what a tap moved, once, and the day has that much again', async () => {
    await json('topup --pupil 9 --purse buffet --kop 5000 --key nine');
    const { id, code } = await tap(tillId, 9, 0, { amountKop: 1_200 });
    expect(code).toBe(Code.accepted);
    expect(await account(9)).toMatchObject({ purses_kop: { buffet: 3_800 }, spent_kop: { buffet: 1_200 } });
    const command = `reverse --tap ${id} --key back --reason wrong_child`;
    const first = await json<object>(command, 'reverse');
    expect(first).toMatchObject({ pupil: 9, purse: 'buffet', kop: 1_200, balance_kop: 5_000, tap: id });
    expect(await json(command, 'reverse')).toEqual({ ...first, repeated: true });
    await refused(`reverse --tap ${id}`, 'REVERSED_BEFORE');
    const { purses_kop: purses, spent_kop: spent, movements } = await account(9);
    expect([purses.buffet, spent.buffet]).toEqual([5_000, 0]);
    expect(movements[0]).toMatchObject({ cause: 'reversal', reverses: movements[1].transfer });
  });

  test('of a free meal frees the entitlement; a tap that moved nothing has nothing to give', async () => {
    const meal = await tap(tillId, entitledPupil, 0, { kind: 3, amountKop: 900 });
    expect(meal.code).toBe(Code.acceptedEntitled);
    expect(await account(entitledPupil)).toMatchObject({ entitlements_taken: [1], purses_kop: { meal: 0 } });
    expect(await json(`reverse --tap ${meal.id}`, 'reverse')).toMatchObject({ purse: null, kop: 900 });
    expect((await account(entitledPupil)).entitlements_taken).toEqual([]);
    const poor = await tap(tillId, entitledPupil, 30_000, { amountKop: 900 });
    expect(poor.code).toBe(Code.fundsInsufficient);
    await refused(`reverse --tap ${poor.id}`, 'NOTHING_MOVED');
  });
});

describe('limits', () => {
  test('of a purse and of an item: set, unset, and obeyed by the next tap', async () => {
    await json('topup --pupil 11 --purse buffet --kop 90000 --key eleven');
    expect((await account(11)).limits_kop).toEqual({
      meal: 'default',
      buffet: 'default',
      transport: 'default',
      services: 'default',
    });
    await json('limit --pupil 11 --purse buffet --kop 100', 'limit');
    await json('limit --pupil 11 --purse meal --kop none', 'limit');
    await json('limit --pupil 11 --item 77 --forbid', 'item');
    expect(await account(11)).toMatchObject({ limits_kop: { meal: null, buffet: 100 }, forbidden_items: [77] });
    expect((await tap(tillId, 11, 0, { amountKop: 101 })).code).toBe(Code.limitDaily);
    expect((await tap(tillId, 11, 20_000, { amountKop: 50, ref: 77 })).code).toBe(Code.itemForbidden);
    await json('limit --pupil 11 --purse buffet --kop default', 'limit');
    await json('limit --pupil 11 --item 77 --allow', 'item');
    expect((await tap(tillId, 11, 40_000, { amountKop: 101, ref: 77 })).code).toBe(Code.accepted);
    await refused('limit --pupil 999 --purse meal --kop 0', 'PUPIL_UNKNOWN');
    await refused('limit --pupil 999 --item 7 --allow', 'PUPIL_UNKNOWN');
    for (const half of [
      '--purse meal',
      '--item 7',
      '--kop 5',
      '--item 7 --kop 5',
      '--purse meal --kop 5 --forbid',
      '',
    ]) {
      await refused(`limit --pupil 11 ${half}`.trim(), 'USAGE', 2);
    }
    await refused('limit --pupil 11 --item 7 --forbid --allow', 'USAGE', 2);
  });
});

describe('who did what', () => {
  const token = async (role: string, school?: number): Promise<string> => {
    const scope = school === undefined ? '' : ` --school ${school}`;
    return (await json<{ token: string }>(`token issue --name ${role}-${school ?? ''} --role ${role}${scope}`)).token;
  };
  const ask = async (bearer: string, where: string, body?: object) => {
    const headers = { Authorization: `Bearer ${bearer}` };
    const init = body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) };
    const response = await fetch(service.url + where, { headers, ...init });
    const { error } = (await response.json()) as { error?: { code: string } };
    return error === undefined ? response.status : `${response.status} ${error.code}`;
  };
  const reverse = (bearer: string, id: string) => ask(bearer, '/admin/v1/reversals', { tap: id });

  test('an operator reverses and reads within its school; others as their role says', async () => {
    const [operator, cabinet, finance, viewer] = [
      await token('operator', 10),
      await token('cabinet'),
      await token('finance'),
      await token('viewer'),
    ];
    await json(`topup --pupil 12 --purse buffet --kop 5000 --key twelve`);
    const near = await tap(tillId, 12, 0, { amountKop: 100 });
    // A tap belongs to the school of its reader, whoever made it.
    const far = await tap(farTillId, 12, 30_000, { amountKop: 200 });
    expect(await reverse(operator, far.id)).toBe('403 SCOPE_FORBIDDEN');
    expect(await reverse(cabinet, near.id)).toBe('403 ROLE_FORBIDDEN');
    expect(await reverse(operator, near.id)).toBe(200);
    expect(await reverse(finance, far.id)).toBe(200);
    expect((await account(12)).purses_kop.buffet).toBe(5_000);
    expect(await ask(operator, '/admin/v1/account/12')).toBe(200);
    expect(await ask(operator, `/admin/v1/account/${farPupil}`)).toBe('403 SCOPE_FORBIDDEN');
    expect(await ask(operator, '/admin/v1/lockers?school=11')).toBe('403 SCOPE_FORBIDDEN');
    expect(await ask(viewer, '/admin/v1/account/12')).toBe('403 ROLE_FORBIDDEN');
    const refund = { pupil: 12, purse: 'buffet', kop: 1, key: 'by-role' };
    for (const bearer of [operator, cabinet, viewer]) {
      expect(await ask(bearer, '/admin/v1/refunds', refund)).toBe('403 ROLE_FORBIDDEN');
    }
    expect(await ask(finance, '/admin/v1/refunds', refund)).toBe(200);
    expect(await ask(cabinet, '/admin/v1/audit')).toBe('403 ROLE_FORBIDDEN');
  });

  test("an accountant of a school corrects against its own operators, not another school's", async () => {
    const accountant = await token('finance', 10);
    const adjust = (against: string, pupil = 12) =>
      ask(accountant, '/admin/v1/adjustments', {
        pupil,
        purse: 'meal',
        kop: 5,
        key: `own-${against}`,
        reason: 'x',
        against,
      });
    expect(await adjust('canteen:10')).toBe(200);
    expect(await adjust('canteen:11')).toBe('403 SCOPE_FORBIDDEN');
    expect(await adjust('canteen:10', farPupil)).toBe('403 SCOPE_FORBIDDEN');
  });

  test('the audit has who, what, why and how it went; reasons stand nowhere else', async () => {
    const { entries } = await json<{ entries: AuditEntry[] }>('audit --limit 1000', 'audit');
    const of = (command: string) => entries.filter((entry) => entry.command === command).reverse();
    expect(of('adjust')[0]).toMatchObject({ who: 'owner', role: 'admin', request: { reason: 'wrong till' }, ok: true });
    expect(
      of('reverse').filter(({ request }) => (request as { reason?: string }).reason === 'wrong child'),
    ).toHaveLength(2);
    expect(of('refund').at(-1)).toMatchObject({ who: 'finance-', role: 'finance', ok: true, outcome: { kop: 1 } });
    expect(of('refund').find(({ ok }) => ok === false)).toMatchObject({ outcome: { refusal: 'KEY_CONFLICT' } });
    const many = of('topup').find(({ request }) => (request as { topups?: number }).topups === 3);
    expect(many).toMatchObject({
      request: { sum_kop: 5_800 },
      outcome: { done: 1, repeated: 1, refused: 1 },
      ok: false,
    });
    expect(entries.every(({ ok }) => ok !== null)).toBe(true);
    const page = await json<{ entries: AuditEntry[] }>(`audit --limit 2 --before ${entries[3].audit}`, 'audit');
    expect(page.entries).toEqual(entries.slice(4, 6));
    const journal = Array.from({ length: shards }, (_, shard) => {
      const cursor = openJournalCursor(path.join(data, 'journal'), shard, 0);
      let text = '';
      for (let block = cursor.next(); block !== undefined; block = cursor.next()) {
        for (const { bytes } of block.sections) text += Buffer.from(bytes).toString('latin1');
      }
      cursor.close();
      return text;
    }).join('');
    expect(journal).toContain('far-back');
    for (const reason of ['wrong till', 'wrong child']) expect(journal + service.log).not.toContain(reason);
  });
});
