import { z } from 'zod';
import { environmentError, OperatorError } from '../../workers/errors.ts';
import { faultsToldMax } from './limits.ts';

/** What every refused request is answered with. */
export const problemSchema = z.strictObject({
  error: z.strictObject({
    code: z.string().meta({ description: 'stable, in upper snake case' }),
    message: z.string(),
    remedy: z.string(),
  }),
});
export type Problem = z.infer<typeof problemSchema>;

const statuses: Record<string, number> = {
  ADMIN_TOKEN: 401,
  ROLE_FORBIDDEN: 403,
  SCOPE_FORBIDDEN: 403,
  BODY_TOO_LARGE: 413,
};

/** The status and the body for an error; undefined for a defect of ours. */
export function problemOf(error: unknown): { status: number; problem: Problem } | undefined {
  const known = environmentError(error);
  if (known === undefined) return undefined;
  const { code, message, remedy } = known;
  return { status: statuses[code] ?? statusOf(known), problem: { error: { code, message, remedy } } };
}

function statusOf({ code, exitStatus }: OperatorError): number {
  if (exitStatus === 2) return 400;
  if (exitStatus === 3) return 503;
  return code.endsWith('_UNKNOWN') ? 404 : 409;
}

export const internalProblem: Problem = {
  error: { code: 'INTERNAL', message: 'the service failed to answer', remedy: 'Its log says why.' },
};

/** The input as its schema gives it. Throws an OperatorError with `code` that names the fields and never quotes a value. */
export function checked<T extends z.ZodType>(schema: T, input: unknown, code: string): z.output<T> {
  const result = schema.safeParse(input);
  if (result.success) return result.data;
  const { issues } = result.error;
  const told = issues.slice(0, faultsToldMax).map(({ path, message }) => {
    const where = z.core.toDotPath(path);
    return where === '' ? message : `${where}: ${message}`;
  });
  if (issues.length > faultsToldMax) told.push(`and ${issues.length - faultsToldMax} more`);
  throw new OperatorError(code, told.join('; '), 'See GET /admin/v1/openapi.json.', 2);
}
