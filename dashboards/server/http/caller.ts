import type { Context } from 'hono';
import { getCookie } from 'hono/cookie';
import type { Caller } from '../types.ts';
import type { People } from './parts.ts';
import { HttpError } from './problems.ts';
import { bearerOf } from './security.ts';

export const sessionCookie = 'tapline_session';

/** Who asks: by the token if one is sent, else by the session. Throws LOGIN_REQUIRED. */
export async function callerOf(context: Context, people: People): Promise<Caller> {
  const token = bearerOf(context);
  const session = sessionOf(context);
  const caller =
    token !== undefined
      ? await people.byToken(token)
      : session === undefined
        ? undefined
        : await people.bySession(session);
  if (caller !== undefined) return caller;
  const remedy = 'Sign in with POST /api/v1/login, or send "Authorization: Bearer TOKEN".';
  throw new HttpError(401, ['LOGIN_REQUIRED', 'nobody is signed in', remedy], { 'WWW-Authenticate': 'Bearer' });
}

export function sessionOf(context: Context): string | undefined {
  const secret = getCookie(context, sessionCookie);
  return secret !== undefined && /^[\w-]{43}$/.test(secret) ? secret : undefined;
}
