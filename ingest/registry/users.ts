import { createHash, randomBytes } from 'node:crypto';
import { check, refused, requireSchool } from './checks.ts';
import { Fault } from './fields.ts';
import { userNameCharactersMax } from './limits.ts';
import { checkPassword, hashPassword } from './passwords.ts';
import type { UserRole } from './roles.ts';
import type { UserRow } from './schema.ts';
import type { Registry, RegistryTransaction } from './store.ts';

export { userRoles, type UserRole } from './roles.ts';

/** Who somebody is and what it may see: of the scope those that its role asks for, the others null. */
export interface UserIdentity {
  readonly name: string;
  readonly role: UserRole;
  readonly districtId: number | null;
  readonly schoolId: number | null;
  readonly classId: number | null;
}

export interface UserView extends UserIdentity {
  readonly signsInWith: 'password' | 'token' | 'password and token';
  /** ms since 1970. */
  readonly createdAt: number;
}

type Scope = 'districtId' | 'schoolId' | 'classId';
const options: Record<Scope, string> = { districtId: '--district', schoolId: '--school', classId: '--class' };

/** What each role must be bound to, and what it may be. */
const scopes: Record<UserRole, { readonly must?: Scope; readonly may?: Scope }> = {
  admin: {},
  district: { must: 'districtId' },
  school: { must: 'schoolId' },
  class: { must: 'classId' },
  canteen: { must: 'schoolId' },
  operator: { may: 'schoolId' },
};

const tokenBytes = 32;

/** What is kept of that with which a user signs in. */
export type KeptSecret = Partial<Pick<UserRow, 'password_hash' | 'token_hash'>>;

/** BAD_PASSWORD is wrong use. */
export async function keptPassword(password: string): Promise<KeptSecret> {
  checkPassword(password);
  return { password_hash: await hashPassword(password) };
}

/** A new token of 64 hex digits, which cannot be read again from what is kept of it. */
export function newToken(): { readonly token: string; readonly kept: KeptSecret } {
  const token = randomBytes(tokenBytes).toString('hex');
  return { token, kept: { token_hash: secretHash(token) } };
}

/**
 * Makes a user, whole or not at all. Refused with USER_EXISTS, and DISTRICT_, SCHOOL_ or CLASS_UNKNOWN; BAD_SCOPE and BAD_NAME (wrong use)
 * where the scope does not fit the role. Without a secret the user signs in with nothing yet: see `setSecret`.
 */
export async function addUser(
  registry: Registry,
  identity: UserIdentity,
  nowMs: number,
  secret: KeptSecret = {},
): Promise<UserView> {
  const name = readUserName(identity.name);
  checkScope(identity);
  return await registry.transaction(async (transaction) => {
    const nameKey = nameKeyOf(name);
    if ((await findRow(transaction, nameKey)) !== undefined) {
      throw refused(
        'USER_EXISTS',
        'there is a user with this name',
        'Choose another --name, or remove that user first',
      );
    }
    const row: UserRow = {
      name_key: nameKey,
      name,
      role: identity.role,
      district_id: identity.districtId,
      ...(await schoolAndClass(transaction, identity)),
      password_hash: null,
      token_hash: null,
      ...secret,
      created_at: nowMs,
    };
    if (identity.districtId !== null) await requireDistrict(transaction, identity.districtId);
    await transaction.insertInto('dashboard_user').values(row).execute();
    return viewOf(row);
  });
}

/** Gives a user a password, and ends its sessions. Refused with USER_UNKNOWN; BAD_PASSWORD is wrong use. */
export async function setPassword(registry: Registry, name: string, password: string): Promise<UserView> {
  return await setSecret(registry, name, await keptPassword(password));
}

/** Gives a user a new token, and ends the old one and its sessions. Refused with USER_UNKNOWN. */
export async function setToken(registry: Registry, name: string): Promise<{ token: string; user: UserView }> {
  const { token, kept } = newToken();
  return { token, user: await setSecret(registry, name, kept) };
}

/** Ends a user, its sessions and its token. Refused with USER_UNKNOWN. */
export async function removeUser(registry: Registry, name: string): Promise<UserView> {
  return await registry.transaction(async (transaction) => {
    const row = await requireUser(transaction, name);
    await transaction.deleteFrom('dashboard_session').where('name_key', '=', row.name_key).execute();
    await transaction.deleteFrom('dashboard_user').where('name_key', '=', row.name_key).execute();
    return viewOf(row);
  });
}

