import type { Cell } from '../../analytics/queries/columns.ts';
import type { ServiceAnswers } from '../../dashboards/server/types.ts';
import { OperatorError } from '../../workers/errors.ts';
import { answerTimeoutMs, questionsWaitingMax } from './limits.ts';
import type { FromDashboards, ServiceQuestion, ToDashboards } from './messages.ts';

interface Waiting {
  readonly rows: (readonly Cell[])[];
  readonly resolve: (rows: Awaited<ReturnType<ServiceAnswers['ask']>>) => void;
  readonly reject: (error: Error) => void;
  readonly timer: NodeJS.Timeout;
}

/** Asks the service's own thread, in the dashboards' thread: so many at one time, and for so long. */
export class ServiceDesk implements ServiceAnswers {
  readonly #say: (message: FromDashboards) => void;
  readonly #waiting = new Map<number, Waiting>();
  #asked = 0;

  constructor(say: (message: FromDashboards) => void) {
    this.#say = say;
  }

  /** Throws SERVICE_BUSY, SERVICE_SILENT, and what the service refuses. */
  ask(query: string, asked: Omit<ServiceQuestion, 'query'>): ReturnType<ServiceAnswers['ask']> {
    if (this.#waiting.size >= questionsWaitingMax) {
      const message = `${questionsWaitingMax} questions wait for the service already`;
      return Promise.reject(new OperatorError('SERVICE_BUSY', message, 'Try again in a moment.'));
    }
    const id = (this.#asked += 1);
    return new Promise((resolve, reject) => {
      const silent = () => {
        this.#waiting.delete(id);
        const message = `the service has not answered within ${answerTimeoutMs} ms`;
        reject(new OperatorError('SERVICE_SILENT', message, 'Try again in a moment; see "tapline status".'));
      };
      this.#waiting.set(id, { rows: [], resolve, reject, timer: setTimeout(silent, answerTimeoutMs) });
      this.#say({ type: 'ask', id, question: { query, ...asked } });
    });
  }

  /** What the service says; too late, it is for nobody. */
  hear(message: Extract<ToDashboards, { readonly id: number }>): void {
    const waiting = this.#waiting.get(message.id);
    if (waiting === undefined) return;
    if (message.type === 'rows') {
      for (const row of message.rows) waiting.rows.push(row);
      return void waiting.timer.refresh();
    }
    this.#waiting.delete(message.id);
    clearTimeout(waiting.timer);
    if (message.type === 'answered') return waiting.resolve(waiting.rows);
    const { code, message: text, remedy, exitStatus } = message.error;
    waiting.reject(new OperatorError(code, text, remedy, exitStatus));
  }
}
