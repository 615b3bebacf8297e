import type { Context, MiddlewareHandler } from 'hono';
import { secureHeaders } from 'hono/secure-headers';
import { HttpError } from './problems.ts';

/** Nothing but our own scripts, styles and answers; no frame around us; no referrer, no guessing of types. */
export function headersOfSafety(isSecure: boolean): MiddlewareHandler {
  return secureHeaders({
    contentSecurityPolicy: {
      defaultSrc: ["'self'"],
      baseUri: ["'none'"],
      formAction: ["'self'"],
      frameAncestors: ["'none'"],
      objectSrc: ["'none'"],
    },
    referrerPolicy: 'no-referrer',
    xFrameOptions: 'DENY',
    crossOriginResourcePolicy: 'same-origin',
    crossOriginOpenerPolicy: 'same-origin',
    strictTransportSecurity: isSecure ? 'max-age=31536000' : false,
    xXssProtection: false,
  });
}

const harmless = new Set(['GET', 'HEAD', 'OPTIONS']);

/**
 * What changes something must come from a page of ours: the browser says so itself. A bearer token is proof enough: no
 * browser adds one by itself, as it does with "Basic". Throws CSRF_REFUSED.
 */
export const sameOriginOnly: MiddlewareHandler = async (context, next) => {
  const hasToken = (bearerOf(context) ?? '') !== '';
  if (!harmless.has(context.req.method) && !hasToken && !isOfOurPage(context)) {
    throw new HttpError(403, [
      'CSRF_REFUSED',
      'the request does not come from a page of this server',
      'Sign in at its own page; a script sends "Authorization: Bearer TOKEN".',
    ]);
  }
  await next();
};

function isOfOurPage(context: Context): boolean {
  const site = context.req.header('sec-fetch-site');
  if (site !== undefined) return site === 'same-origin';
  const origin = context.req.header('origin');
  const host = context.req.header('host') ?? new URL(context.req.url).host;
  return origin !== undefined && URL.canParse(origin) && new URL(origin).host === host;
}

/** The token of `Authorization: Bearer`, `''` for another scheme, undefined where nothing is said. */
export function bearerOf(context: Context): string | undefined {
  const header = context.req.header('authorization');
  if (header === undefined) return undefined;
  return /^Bearer ([\w.~+/-]{1,200}=*)$/i.exec(header.trim())?.[1] ?? '';
}
