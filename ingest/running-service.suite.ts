import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { pupilsCount, publicKeyOf, readersCount, uidOf } from './gateway/running-gateway.suite.ts';

export const cli = fileURLToPath(new URL('./cli.ts', import.meta.url));

export function temporaryFolder(): string {
  return mkdtempSync(path.join(tmpdir(), 'tapline-service-'));
}

export function removeFolder(folder: string): void {
  rmSync(folder, { recursive: true, force: true });
}

export interface CommandResult {
  readonly status: number;
  readonly out: string;
  readonly error: string;
}

/** Runs one command as a user does. */
export function tapline(
  parameters: readonly string[],
  options: { uid?: number; gid?: number; env?: NodeJS.ProcessEnv } = {},
): Promise<CommandResult> {
  return new Promise((resolve) => {
    const limits = { maxBuffer: 2 ** 26, timeout: 120_000 };
    execFile(process.execPath, [cli, ...parameters], { ...limits, ...options }, (error, out, errorText) => {
      const status = error === null ? 0 : typeof error.code === 'number' ? error.code : -1;
      resolve({ status, out, error: errorText });
    });
  });
}

/**
 * Writes a small region in import format: one school, the readers and cards of the gateway's tests, and one pupil more, who
 * has no card.
 */
export function writeRegion(folder: string): void {
  const ids = (count: number) => Array.from({ length: count }, (_, index) => index + 1);
  const uid = (pupil: number) => Buffer.from(uidOf(pupil)).toString('hex');
  const files = {
    districts: ['district_id,name', '1,North'],
    schools: ['school_id,district_id,name,tz', '10,1,Ten,Europe/Moscow'],
    classes: ['class_id,school_id,name,shift', '100,10,1A,1'],
    pupils: [
      'pupil_id,class_id,last_name,first_name,entitled',
      ...ids(pupilsCount + 1).map((id) => `${id},100,Last${id},First,0`),
    ],
    cards: ['card_uid,pupil_id,status,expires', ...ids(pupilsCount).map((id) => `${uid(id)},${id},active,`)],
    readers: [
      'reader_id,school_id,place,kinds,public_key',
      ...ids(readersCount).map((id) => `${id},10,Gate,gate-in gate-out meal buffet,${publicKeyOf(id)}`),
    ],
  };
  for (const [name, lines] of Object.entries(files))
    writeFileSync(path.join(folder, `${name}.csv`), `${lines.join('\n')}\n`);
}

/** The service as a child process. */
export class RunningService {
  readonly url: string;
  readonly stream: string;
  readonly child: ChildProcess;
  readonly data: string;
  readonly #log: string[];

  private constructor(child: ChildProcess, data: string, ready: { url: string; stream: string }, log: string[]) {
    this.child = child;
    this.data = data;
    this.url = ready.url;
    this.stream = ready.stream;
    this.#log = log;
  }

  static async start(data: string, more: readonly string[] = []): Promise<RunningService> {
    const parameters = [cli, 'up', '--port', '0', '--data', data, '--json', ...more];
    const child = spawn(process.execPath, parameters, { stdio: ['ignore', 'pipe', 'pipe'] });
    const log: string[] = [];
    createInterface({ input: child.stderr }).on('line', (line) => log.push(line));
    for await (const line of createInterface({ input: child.stdout })) {
      return new RunningService(child, data, JSON.parse(line) as { url: string; stream: string }, log);
    }
    throw new Error(`the service did not become ready: ${log.join('\n')}`);
  }

  get log(): string {
    return this.#log.join('\n');
  }

  /** Resident memory of the service's process, bytes. */
  get residentBytes(): number {
    const match = /VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${this.child.pid}/status`, 'utf8'));
    return Number(match?.[1]) * 1024;
  }

  /** One value of /metrics. */
  async metric(name: string): Promise<number> {
    const text = await (await fetch(`${this.url}/metrics`)).text();
    return Number(new RegExp(`^${name}(?:\\{[^}]*\\})? (\\S+)$`, 'm').exec(text)?.[1]);
  }

  /** Ends it with a signal; gives its exit status, or null where the signal killed it. */
  async end(signal: NodeJS.Signals = 'SIGTERM'): Promise<number | null> {
    if (this.child.exitCode === null && this.child.signalCode === null) {
      const exited = once(this.child, 'exit');
      this.child.kill(signal);
      await exited;
    }
    return this.child.exitCode;
  }
}
