import { environmentError, OperatorError } from '../../workers/errors.ts';
import { beginAudit, endAudit } from '../registry/audit.ts';
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

export interface AuditTrail {
  readonly registry: Registry;
  readonly now: () => number;
  /** Told when a deed was done, and its end could not be written. */
  readonly onError: (error: unknown) => void;
}

/**
 * Does it, and keeps who asked for it before, and how it went after. If the beginning cannot be written nothing is done;
 * a deed whose end is missing was cut off, or its end could not be written.
 */
export async function audited<T>(
  { registry, now, onError }: AuditTrail,
  { caller, command, request }: Deed,
  work: () => Promise<T> | T,
  outcomeOf: (result: T) => DeedOutcome = (outcome) => ({ ok: true, outcome }),
): Promise<T> {
  const { name, role } = caller;
  const auditId = await beginAudit(registry, { atMs: now(), who: name, role, command, request });
  const end = (outcome: DeedOutcome) => endAudit(registry, auditId, { atMs: now(), ...outcome }).catch(onError);
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
