import { ClickHouseError } from '@clickhouse/client';
import type { z } from 'zod';
import { errorLine } from '../../../analytics/clickhouse/client.ts';
import { OperatorError } from '../../../workers/errors.ts';

/** Why a question is not answered: an OperatorError with its HTTP status. */
export class AnswerError extends OperatorError {
  readonly status: 400 | 403 | 404;

  constructor(status: 400 | 403 | 404, code: string, message: string, remedy: string) {
    super(code, message, remedy, status === 400 ? 2 : 1);
    this.status = status;
  }
}

/** The one answer for what is another's and for what does not exist: nothing in it depends on which of the two it is. */
export function scopeForbidden(): AnswerError {
  return new AnswerError(403, 'SCOPE_FORBIDDEN', 'that is not among what you may see', 'Ask for what is yours.');
}

export function roleForbidden(): AnswerError {
  return new AnswerError(403, 'ROLE_FORBIDDEN', 'your role may not ask this', 'See what you may ask: /api/v1/queries.');
}

/** Only for those who see everything. */
export function unknown(what: 'SCHOOL' | 'DISTRICT' | 'CLASS' | 'PUPIL'): AnswerError {
  return new AnswerError(404, `${what}_UNKNOWN`, `there is no such ${what.toLowerCase()}`, 'Check the number.');
}

/** Names what is wrong, and never quotes it. */
export function parameterInvalid(name: string, why: string): AnswerError {
  return new AnswerError(400, 'PARAMETER_INVALID', `"${name}" ${why}`, 'See /api/v1/openapi.json.');
}

/** What would have been right, of the first thing that is wrong with a parameter. */
export function whyNot(issue: z.core.$ZodIssue): string {
  if (issue.code === 'invalid_value') return `is one of ${issue.values.join(', ')}`;
  if (issue.code === 'too_small') return `is ${issue.minimum} or more`;
  if (issue.code === 'too_big') return `is ${issue.maximum} or less`;
  if (issue.code === 'invalid_format') return 'is no day YYYY-MM-DD';
  return issue.code === 'invalid_type' ? 'is no whole number' : 'cannot be read';
}

/** A pupil's own page is not opened from a district without a reason, which is audited. */
export function reasonRequired(): AnswerError {
  const remedy = 'Say why in "reason", with at least 10 characters; it is written to the audit.';
  return new AnswerError(400, 'REASON_REQUIRED', 'a pupil is shown for a reason only', remedy);
}

/** Waits for ClickHouse. Throws OperatorError CLICKHOUSE_UNREACHABLE where it does not answer. */
export async function reached<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    if (error instanceof ClickHouseError || error instanceof OperatorError) throw error;
    const message = `ClickHouse does not answer: ${errorLine(error)}`;
    throw new OperatorError('CLICKHOUSE_UNREACHABLE', message, 'Try again; see "tapline status".', 3);
  }
}
