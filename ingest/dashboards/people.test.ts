import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { DataDirectory } from '../data-directory.ts';
import { listAudit } from '../registry/audit.ts';
import { sessionIdleMs, sessionLifeMs, sessionsPerUserMax } from '../registry/limits.ts';
import { openRegistry, type Registry } from '../registry/store.ts';
import { addUser, keptPassword } from '../registry/users.ts';
import { removeFolder, temporaryFolder } from '../running-service.suite.ts';
import { listLookMs } from './limits.ts';
import { auditOf, peopleOf } from './people.ts';

const folder = temporaryFolder();
const slowMs = 20_000;
const password = 'correct horse battery';
const beginMs = Date.UTC(2026, 8, 1, 6);
const ada = { name: 'Ada', role: 'admin', districtId: null, schoolId: null, classId: null } as const;
let registry: Registry;

beforeAll(async () => {
  registry = await openRegistry(DataDirectory.open(folder).path);
  await addUser(registry, ada, beginMs, await keptPassword(password));
});
afterAll(async () => {
  await registry.close();
  removeFolder(folder);
});
afterEach(() => vi.useRealTimers());

/** The machine's clock stands where it is set. */
function moveTo(ms: number): void {
  vi.useFakeTimers({ toFake: ['Date'], now: ms });
}

describe('sessions', () => {
  const errors: unknown[] = [];
  const open = () =>
    peopleOf({ reader: registry, writer: registry, ownerToken: Buffer.alloc(32), onError: (one) => errors.push(one) });
  const people = { signIn: () => open().signIn(' ADA ', password), is: (secret: string) => open().bySession(secret) };

  it('end when they were not used for twelve hours, and not while they are', async () => {
    moveTo(beginMs);
    const { secret } = (await people.signIn())!;
    moveTo(beginMs + sessionIdleMs);
    expect(await people.is(secret)).toMatchObject({ name: 'Ada' });
    // The use is noted behind the answer.
    await vi.waitFor(async () => {
      const row = await registry.db.selectFrom('dashboard_session').select('seen_at').executeTakeFirstOrThrow();
      expect(row.seen_at).toBe(beginMs + sessionIdleMs);
    }, slowMs);
    moveTo(beginMs + 2 * sessionIdleMs);
    expect(await people.is(secret)).toMatchObject({ name: 'Ada' });
    moveTo(beginMs + 3 * sessionIdleMs + 1);
    expect(await people.is(secret)).toBeUndefined();
    expect(errors).toEqual([]);
  });

  it('end after seven days, however much they are used', async () => {
    moveTo(beginMs);
    const { secret } = (await people.signIn())!;
    for (let atMs = beginMs; atMs <= beginMs + sessionLifeMs; atMs += sessionIdleMs / 2) {
      moveTo(atMs);
      expect(await people.is(secret), new Date(atMs).toISOString()).toBeDefined();
      const isNoted = async () => {
        const rows = await registry.db.selectFrom('dashboard_session').select('seen_at').execute();
        return rows.some(({ seen_at }) => seen_at === atMs);
      };
      await vi.waitFor(async () => expect(await isNoted()).toBe(true), slowMs);
    }
    moveTo(beginMs + sessionLifeMs + 1);
    expect(await people.is(secret)).toBeUndefined();
  });

  it('are so many of one user: a further one ends that which was not used longest', async () => {
    const laterMs = beginMs + 30 * sessionLifeMs;
    moveTo(laterMs);
    const old = Array.from({ length: sessionsPerUserMax }, (_, index) => {
      return { token_hash: `kept ${index}`, name_key: 'ada', created_at: laterMs, seen_at: laterMs - index };
    });
    await registry.db.insertInto('dashboard_session').values(old).execute();
    const { secret } = (await people.signIn())!;
    const rows = await registry.db.selectFrom('dashboard_session').select('token_hash').execute();
    expect(rows).toHaveLength(sessionsPerUserMax);
    expect(rows).not.toContainEqual({ token_hash: old.at(-1)!.token_hash });
    expect(await people.is(secret)).toBeDefined();
  });
});

describe('the audit of looks', () => {
  const list = { query: 'not_arrived', pupilId: null, reason: null, parameters: { day: '2026-09-01', school: 10 } };
  const other = { ...ada, name: 'Bob', role: 'school', schoolId: 10 } as const;
  const one = { query: 'pupil_days', pupilId: 1, reason: 'a call', parameters: { pupil: 1 } };

  it('has a list once in ten minutes for each person, and one pupil each time', async () => {
    moveTo(beginMs);
    const audited = auditOf(registry, () => beginMs, fail);
    const entries = async () => (await listAudit(registry, { limit: 1_000 })).length;
    let before = await entries();
    const look = async (caller: Parameters<typeof audited>[0], view: Parameters<typeof audited>[1]) => {
      expect(await audited(caller, view, () => Promise.resolve('shown'))).toBe('shown');
      const now = await entries();
      const more = now - before;
      before = now;
      return more;
    };
    expect([await look(ada, list), await look(ada, list), await look(ada, { ...list, query: 'no_exit' })]).toEqual([
      1, 0, 1,
    ]);
    expect([await look(other, list), await look(other, { ...list, parameters: { day: '2026-09-02' } })]).toEqual([
      1, 1,
    ]);
    expect([await look(ada, one), await look(ada, one)]).toEqual([1, 1]);
    moveTo(beginMs + listLookMs - 1_000);
    expect(await look(ada, list)).toBe(0);
    // From the entry on, however often it was asked for in between.
    moveTo(beginMs + listLookMs + 1_000);
    expect([await look(ada, list), await look(ada, list)]).toEqual([1, 0]);
  });

  it('lets nothing be shown that it could not keep, nor counts it as kept', async () => {
    const audited = auditOf(registry, () => beginMs, fail);
    const view = { ...list, parameters: { day: '2026-09-03' } };
    await expect(audited(ada, view, () => Promise.reject(new Error('ClickHouse is away')))).rejects.toThrow('away');
    const before = await listAudit(registry, { limit: 1_000 });
    await audited(ada, view, () => Promise.resolve());
    expect(await listAudit(registry, { limit: 1_000 })).toHaveLength(before.length + 1);
  });
});

function fail(error: unknown): void {
  throw error;
}
