import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { OperatorError } from '../errors.ts';
import { serviceCli } from '../service-cli.ts';

const readyWithinMs = 60_000;
const stopWithinMs = 30_000;

/** What `up --json` says when it is ready. */
export interface Ready {
  readonly url: string;
  readonly stream: string;
  /** Address of the dashboards' API. */
  readonly dashboards?: string;
}

/** The real service as a child process: started, killed or stopped by its process id. */
export class RunningService {
  readonly ready: Ready;
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess, ready: Ready) {
    this.#child = child;
    this.ready = ready;
  }

  get port(): number {
    return Number(new URL(this.ready.url).port);
  }

  /** `port` 0 for any free one. */
  static async start(data: string, port: number, more: readonly string[] = []): Promise<RunningService> {
    const args = [serviceCli, 'up', '--port', String(port), '--data', data, '--json', ...more];
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    let log = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => (log = (log + text).slice(-4_000)));
    const ready = await Promise.race([firstReadyLine(child), once(child, 'exit'), sleep(readyWithinMs)]);
    if (isReady(ready)) return new RunningService(child, ready);
    child.kill('SIGKILL');
    throw new OperatorError('NOT_READY', `the service did not become ready: ${log}`, 'Run "tapline up" by itself');
  }

  /** As a power cut: no drain, no sync, no snapshot. */
  async kill(): Promise<void> {
    await this.#end('SIGKILL');
  }

  async stop(): Promise<void> {
    await this.#end('SIGTERM');
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const exited = once(this.#child, 'exit');
    this.#child.kill(signal);
    if ((await Promise.race([exited, sleep(stopWithinMs, 'late')])) === 'late') this.#child.kill('SIGKILL');
    await exited;
  }
}

function isReady(value: unknown): value is Ready {
  return typeof value === 'object' && value !== null && 'stream' in value;
}

async function firstReadyLine(child: ChildProcess): Promise<unknown> {
  if (!child.stdout) throw new Error('the child has no standard output');
  for await (const line of createInterface({ input: child.stdout })) {
    try {
      const value = JSON.parse(line) as unknown;
      if (isReady(value)) return value;
    } catch {
      // A line that is not for us.
    }
  }
  return null;
}
