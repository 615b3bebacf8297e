import { Piscina } from 'piscina';
import { OperatorError } from '../../workers/errors.ts';
import type { AuditOutcome, AuditRequest } from '../registry/audit.ts';
import type { AuditNotes } from './audit-trail.ts';
import type { AuditNote, AuditRefused } from './audit-worker.ts';
import { requestsInFlightMax } from './limits.ts';

const workerUrl = new URL('./audit-worker.ts', import.meta.url).href;

/**
 * Writes the audit in a thread of its own: each entry is synced twice, and a sync on the gateway's thread would hold up
 * every reader's acknowledgement. The thread begins with the first entry and ends with the process.
 */
export class AuditThread implements AuditNotes {
  readonly #dataDirectory: string;
  readonly #thread = new Piscina<AuditNote, number | AuditRefused>({
    filename: workerUrl,
    minThreads: 0,
    maxThreads: 1,
    // One thread opens the registry; while one entry waits for an import, the others may be handed over.
    concurrentTasksPerWorker: requestsInFlightMax,
    idleTimeout: Infinity,
    recordTiming: false,
  });

  constructor(dataDirectory: string) {
    this.#dataDirectory = dataDirectory;
  }

  begin(request: AuditRequest): Promise<number> {
    return this.#write({ type: 'begin', dataDirectory: this.#dataDirectory, request });
  }

  async end(auditId: number, outcome: AuditOutcome): Promise<void> {
    await this.#write({ type: 'end', dataDirectory: this.#dataDirectory, auditId, outcome });
  }

  async #write(note: AuditNote): Promise<number> {
    const answer = await this.#thread.run(note);
    if (typeof answer === 'number') return answer;
    throw new OperatorError(answer.refused.code, answer.refused.message, answer.refused.remedy);
  }
}
