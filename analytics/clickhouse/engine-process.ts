import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, existsSync, openSync, readFileSync, renameSync, statSync, truncateSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { hasErrno } from '../../workers/errors.ts';
import { engineLimits } from '../limits.ts';
import type { EnginePaths } from './engine-config.ts';
import type { EngineFiles } from './engine-files.ts';

const keepAliveQuery = "SYSTEM START LISTEN HTTP; SELECT count() FROM file('-','LineAsString') FORMAT Null";

/** One run of the engine's process. */
export class EngineProcess {
  readonly #child: ChildProcess;
  readonly #paths: EnginePaths;
  /** Settled when the process has ended. */
  readonly ended: Promise<void>;
  #hasEnded = false;

  constructor(files: EngineFiles, paths: EnginePaths, port: number) {
    this.#paths = paths;
    const output = openOutput(paths.outputLog);
    this.#child = spawn(process.execPath, childArguments(files, paths, port), {
      stdio: ['pipe', output, output],
      cwd: paths.data,
      env: { ...process.env, NODE_OPTIONS: '' },
      // A group of its own: Ctrl-C reaches the service alone, which stores what is durable before it ends the engine.
      detached: true,
    });
    closeSync(output);
    this.#child.stdin?.on('error', () => undefined);
    this.ended = new Promise((resolve) => {
      const end = (): void => {
        this.#hasEnded = true;
        resolve();
      };
      this.#child.once('exit', end);
      this.#child.once('error', end);
    });
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  get hasEnded(): boolean {
    return this.#hasEnded;
  }

  /** What the engine said before it ended: the first line that carries an error. */
  failure(): string {
    const lines = readFileSync(this.#paths.outputLog, 'latin1').split('\n');
    const line = lines.find((candidate) => candidate.includes('Exception')) ?? lines.find((text) => text.trim() !== '');
    return line?.trim() ?? 'it said nothing';
  }

  /** Closes standard input, which ends the engine, and kills it when it does not end in time. */
  async end(timeoutMs: number): Promise<void> {
    this.#child.stdin?.end();
    const deadline = Date.now() + timeoutMs;
    // The lock file goes last; what the library does afterwards is to crash slowly.
    while (!this.#hasEnded && Date.now() < deadline && existsSync(this.#paths.lockFile)) {
      await Promise.race([sleep(engineLimits.readyPollMs), this.ended]);
    }
    this.kill();
    await this.ended;
  }

  kill(): void {
    if (!this.#hasEnded) this.#child.kill('SIGKILL');
  }

  /** Keeps the output below its bound; the file is open for appending, so it may be cut under the writer. */
  boundOutput(): void {
    if (statSync(this.#paths.outputLog).size > engineLimits.logBytesMax) truncateSync(this.#paths.outputLog, 0);
  }
}

/** A fresh output file; the one of the run before is kept beside it. */
function openOutput(file: string): number {
  try {
    renameSync(file, `${file}.1`);
  } catch (error) {
    if (!hasErrno(error, 'ENOENT')) throw error;
  }
  return openSync(file, 'a', 0o600);
}

function childArguments(files: EngineFiles, paths: EnginePaths, port: number): string[] {
  return [
    '--disable-warning=ExperimentalWarning',
    path.join(import.meta.dirname, 'child.ts'),
    files.caller,
    files.enginePath,
    // Always named: without it the engine would take any config.xml of the current folder.
    ...['--config-file', paths.configFile],
    ...['--path', paths.data],
    ...['--http_port', String(port)],
    ...['--listen_host', '127.0.0.1'],
    ...['--query', keepAliveQuery],
  ];
}
