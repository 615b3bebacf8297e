import { Hono } from 'hono';
import { compress } from 'hono/compress';
import type { Context } from 'hono';
import { compressBytesMin } from './limits.ts';
import { serveLook } from './look-routes.ts';
import type { HttpParts } from './parts.ts';
import { HttpError, internalProblem, notFound, problemOf } from './problems.ts';
import { serveQueries } from './query-routes.ts';
import { serveReports } from './report-routes.ts';
import { headersOfSafety, sameOriginOnly } from './security.ts';
import { serveSessions } from './session-routes.ts';

/** Modules of routes; each further one is a line here. */
const modules = [serveLook, serveSessions, serveQueries, serveReports] as const;

/** The dashboards' API as one function from a request to its answer. */
export function createApp(parts: HttpParts): Hono {
  const app = new Hono();
  app.use(headersOfSafety(parts.isSecure));
  app.use(compress({ threshold: compressBytesMin, encoding: 'gzip' }));
  app.use(sameOriginOnly);
  app.use('/api/v1/query/:name', timed);
  for (const serve of modules) serve(app, parts);
  refuseOtherMethods(app);
  app.notFound((context) => refuse(context, notFound(), parts));
  app.onError((error, context) => refuse(context, error, parts));
  return app;
}

/** Tells how a question ended, whichever way it did. */
async function timed(context: Context, next: () => Promise<void>): Promise<void> {
  await next();
  const told = context.get('told' as never) as ((status: number) => void) | undefined;
  told?.(context.res.status);
}

function refuse(context: Context, error: unknown, parts: HttpParts): Response {
  const problem = problemOf(error);
  context.header('Cache-Control', 'no-store');
  if (problem === undefined) {
    parts.onError(error);
    return context.json(internalProblem, 500);
  }
  return context.json(problem.body, problem.status, problem.headers);
}

/** What a path does not do is told as such: 405, with what it does; OPTIONS answers the same. */
function refuseOtherMethods(app: Hono): void {
  const methods = new Map<string, Set<string>>();
  for (const { method, path } of app.routes) {
    if (method === 'ALL') continue;
    const known = methods.get(path) ?? new Set<string>();
    methods.set(path, known.add(method));
  }
  for (const [path, known] of methods) {
    const allow = [...known, ...(known.has('GET') ? ['HEAD'] : []), 'OPTIONS'].join(', ');
    app.all(path, (context) => {
      if (context.req.method === 'OPTIONS') return context.body(null, 204, { Allow: allow });
      const told = ['METHOD_NOT_ALLOWED', 'this path does not take this method', `It takes ${allow}.`] as const;
      throw new HttpError(405, told, { Allow: allow });
    });
  }
}
