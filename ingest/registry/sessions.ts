import { randomBytes } from 'node:crypto';
import { sessionIdleMs, sessionLifeMs, sessionSeenStepMs, sessionsPerUserMax } from './limits.ts';
import { isPassword } from './passwords.ts';
import type { Registry } from './store.ts';
import { identityOf, nameKeyOf, secretHash, type UserIdentity } from './users.ts';

const sessionBytes = 32;

/** A session that has just begun; its secret is for the browser, and not kept here. */
export interface NewSession {
  readonly secret: string;
  readonly user: UserIdentity;
}

/**
 * Signs somebody in; undefined for a wrong password, a user that is not there, and one without a password, all after about
 * the same time. Reads from one connection and writes to the other, so that reading never waits. Throws LOGIN_BUSY.
 */
export async function signIn(
  { reader, writer }: { readonly reader: Registry; readonly writer: Registry },
  { name, password }: { readonly name: string; readonly password: string },
  nowMs: number,
): Promise<NewSession | undefined> {
  const nameKey = nameKeyOf(name);
  const find = (db: Registry['db']) => db.selectFrom('dashboard_user').selectAll().where('name_key', '=', nameKey);
  const row = await find(reader.db).executeTakeFirst();
  if (!(await isPassword(password, row?.password_hash ?? null)) || row === undefined) return undefined;
  const secret = randomBytes(sessionBytes).toString('base64url');
  const session = { token_hash: secretHash(secret), name_key: nameKey, created_at: nowMs, seen_at: nowMs };
  return await writer.transaction(async (transaction) => {
    // It may have been removed, or have got another password, while this one was compared.
    const now = await find(transaction).executeTakeFirst();
    if (now?.password_hash !== row.password_hash) return undefined;
    await transaction
      .deleteFrom('dashboard_session')
      .where((where) =>
        where.or([where('created_at', '<', nowMs - sessionLifeMs), where('seen_at', '<', nowMs - sessionIdleMs)]),
      )
      .execute();
    const newest = transaction
      .selectFrom('dashboard_session')
      .select('token_hash')
      .where('name_key', '=', nameKey)
      .orderBy('seen_at', 'desc')
      .limit(sessionsPerUserMax - 1);
    await transaction
      .deleteFrom('dashboard_session')
      .where('name_key', '=', nameKey)
      .where('token_hash', 'not in', newest)
      .execute();
    await transaction.insertInto('dashboard_session').values(session).execute();
    return { secret, user: identityOf(now) };
  });
}

/** Whose session it is, and whether `touchSession` is due; undefined for one that ended or never was. */
export async function findSession(
  registry: Registry,
  secret: string,
  nowMs: number,
): Promise<{ readonly user: UserIdentity; readonly isTouchDue: boolean } | undefined> {
  const row = await registry.db
    .selectFrom('dashboard_session')
    .innerJoin('dashboard_user', 'dashboard_user.name_key', 'dashboard_session.name_key')
    .selectAll('dashboard_user')
    .select(['dashboard_session.created_at as begun_at', 'dashboard_session.seen_at'])
    .where('dashboard_session.token_hash', '=', secretHash(secret))
    .executeTakeFirst();
  if (row === undefined) return undefined;
  const { begun_at: begunAt, seen_at: seenAt } = row;
  if (nowMs - begunAt > sessionLifeMs || nowMs - seenAt > sessionIdleMs) return undefined;
  return { user: identityOf(row), isTouchDue: nowMs - seenAt >= sessionSeenStepMs };
}

/** Notes that a session was used. */
export async function touchSession(registry: Registry, secret: string, nowMs: number): Promise<void> {
  await registry.transaction(async (transaction) => {
    await transaction
      .updateTable('dashboard_session')
      .set({ seen_at: nowMs })
      .where('token_hash', '=', secretHash(secret))
      .execute();
  });
}

export async function endSession(registry: Registry, secret: string): Promise<void> {
  await registry.transaction(async (transaction) => {
    await transaction.deleteFrom('dashboard_session').where('token_hash', '=', secretHash(secret)).execute();
  });
}

/** Whose token it is; undefined for one that was never given or was taken back. */
export async function findUserByToken(registry: Registry, token: string): Promise<UserIdentity | undefined> {
  const row = await registry.db
    .selectFrom('dashboard_user')
    .selectAll()
    .where('token_hash', '=', secretHash(token))
    .executeTakeFirst();
  return row && identityOf(row);
}
