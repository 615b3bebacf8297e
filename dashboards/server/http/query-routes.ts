import type { Context, Hono } from 'hono';
import { z } from 'zod';
import { findQuery } from '../../../analytics/queries/catalogue.ts';
import { parameterInvalid } from '../answer/errors.ts';
import { formats, type Encoded } from '../formats/encode.ts';
import { languages } from '../types.ts';
import { Answers, bodyTag, type Look } from './answers.ts';
import { callerOf } from './caller.ts';
import { busyRetryAfterS, freshForS, parametersMax, questionsInFlightMax } from './limits.ts';
import type { HttpParts } from './parts.ts';
import { HttpError, notFound } from './problems.ts';

/** How an answer is to look, as it is said in the address. */
export const lookSchema = z.object({
  format: z.enum(formats).default('json'),
  lang: z.enum(languages).default('ru'),
  head: z.enum(['0', '1']).default('1'),
});

/** `GET /api/v1/query/{name}`. */
export function serveQueries(app: Hono, parts: HttpParts): void {
  const answers = new Answers(parts);
  let inFlight = 0;
  app.get('/api/v1/query/:name', async (context) => {
    const query = findQuery(context.req.param('name'));
    const began = performance.now();
    const told = (status: number) => parts.onAnswered(query?.name ?? 'unknown', status, performance.now() - began);
    context.set('told' as never, told as never);
    const caller = await callerOf(context, parts.people);
    if (query === undefined) throw notFound('See /api/v1/queries.');
    if (inFlight >= questionsInFlightMax) throw busy();
    inFlight += 1;
    try {
      const said = saidIn(context);
      const look = lookOf(said);
      const prepared = await parts.desk.prepare(query, caller, said);
      const tag = prepared.audit === undefined ? answers.tagOf(prepared, look) : undefined;
      if (tag !== undefined && isHeld(context, tag)) return unchanged(context, tag);
      const encoded = await answers.answer(prepared, look);
      if (prepared.audit !== undefined) return whole(context, encoded, look, undefined);
      const known = tag ?? bodyTag(encoded.body);
      return isHeld(context, known) ? unchanged(context, known) : whole(context, encoded, look, known);
    } finally {
      inFlight -= 1;
    }
  });
}

/** Parameters of the address, each said once. Throws PARAMETER_INVALID. */
export function saidIn(context: Context): Record<string, string> {
  const all = Object.entries(context.req.queries());
  if (all.length > parametersMax) throw parameterInvalid('parameters', `are more than ${parametersMax}`);
  for (const [, values] of all) {
    if (values.length > 1) throw parameterInvalid('a parameter', 'is said more than once');
  }
  return Object.fromEntries(all.map(([name, values]) => [name, values[0]]));
}

function lookOf(said: Readonly<Record<string, string>>): Look {
  const result = lookSchema.safeParse(said);
  if (!result.success) {
    const name = String(result.error.issues[0].path[0]) as keyof typeof lookSchema.shape;
    throw parameterInvalid(name, `is one of ${lookSchema.shape[name].unwrap().options.join(', ')}`);
  }
  const { format, lang, head } = result.data;
  return { format, language: lang, hasHead: head === '1' };
}

/** Pupils are kept by no cache; anything else for a moment by the browser that asked. */
function headersOf(tag: string | undefined): Record<string, string> {
  if (tag === undefined) return { 'Cache-Control': 'no-store' };
  return {
    'Cache-Control': `private, max-age=${freshForS}, must-revalidate`,
    ETag: `W/"${tag}"`,
    Vary: 'Cookie, Authorization',
  };
}

function unchanged(context: Context, tag: string): Response {
  return context.body(null, 304, headersOf(tag));
}

function whole(context: Context, { contentType, fileName, body }: Encoded, { format }: Look, tag: string | undefined) {
  const attachment = format === 'json' ? {} : { 'Content-Disposition': `attachment; filename="${fileName}"` };
  return context.body(body as Uint8Array<ArrayBuffer>, 200, {
    'Content-Type': contentType,
    'Content-Length': String(body.byteLength),
    ...attachment,
    ...headersOf(tag),
  });
}

function isHeld(context: Context, tag: string): boolean {
  const held = context.req.header('if-none-match');
  return held?.split(',').some((one) => one.trim().replace(/^W\//, '') === `"${tag}"`) === true;
}

function busy(): HttpError {
  const message = `${questionsInFlightMax} questions are being answered already`;
  const told = ['API_BUSY', message, 'Try again in a moment.'] as const;
  return new HttpError(503, told, { 'Retry-After': String(busyRetryAfterS) });
}
