import { getConnInfo } from '@hono/node-server/conninfo';
import type { Context, Hono } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import { deleteCookie, setCookie } from 'hono/cookie';
import { z } from 'zod';
import type { Caller } from '../types.ts';
import { callerOf, sessionCookie, sessionOf } from './caller.ts';
import { bodyBytesMax } from './limits.ts';
import { LoginLimits } from './login-limits.ts';
import type { HttpParts } from './parts.ts';
import { HttpError } from './problems.ts';

export const loginSchema = z.strictObject({ user: z.string().min(1).max(200), password: z.string().min(1).max(1_000) });

export const meSchema = z.strictObject({
  name: z.string(),
  role: z.string(),
  district: z.int().nullable(),
  school: z.int().nullable(),
  class: z.int().nullable(),
});

/** Signing in and out, and who one is. */
export function serveSessions(app: Hono, { people, isSecure }: HttpParts): void {
  const limits = new LoginLimits();
  const small = bodyLimit({
    maxSize: bodyBytesMax,
    onError: () => {
      const told = ['BODY_TOO_LARGE', `a body has at most ${bodyBytesMax} bytes`, 'Send less.'] as const;
      throw new HttpError(413, told);
    },
  });
  app.post('/api/v1/login', small, async (context) => {
    const { user, password } = await bodyOf(context);
    const who = { name: user.trim().normalize('NFKC').toLowerCase(), address: addressOf(context) };
    const session = await limits.attempt(who, () => people.signIn(user, password));
    if (session === undefined) {
      throw new HttpError(401, ['LOGIN_WRONG', 'the user or the password is wrong', 'Try again.']);
    }
    // It ends on the server: the browser keeps it for as long as it likes.
    setCookie(context, sessionCookie, session.secret, cookieOf(isSecure));
    context.header('Cache-Control', 'no-store');
    return context.json(describe(session.caller));
  });
  app.post('/api/v1/logout', small, async (context) => {
    const session = sessionOf(context);
    if (session !== undefined) await people.signOut(session);
    deleteCookie(context, sessionCookie, cookieOf(isSecure));
    context.header('Clear-Site-Data', '"cache"');
    return context.json({ signed_out: true });
  });
  app.get('/api/v1/me', async (context) => {
    const caller = await callerOf(context, people);
    context.header('Cache-Control', 'no-store');
    return context.json(describe(caller));
  });
}

function cookieOf(isSecure: boolean) {
  return { httpOnly: true, sameSite: 'Strict', path: '/', secure: isSecure } as const;
}

function describe({ name, role, districtId, schoolId, classId }: Caller): z.infer<typeof meSchema> {
  return { name, role, district: districtId, school: schoolId, class: classId };
}

async function bodyOf(context: Context): Promise<z.infer<typeof loginSchema>> {
  const body: unknown = await context.req.json().catch(() => undefined);
  const result = loginSchema.safeParse(body);
  if (result.success) return result.data;
  throw new HttpError(400, ['BODY_INVALID', 'the body is no JSON object with "user" and "password"', 'Send both.']);
}

function addressOf(context: Context): string {
  try {
    return getConnInfo(context).remote.address ?? '';
  } catch {
    // Asked without a socket, by a test.
    return '';
  }
}