/** All users by name, without their secrets. */
export async function listUsers(registry: Registry): Promise<UserView[]> {
  const rows = await registry.db.selectFrom('dashboard_user').selectAll().orderBy('name_key').execute();
  return rows.map(viewOf);
}

/** What is compared to find a user. */
export function nameKeyOf(name: string): string {
  return name.trim().normalize('NFKC').toLowerCase();
}

/** What is kept of a random secret: it needs no slow hash. */
export function secretHash(secret: string): string {
  return createHash('sha256').update(secret).digest('hex');
}

export function identityOf(row: UserRow): UserIdentity {
  const { name, role, district_id: districtId, school_id: schoolId, class_id: classId } = row;
  return { name, role, districtId, schoolId, classId };
}

function viewOf(row: UserRow): UserView {
  const ways = [row.password_hash === null ? [] : 'password', row.token_hash === null ? [] : 'token'].flat();
  const signsInWith = (ways.join(' and ') || 'password') as UserView['signsInWith'];
  return { ...identityOf(row), signsInWith, createdAt: row.created_at };
}

/** Whoever has the data directory's own token is called so in the audit. */
const ownersName = 'owner';

function readUserName(text: string): string {
  const name = text.trim().normalize('NFC');
  if (nameKeyOf(name) === ownersName) check('--name', new Fault('NAME', 'means whoever has admin.token'));
  const isGood = name !== '' && [...name].length <= userNameCharactersMax && !/[\p{C}\p{Zl}\p{Zp}]/u.test(name);
  return check(
    '--name',
    isGood ? name : new Fault('NAME', `must be 1 to ${userNameCharactersMax} printable characters`),
  );
}

function checkScope(identity: UserIdentity): void {
  const { must, may } = scopes[identity.role];
  for (const scope of Object.keys(options) as Scope[]) {
    const option = options[scope];
    const isGiven = identity[scope] !== null;
    if (scope === must && !isGiven) check(option, new Fault('SCOPE', `is needed for the role ${identity.role}`));
    if (isGiven && scope !== must && scope !== may) {
      check(option, new Fault('SCOPE', `does not go with the role ${identity.role}`));
    }
  }
}

async function schoolAndClass(transaction: RegistryTransaction, { schoolId, classId }: UserIdentity) {
  if (schoolId !== null) await requireSchool(transaction, schoolId);
  if (classId === null) return { school_id: schoolId, class_id: null };
  const query = transaction.selectFrom('class').select('school_id').where('class_id', '=', classId);
  const found = await query.executeTakeFirst();
  if (found === undefined)
    throw refused('CLASS_UNKNOWN', `there is no class ${classId}`, 'Import its classes.csv first');
  return { school_id: found.school_id, class_id: classId };
}

async function requireDistrict(transaction: RegistryTransaction, districtId: number): Promise<void> {
  const query = transaction.selectFrom('district').select('district_id').where('district_id', '=', districtId);
  if ((await query.executeTakeFirst()) !== undefined) return;
  throw refused('DISTRICT_UNKNOWN', `there is no district ${districtId}`, 'Import its districts.csv first');
}

/** Takes the place of the secret of its kind, and ends the user's sessions. Refused with USER_UNKNOWN. */
export async function setSecret(registry: Registry, name: string, secret: KeptSecret): Promise<UserView> {
  return await registry.transaction(async (transaction) => {
    const row = await requireUser(transaction, name);
    const nameKey = row.name_key;
    await transaction.updateTable('dashboard_user').set(secret).where('name_key', '=', nameKey).execute();
    await transaction.deleteFrom('dashboard_session').where('name_key', '=', nameKey).execute();
    return viewOf({ ...row, ...secret });
  });
}

async function requireUser(transaction: RegistryTransaction, name: string): Promise<UserRow> {
  const row = await findRow(transaction, nameKeyOf(name));
  if (row !== undefined) return row;
  throw refused('USER_UNKNOWN', 'there is no user with this name', 'See: user list');
}

async function findRow(transaction: RegistryTransaction, nameKey: string): Promise<UserRow | undefined> {
  return await transaction.selectFrom('dashboard_user').selectAll().where('name_key', '=', nameKey).executeTakeFirst();
}
