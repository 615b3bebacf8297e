import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { sql } from 'kysely';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { listAudit } from '../registry/audit.ts';
import { findUserByToken, signIn } from '../registry/sessions.ts';
import { openRegistry, type Registry } from '../registry/store.ts';
import { removeFolder, tapline, temporaryFolder, writeRegion } from '../running-service.suite.ts';

const folder = temporaryFolder();
const data = path.join(folder, 'data');
const user = (...parameters: string[]) => tapline(['user', ...parameters, '--data', data]);
let registry: Registry;
const canSignIn = async (name: string, password: string) =>
  (await signIn({ reader: registry, writer: registry }, { name, password }, Date.now())) !== undefined;

beforeAll(async () => {
  writeRegion(folder);
  expect((await tapline(['import', folder, '--data', data])).status).toBe(0);
  registry = await openRegistry(data);
  // A command that is killed between two transactions would leave a user that cannot sign in.
  await sql`CREATE TRIGGER no_half_user BEFORE INSERT ON dashboard_user
    WHEN NEW.password_hash IS NULL AND NEW.token_hash IS NULL
    BEGIN SELECT RAISE(ABORT, 'half a user'); END`.execute(registry.db);
}, 60_000);
afterAll(async () => {
  await registry.close();
  removeFolder(folder);
});

test('a user is added, gets passwords and tokens, and is removed; no secret is kept', async () => {
  const made = await user('add', '--name', 'Иванова А.', '--role', 'class', '--class', '100', '--json');
  const { password, ...view } = JSON.parse(made.out) as { password: string };
  expect(view).toMatchObject({ name: 'Иванова А.', role: 'class', school_id: 10, class_id: 100, district_id: null });
  expect(await canSignIn(' иванова а. ', password)).toBe(true);
  expect(await canSignIn('Иванова А.', `${password} `)).toBe(false);
  const file = path.join(folder, 'password');
  writeFileSync(file, 'нечто длинное\nsecond line\n');
  expect((await user('password', '--name', 'иванова А.', '--password-file', file)).out).not.toContain('нечто');
  expect(await registry.db.selectFrom('dashboard_session').selectAll().execute()).toEqual([]);
  expect([await canSignIn('Иванова А.', password), await canSignIn('Иванова А.', 'нечто длинное')]).toEqual([
    false,
    true,
  ]);
  const token = (await user('password', '--name', 'Иванова А.', '--token')).out.trim();
  expect(token).toMatch(/^[0-9a-f]{64}$/);
  expect(await findUserByToken(registry, token)).toMatchObject({ name: 'Иванова А.' });
  const kept = JSON.stringify([
    await listAudit(registry, { limit: 100 }),
    await registry.db.selectFrom('dashboard_user').selectAll().execute(),
  ]);
  for (const secret of [password, 'нечто длинное', token]) expect(kept).not.toContain(secret);
  expect((await user('list')).out).toContain('Иванова А.\tclass\tclass 100\tpassword and token');
  expect((await user('remove', '--name', 'Иванова А.')).status).toBe(0);
  expect(await findUserByToken(registry, token)).toBeUndefined();
  expect((await user('list', '--json')).out.trim()).toBe('[]');
}, 60_000);

test('what does not fit is refused, and changes nothing', async () => {
  const short = path.join(folder, 'short');
  writeFileSync(short, 'neun neun\n');
  const wrong: [string, number, string[]][] = [
    ['BAD_SCOPE', 2, ['add', '--name', 'a', '--role', 'district']],
    ['BAD_SCOPE', 2, ['add', '--name', 'a', '--role', 'school', '--school', '10', '--class', '100']],
    ['BAD_SCOPE', 2, ['add', '--name', 'a', '--role', 'admin', '--school', '10']],
    ['BAD_NAME', 2, ['add', '--name', ' ', '--role', 'admin']],
    ['BAD_NAME', 2, ['add', '--name', 'x'.repeat(101), '--role', 'admin']],
    // In the audit nobody is taken for whoever has admin.token.
    ['BAD_NAME', 2, ['add', '--name', 'Ｏwner ', '--role', 'admin']],
    ['BAD_PASSWORD', 2, ['add', '--name', 'a', '--role', 'admin', '--password-file', short]],
    ['USAGE', 2, ['add', '--name', 'a', '--role', 'admin', '--password-file', short, '--token']],
    ['DISTRICT_UNKNOWN', 1, ['add', '--name', 'a', '--role', 'district', '--district', '9']],
    ['SCHOOL_UNKNOWN', 1, ['add', '--name', 'a', '--role', 'canteen', '--school', '9']],
    ['CLASS_UNKNOWN', 1, ['add', '--name', 'a', '--role', 'class', '--class', '9']],
    ['USER_UNKNOWN', 1, ['remove', '--name', 'a']],
    ['USER_UNKNOWN', 1, ['password', '--name', 'a']],
  ];
  for (const [code, status, parameters] of wrong) {
    const result = await user(...parameters);
    expect([result.error.split(':')[0], result.status], parameters.join(' ')).toEqual([code, status]);
  }
  expect((await user('list', '--json')).out.trim()).toBe('[]');
}, 90_000);
