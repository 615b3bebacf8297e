import type { ContentfulStatusCode } from 'hono/utils/http-status';
import { z } from 'zod';
import { environmentError, OperatorError } from '../../../workers/errors.ts';
import { AnswerError } from '../answer/errors.ts';
import { busyRetryAfterS } from './limits.ts';

/** What every refused request is answered with. */
export const problemSchema = z.strictObject({
  error: z.strictObject({
    code: z.string().meta({ description: 'stable, in upper snake case' }),
    message: z.string(),
    remedy: z.string(),
  }),
});
export type Problem = z.infer<typeof problemSchema>;

/** An error with its status and headers. */
export class HttpError extends OperatorError {
  readonly status: ContentfulStatusCode;
  readonly headers: Readonly<Record<string, string>>;

  constructor(
    status: ContentfulStatusCode,
    [code, message, remedy]: readonly [code: string, message: string, remedy: string],
    headers: Readonly<Record<string, string>> = {},
  ) {
    super(code, message, remedy, 1);
    this.status = status;
    this.headers = headers;
  }
}

export interface ToldProblem {
  readonly status: ContentfulStatusCode;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Problem;
}

/** How an error is told; undefined for a defect of ours. */
export function problemOf(error: unknown): ToldProblem | undefined {
  const known = environmentError(error);
  if (known === undefined) return undefined;
  const { code, message, remedy } = known;
  const status = statusOf(known);
  const headers = known instanceof HttpError ? known.headers : {};
  const retry = status === 503 ? { 'Retry-After': String(busyRetryAfterS) } : {};
  return { status, headers: { ...retry, ...headers }, body: { error: { code, message, remedy } } };
}

function statusOf(error: OperatorError): ContentfulStatusCode {
  if (error instanceof HttpError || error instanceof AnswerError) return error.status;
  if (error.code === 'QUERY_TOO_LARGE') return 422;
  if (error.code === 'LOGIN_BUSY' || error.exitStatus === 3) return 503;
  return error.exitStatus === 2 ? 400 : 409;
}

export const internalProblem: Problem = {
  error: { code: 'INTERNAL', message: 'the service failed to answer', remedy: 'Its log says why.' },
};

export function notFound(remedy = 'See /api/v1/openapi.json.'): HttpError {
  return new HttpError(404, ['NOT_FOUND', 'nothing is here', remedy]);
}
