import { environmentError, OperatorError } from '../../workers/errors.ts';
import { type AuditOutcome, type AuditRequest, beginAudit, endAudit } from '../registry/audit.ts';
import type { Registry } from '../registry/store.ts';
import type { AdminIdentity } from '../registry/tokens.ts';

/** Something that somebody asks to be done. */
export interface Deed {
  readonly caller: AdminIdentity;
  readonly command: string;
  /** What was asked, as JSON; without what must not be kept. */
  readonly request: unknown;
}

/** How it went, as the audit keeps it. */
export interface DeedOutcome {
  readonly ok: boolean;
  readonly outcome: unknown;
}

/** Where entries are written, durably. */
export interface AuditNotes {
  begin(request: AuditRequest): Promise<number>;
  end(auditId: number, outcome: AuditOutcome): Promise<void>;
}

/** Written here and now, where nobody else is kept waiting. */
export function notesIn(registry: Registry): AuditNotes {
  return {
    begin: (request) => beginAudit(registry, request),
    end: (auditId, outcome) => endAudit(registry, auditId, outcome),
  };
}

export interface AuditTrail {
  readonly notes: AuditNotes;
  readonly now: () => number;
  /** Told when a deed was done, and its end could not be written. */
  readonly onError: (error: unknown) => void;
}

/**
 * Does it, and keeps who asked for it before, and how it went after. If the beginning cannot be written nothing is done;
 * a deed whose end is missing was cut off, or its end could not be written.
 */
export async function audited<T>(
  { notes, now, onError }: AuditTrail,
  { caller, command, request }: Deed,
  work: () => Promise<T> | T,
  outcomeOf: (result: T) => DeedOutcome = (outcome) => ({ ok: true, outcome }),
): Promise<T> {
  const { name, role } = caller;
  const auditId = await notes.begin({ atMs: now(), who: name, role, command, request });
  const end = (outcome: DeedOutcome) => notes.end(auditId, { atMs: now(), ...outcome }).catch(onError);
  try {
    const result = await work();
    await end(outcomeOf(result));
    return result;
  } catch (error) {
    await end({ ok: false, outcome: refusalOf(error) });
    throw error;
  }
}

function refusalOf(error: unknown): { refusal: string; message?: string } {
  const known = environmentError(error);
  return known instanceof OperatorError ? { refusal: known.code, message: known.message } : { refusal: 'INTERNAL' };
}
