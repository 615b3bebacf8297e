import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { projectRoot } from '../service-cli.ts';

/** The readers of the demonstration, in a process of their own as in life. */
export class FleetProcess {
  readonly #child: ChildProcess;
  /** Resolves with the exit status when every tap is acknowledged, or the fleet gave up. */
  readonly ended: Promise<number>;

  constructor(args: readonly string[]) {
    const tool = join(projectRoot, 'loadtest', 'cli.ts');
    this.#child = spawn(process.execPath, [tool, 'fleet', ...args, '--json'], { stdio: ['ignore', 'ignore', 'pipe'] });
    let complaint = '';
    this.#child.stderr
      ?.setEncoding('utf8')
      .on('data', (text: string) => (complaint = (complaint + text).slice(-2_000)));
    this.ended = new Promise((resolve) => {
      this.#child.once('exit', (status) => {
        if (status !== 0 && status !== null) process.stderr.write(`\nthe fleet ended with ${status}: ${complaint}\n`);
        resolve(status ?? 0);
      });
    });
  }

  /** No more taps; what was made is still delivered. */
  stop(): void {
    this.#child.kill('SIGTERM');
  }
}
