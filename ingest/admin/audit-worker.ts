import { environmentError } from '../../workers/errors.ts';
import { type AuditOutcome, type AuditRequest, beginAudit, endAudit } from '../registry/audit.ts';
import { openRegistry, type Registry } from '../registry/store.ts';

export type AuditNote = { readonly dataDirectory: string } & (
  | { readonly type: 'begin'; readonly request: AuditRequest }
  | { readonly type: 'end'; readonly auditId: number; readonly outcome: AuditOutcome }
);

/** Errors lose their class between threads: what a person can mend is an answer. */
export interface AuditRefused {
  readonly refused: { readonly code: string; readonly message: string; readonly remedy: string };
}

/** The thread's own, opened with the first note: its waiting for an import holds up nothing else. */
let opened: Promise<Registry> | undefined;

/** What runs in the audit's thread. Answers the number of the entry. */
export default async function write(note: AuditNote): Promise<number | AuditRefused> {
  try {
    const registry = await open(note.dataDirectory);
    if (note.type === 'begin') return await beginAudit(registry, note.request);
    await endAudit(registry, note.auditId, note.outcome);
    return note.auditId;
  } catch (error) {
    const known = environmentError(error);
    if (known === undefined) throw error;
    return { refused: { code: known.code, message: known.message, remedy: known.remedy } };
  }
}

/** Notes that come at one time share one; what could not be opened is tried again with the next. */
function open(dataDirectory: string): Promise<Registry> {
  opened ??= openRegistry(dataDirectory).catch((error: unknown) => {
    opened = undefined;
    throw error;
  });
  return opened;
}
