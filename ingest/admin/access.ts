import { timingSafeEqual } from 'node:crypto';
import { OperatorError } from '../../workers/errors.ts';
import { type AdminIdentity, findToken } from '../registry/tokens.ts';
import type { Registry } from '../registry/store.ts';
import type { AnyInput, Desk, Route } from './route.ts';

/** Whoever may read the data directory's own token. */
export const owner: AdminIdentity = { name: 'owner', role: 'admin', schoolId: null };

/** Whose token it is. Throws ADMIN_TOKEN. */
export async function identify(token: string, ownerToken: Buffer, registry: Registry): Promise<AdminIdentity> {
  const given = /^[0-9a-f]{64}$/i.test(token) ? Buffer.from(token, 'hex') : Buffer.alloc(0);
  if (given.length === ownerToken.length && timingSafeEqual(given, ownerToken)) return owner;
  const identity = given.length === 0 ? undefined : await findToken(registry, token);
  if (identity !== undefined) return identity;
  const remedy =
    'Send "Authorization: Bearer TOKEN" with the token of the data directory, or one of "tapline token issue".';
  throw new OperatorError('ADMIN_TOKEN', 'the admin token is missing or wrong', remedy, 1);
}

/** Throws ROLE_FORBIDDEN. */
export function checkRole({ name, roles }: Route, { role }: AdminIdentity): void {
  if (role === 'admin' || roles.includes(role)) return;
  const allowed = ['admin', ...roles].join(', ');
  throw new OperatorError(
    'ROLE_FORBIDDEN',
    `${name} is not for the role ${role}`,
    `Ask somebody who is ${allowed}.`,
    1,
  );
}

/** Throws SCOPE_FORBIDDEN if the caller is bound to a school and the request concerns another, or the whole region. */
export async function checkSchool(route: Route, caller: AdminIdentity, input: AnyInput, desk: Desk): Promise<void> {
  const isBound = caller.schoolId !== null || caller.role === 'operator';
  if (!isBound) return;
  const schools = await route.schools?.(input, desk);
  if (schools?.every((schoolId) => schoolId === caller.schoolId) === true) return;
  const what = schools === undefined ? 'the whole region' : 'another school, or no pupil of this one';
  const whose = caller.schoolId === null ? 'no school' : `school ${caller.schoolId}`;
  throw new OperatorError(
    'SCOPE_FORBIDDEN',
    `this token is for ${whose}; this is about ${what}`,
    'Ask who has a token for it.',
    1,
  );
}
