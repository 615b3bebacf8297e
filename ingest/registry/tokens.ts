import { createHash, randomBytes } from 'node:crypto';
import { check, checkId, refused, requireSchool } from './checks.ts';
import { readTitle } from './fields.ts';
import type { Role } from './roles.ts';
import type { AdminTokenRow } from './schema.ts';
import type { Registry, RegistryTransaction } from './store.ts';

export { roles, type Role } from './roles.ts';

/** Who asks. `schoolId` is the one school that the token is good for, or null for the whole region. */
export interface AdminIdentity {
  readonly name: string;
  readonly role: Role;
  readonly schoolId: number | null;
}

/** Times in ms since 1970. */
export interface TokenView extends AdminIdentity {
  readonly createdAt: number;
  readonly revokedAt: number | null;
}

const tokenBytes = 32;

/**
 * Makes a token of 64 hex digits and answers it: it cannot be read again, for its SHA-256 alone is stored (the token is
 * random, so that no slow hash is needed). Refused with TOKEN_NAME_TAKEN, also after a revocation, and SCHOOL_UNKNOWN.
 */
export async function issueToken(registry: Registry, identity: AdminIdentity, nowMs: number): Promise<string> {
  const name = check('--name', readTitle(identity.name));
  const { role, schoolId } = identity;
  if (schoolId !== null) checkId('--school', schoolId);
  const token = randomBytes(tokenBytes).toString('hex');
  const row = { name, role, school_id: schoolId, token_hash: hashOf(token), created_at: nowMs, revoked_at: null };
  await registry.transaction(async (transaction) => {
    if ((await findByName(transaction, name)) !== undefined) {
      const message = 'a token with this name was issued before, and names are not given twice';
      throw refused('TOKEN_NAME_TAKEN', message, 'Choose another --name');
    }
    if (schoolId !== null) await requireSchool(transaction, schoolId);
    await transaction.insertInto('admin_token').values(row).execute();
  });
  return token;
}

/** Makes a token useless, for good; for a revoked one, nothing. Refused with TOKEN_UNKNOWN. */
export async function revokeToken(registry: Registry, name: string, nowMs: number): Promise<TokenView> {
  return await registry.transaction(async (transaction) => {
    const row = await findByName(transaction, name);
    if (row === undefined) throw refused('TOKEN_UNKNOWN', 'there is no token with this name', 'See: token list');
    if (row.revoked_at !== null) return tokenView(row);
    await transaction.updateTable('admin_token').set({ revoked_at: nowMs }).where('name', '=', name).execute();
    return tokenView({ ...row, revoked_at: nowMs });
  });
}

/** All tokens ever issued, oldest first. */
export async function listTokens(registry: Registry): Promise<TokenView[]> {
  const rows = await registry.db.selectFrom('admin_token').selectAll().orderBy('created_at').orderBy('name').execute();
  return rows.map(tokenView);
}

/** Whose token this is; undefined for one that was never issued or is revoked. */
export async function findToken(registry: Registry, token: string): Promise<AdminIdentity | undefined> {
  // By its hash: how long the search takes says nothing of the tokens that there are.
  const row = await registry.db
    .selectFrom('admin_token')
    .selectAll()
    .where('token_hash', '=', hashOf(token))
    .where('revoked_at', 'is', null)
    .executeTakeFirst();
  return row && identityOf(row);
}

function hashOf(token: string): string {
  return createHash('sha256').update(token).digest('hex');
}

async function findByName(transaction: RegistryTransaction, name: string): Promise<AdminTokenRow | undefined> {
  return await transaction.selectFrom('admin_token').selectAll().where('name', '=', name).executeTakeFirst();
}

function identityOf({ name, role, school_id: schoolId }: AdminTokenRow): AdminIdentity {
  return { name, role, schoolId };
}

function tokenView(row: AdminTokenRow): TokenView {
  return { ...identityOf(row), createdAt: row.created_at, revokedAt: row.revoked_at };
}
