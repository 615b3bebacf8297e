import type { AuditTable } from './schema.ts';
import { auditPageRowsMax } from './limits.ts';
import type { Selectable } from 'kysely';
import type { Registry } from './store.ts';

/** What somebody asked for. `request` is any JSON value, without names of pupils and without secrets. */
export interface AuditRequest {
  /** ms since 1970. */
  readonly atMs: number;
  readonly who: string;
  readonly role: string;
  readonly command: string;
  readonly request: unknown;
}

/** What came of it. */
export interface AuditOutcome {
  /** ms since 1970. */
  readonly atMs: number;
  /** False where it was refused or failed. */
  readonly ok: boolean;
  /** Any JSON value. */
  readonly outcome: unknown;
}

export interface AuditRow extends AuditRequest {
  readonly auditId: number;
  /** Null where it was begun and not ended: whether it was done is not known here. */
  readonly ok: boolean | null;
  readonly outcome: unknown;
  readonly endedAtMs: number | null;
}

/** Notes a request before it is done, durably; answers the number to end it with. */
export async function beginAudit(registry: Registry, request: AuditRequest): Promise<number> {
  const { atMs, who, role, command } = request;
  const row = { at_ms: atMs, who, role, command, request: json(request.request) };
  return await registry.transaction(async (transaction) => {
    const inserted = await transaction.insertInto('audit').values(row).returning('audit_id').executeTakeFirstOrThrow();
    return inserted.audit_id;
  });
}

/** Notes what came of a request, once. */
export async function endAudit(
  registry: Registry,
  auditId: number,
  { atMs, ok, outcome }: AuditOutcome,
): Promise<void> {
  const columns = { ok: ok ? 1 : 0, outcome: json(outcome), ended_at_ms: atMs };
  await registry.transaction(async (transaction) => {
    const { numUpdatedRows } = await transaction
      .updateTable('audit')
      .set(columns)
      .where('audit_id', '=', auditId)
      .where('ended_at_ms', 'is', null)
      .executeTakeFirst();
    if (numUpdatedRows !== 1n) throw new Error(`audit ${auditId} was not begun, or was ended before`);
  });
}

/** One page, newest first: rows older than `before`, at most `limit` and at most `auditPageRowsMax`. */
export async function listAudit(registry: Registry, page: { before?: number; limit: number }): Promise<AuditRow[]> {
  const { before, limit } = page;
  let query = registry.db.selectFrom('audit').selectAll().orderBy('audit_id', 'desc');
  if (before !== undefined) query = query.where('audit_id', '<', before);
  const rows = await query.limit(Math.min(limit, auditPageRowsMax)).execute();
  return rows.map(auditRow);
}

function auditRow(row: Selectable<AuditTable>): AuditRow {
  const { audit_id: auditId, at_ms: atMs, who, role, command, ended_at_ms: endedAtMs } = row;
  const request: unknown = JSON.parse(row.request);
  const outcome: unknown = row.outcome === null ? null : JSON.parse(row.outcome);
  return { auditId, atMs, who, role, command, request, ok: row.ok === null ? null : row.ok === 1, outcome, endedAtMs };
}

/** Nothing at all has no JSON: null. */
function json(value: unknown): string {
  return JSON.stringify(value ?? null);
}
