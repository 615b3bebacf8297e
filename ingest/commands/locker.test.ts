import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Account } from '../admin/routes-account.ts';
import type { AuditEntry } from '../admin/routes-audit.ts';
import type { LockerResult, Reservation } from '../admin/routes-locker.ts';
import { uidOf } from '../gateway/running-gateway.suite.ts';
import { TestReader } from '../gateway/test-reader.suite.ts';
import { Code } from '../protocol/codes.ts';
import { encodeTaps } from '../protocol/encode.ts';
import { removeFolder, RunningService, temporaryFolder } from '../running-service.suite.ts';
import { commandsOn, farPupil, hexOf, writeTwoSchools } from './commands.suite.ts';

const folder = temporaryFolder();
const data = path.join(folder, 'data');
const { run, json, refused } = commandsOn(data);
let service: RunningService;

/** What must hold when a command has ended needs no second look, so that nothing here waits. */
const audit = async () => (await json<{ entries: AuditEntry[] }>('audit --limit 1000', 'audit')).entries;

beforeAll(async () => {
  expect(await run(`import ${writeTwoSchools(folder)}`)).toMatchObject({ status: 0 });
});
afterAll(async () => {
  expect(await service?.end()).toBe(0);
  removeFolder(folder);
});

describe('cards and pupils', () => {
  const card = hexOf(1);

  test('without a service: on the registry, audited', async () => {
    expect(await json(`card block --uid ${card}`, 'card-block')).toMatchObject({ uid: card, status: 'blocked' });
    await refused(`card issue --uid ${hexOf(900)} --pupil 2`, 'CARD_SECOND');
    expect(await json('pupil set --pupil 3 --active no', 'pupil-set')).toMatchObject({ pupil_id: 3, active: false });
    await refused('pupil set --pupil 3', 'USAGE', 2);
    await refused('audit', 'SERVICE_DOWN', 3);
    const noEngine = ['--clickhouse-url', 'http://127.0.0.1:1'];
    service = await RunningService.start(data, ['--shards', '2', ...noEngine]);
    const deeds = (await audit()).map(({ command, ok, who }) => [command, ok, who]).reverse();
    // The refused ones were asked for twice, as text and as JSON.
    expect(deeds).toEqual([
      ['import', true, 'owner'],
      ['card-block', true, 'owner'],
      ['card-issue', false, 'owner'],
      ['card-issue', false, 'owner'],
      ['pupil-set', true, 'owner'],
    ]);
  });

  test('with a service: in force when the command ends', async () => {
    const { reader } = await TestReader.welcome(service.stream, 1);
    let seq = 0;
    const codeOf = async (pupil: number) => {
      const taps = [{ uid: uidOf(pupil), kind: 1, deltaMs: (seq += 1) * 60_000 }];
      reader.send(encodeTaps({ firstSeq: seq, baseMs: Date.now() - 3_600_000, taps }));
      return (await reader.expect('ack')).codes[0];
    };
    expect([await codeOf(1), await codeOf(3)]).toEqual([Code.cardBlocked, Code.holderInactive]);
    await json(`card unblock --uid ${card}`, 'card-unblock');
    expect(await codeOf(1)).toBe(Code.accepted);
    const { replaced, issued } = await json<{ replaced: object; issued: object }>(
      `card replace --uid ${card} --new-uid ${hexOf(901)}`,
      'card-replace',
    );
    expect([replaced, issued]).toEqual([
      expect.objectContaining({ status: 'replaced' }),
      expect.objectContaining({ uid: hexOf(901), pupil_id: 1 }),
    ]);
    expect([await codeOf(1), await codeOf(901)]).toEqual([Code.cardUnknown, Code.accepted]);
    await json('pupil set --pupil 3 --active yes', 'pupil-set');
    expect(await codeOf(3)).toBe(Code.accepted);
    await json('card issue --uid 0A0B0C0D --pupil 41 --expires 2030-01-01', 'card-issue');
    await refused(`card block --uid ${hexOf(902)}`, 'CARD_UNKNOWN');
    await refused('card block --uid xyz', 'BAD_UID', 2);
    await reader.close();
  });
});

