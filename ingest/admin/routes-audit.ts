import { z } from 'zod';
import { listAudit } from '../registry/audit.ts';
import { countText, idText, isoTime } from './fields.ts';
import { auditPageRowsMax } from '../registry/limits.ts';
import { auditEntriesDefault } from './limits.ts';
import { route } from './route.ts';

const entry = z.strictObject({
  audit: z.int(),
  at: z.iso.datetime(),
  who: z.string().meta({ description: 'the name of the token; owner: the one of the data directory' }),
  role: z.string(),
  command: z.string(),
  request: z.unknown(),
  ok: z.boolean().nullable().meta({ description: 'null: it has not ended, or its end could not be kept' }),
  outcome: z.unknown(),
  ended_at: z.iso.datetime().nullable(),
});
export type AuditEntry = z.infer<typeof entry>;

export const auditRoutes = [
  route({
    name: 'audit',
    method: 'get',
    path: '/admin/v1/audit',
    summary: 'Who did what, the newest first; page on with the last entry as `before`',
    roles: ['finance'],
    query: z.strictObject({ before: idText.optional(), limit: countText(auditPageRowsMax).optional() }),
    response: z.strictObject({ entries: z.array(entry) }),
    answer: async ({ query: { before, limit = auditEntriesDefault } }, { service }) => {
      const rows = await listAudit(service.registry, { ...(before === undefined ? {} : { before }), limit });
      return {
        entries: rows.map(({ auditId, atMs, who, role, command, request, ok, outcome, endedAtMs }) => ({
          audit: auditId,
          at: isoTime(atMs),
          who,
          role,
          command,
          request,
          ok,
          outcome,
          ended_at: endedAtMs === null ? null : isoTime(endedAtMs),
        })),
      };
    },
  }),
];
