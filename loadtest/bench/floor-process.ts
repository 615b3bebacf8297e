import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { OperatorError } from '../errors.ts';
import { benchLimits } from './limits.ts';

/** The floor's server as a child process of its own. */
export class FloorProcess {
  readonly pid: number;
  readonly url: URL;
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess, port: number) {
    this.#child = child;
    this.pid = child.pid ?? 0;
    this.url = new URL(`http://127.0.0.1:${port}`);
  }

  static async start(): Promise<FloorProcess> {
    const child = spawn(process.execPath, [join(import.meta.dirname, 'floor-server.ts')], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    const line = once(createInterface({ input: child.stdout }), 'line') as Promise<[string]>;
    const first = await Promise.race([
      line,
      once(child, 'exit'),
      sleep(benchLimits.floorReadyWithinMs, undefined, { ref: false }),
    ]);
    if (!Array.isArray(first) || typeof first[0] !== 'string') {
      child.kill('SIGKILL');
      throw new OperatorError('FLOOR_NOT_READY', 'the echo server did not start', 'Is uWebSockets.js installed?');
    }
    return new FloorProcess(child, (JSON.parse(first[0]) as { port: number }).port);
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const exited = once(this.#child, 'exit');
    this.#child.kill('SIGKILL');
    await exited;
  }
}