describe('lockers', () => {
  const term = '--from 2026-09-01T08:00+03:00 --to 2026-12-25T18:00+03:00';
  const winter = '--from 2026-12-25T18:00:00+03:00 --to 2027-05-25T18:00:00+03:00';
  const list = async () =>
    (await json<{ reservations: Reservation[] }>('locker list --school 10', 'locker-list')).reservations;

  test('one pupil at a time, whatever shards the pupils are in; renewed, cancelled, listed', async () => {
    expect(await json(`locker reserve --pupil 4 --locker 7 ${term}`)).toMatchObject({ ok: true, repeated: false });
    expect(await json(`locker reserve --pupil 4 --locker 7 ${term}`)).toMatchObject({ ok: true, repeated: true });
    for (const pupil of [5, 6]) {
      const inside = '--from 2026-10-01T00:00Z --to 2026-10-02T00:00Z';
      const taken = await run(`locker reserve --pupil ${pupil} --locker 7 ${inside}`);
      expect(taken).toMatchObject({ status: 1, out: '' });
      expect(taken.error).toMatch(/^LOCKER_TAKEN: .*from 2026-09-01T05:00:00.000Z to 2026-12-25T15:00:00.000Z/);
      expect(taken.error).not.toMatch(/pupil/);
    }
    expect(await json(`locker reserve --pupil 5 --locker 7 ${winter}`)).toMatchObject({ ok: true });
    // Another school has a locker 7 of its own.
    expect(await json(`locker reserve --pupil ${farPupil} --locker 7 ${term}`)).toMatchObject({ ok: true, school: 11 });
    expect((await list()).map(({ pupil, locker, from }) => [pupil, locker, from])).toEqual([
      [4, 7, '2026-09-01T05:00:00.000Z'],
      [5, 7, '2026-12-25T15:00:00.000Z'],
    ]);
    const cancel = 'locker cancel --pupil 4 --locker 7 --from 2026-09-01T08:00:00+03:00';
    expect(await json(cancel, 'locker-cancel')).toEqual({ ok: true, repeated: false });
    expect(await json(cancel, 'locker-cancel')).toEqual({ ok: true, repeated: true });
    expect(await list()).toHaveLength(1);
    const { reservations } = await json<Account>('account --pupil 5', 'account');
    expect(reservations).toMatchObject([{ school: 10, locker: 7, to: '2027-05-25T15:00:00.000Z' }]);
  });

  test('refusals and wrong use', async () => {
    await refused(
      'locker reserve --pupil 4 --locker 8 --from 2026-09-01T08:00Z --to 2026-09-01T08:00Z',
      'RESERVATION_INVALID',
    );
    await refused(`locker reserve --pupil 4 --school 12 --locker 8 ${term}`, 'SCHOOL_UNKNOWN');
    await refused(`locker reserve --pupil 999 --locker 8 ${term}`, 'PUPIL_UNKNOWN');
    await refused('locker reserve --pupil 4 --locker 8', 'USAGE', 2);
    await refused('locker reserve --pupil 4 --locker 8 --from yesterday --to 2026-09-01T08:00Z', 'BODY_INVALID', 2);
    await refused(
      'locker reserve --pupil 4 --locker 8 --from 2026-09-01T08:00 --to 2026-09-01T09:00',
      'BODY_INVALID',
      2,
    );
    await refused('locker list', 'USAGE', 2);
  });

  test('two that ask at once for one locker: one of them gets it', async () => {
    const pupils = [10, 11, 12, 13, 14, 15];
    const authorization = {
      Authorization: `Bearer ${(await json<{ token: string }>('token issue --name c --role cabinet')).token}`,
    };
    const ask = async (pupil: number) => {
      const reservations = [{ pupil, locker: 9, from: '2026-09-01T00:00Z', to: '2026-09-02T00:00Z' }];
      const init = { method: 'POST', headers: authorization, body: JSON.stringify({ reservations }) };
      const response = await fetch(`${service.url}/admin/v1/lockers/reservations`, init);
      return ((await response.json()) as { results: LockerResult[] }).results[0].refusal;
    };
    const refusals = await Promise.all(pupils.map(ask));
    expect(refusals.filter((refusal) => refusal === null)).toHaveLength(1);
    expect(refusals.filter((refusal) => refusal === 'LOCKER_TAKEN')).toHaveLength(pupils.length - 1);
  });

  test('many from a file: each by itself, a wrong line none', async () => {
    const file = path.join(folder, 'lockers.csv');
    const header = 'pupil_id,school_id,locker,from,to';
    const [from, to] = ['2026-09-01T08:00:00+03:00', '2027-05-25T18:00:00+03:00'];
    const lines = Array.from({ length: 30 }, (_, place) => `${place + 1},10,${100 + place},${from},${to}`);
    writeFileSync(file, [header, ...lines, `31,10,100,${from},${to}`, ''].join('\n'));
    const first = await json<{ refusals: object[] }>(`locker reserve --file ${file}`, undefined, 1);
    expect(first).toMatchObject({ done: 30, repeated: 0, refused: 1 });
    expect(first.refusals).toMatchObject([{ pupil: 31, locker: 100, refusal: 'LOCKER_TAKEN' }]);
    expect(await json(`locker reserve --file ${file}`, undefined, 1)).toMatchObject({
      done: 0,
      repeated: 30,
      refused: 1,
    });
    writeFileSync(file, [header, `1,10,200,${from},${to}`, `2,10,201,${from},2027-05-25`, ''].join('\n'));
    expect(await run(`locker reserve --file ${file}`)).toMatchObject({
      status: 2,
      error: expect.stringMatching(/^LOCKERS_INVALID: .*line 3: /) as string,
    });
    expect((await list()).filter(({ locker }) => locker >= 200)).toEqual([]);
    const many = (await audit()).filter(({ command, ok }) => command === 'locker-reserve' && ok === false);
    expect(many[0]).toMatchObject({ request: { reservations: 31 }, outcome: { done: 30, refused: 1 } });
  });
});
