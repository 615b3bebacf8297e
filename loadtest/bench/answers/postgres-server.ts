import { execFileSync, spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, chownSync, closeSync, existsSync, mkdtempSync, openSync, readdirSync, rmSync } from 'node:fs';
import { totalmem, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from 'pg';
import { OperatorError } from '../../errors.ts';
import { answersLimits } from './limits.ts';

const debianRoot = '/usr/lib/postgresql';
/** Who runs the server when we are root, which it refuses to be run by. */
const unprivileged = ['postgres', 'nobody'] as const;

interface Identity {
  readonly uid?: number;
  readonly gid?: number;
}

/** Where the server's programs are; undefined where PostgreSQL is not installed. */
export function findPostgres(root = debianRoot): string | undefined {
  const versions = existsSync(root) ? readdirSync(root).sort((a, b) => Number(b) - Number(a)) : [];
  const folders = [
    ...versions.map((version) => join(root, version, 'bin')),
    ...(root === debianRoot ? (process.env['PATH'] ?? '').split(':') : []),
  ];
  return folders.find((folder) => ['initdb', 'postgres', 'psql'].every((name) => existsSync(join(folder, name))));
}

/** A cluster of its own, over a socket in a folder of its own; nothing listens on the network. */
export class PostgresServer {
  readonly version: string;
  readonly folder: string;
  readonly #bin: string;
  readonly #identity: Identity;
  readonly #child: ChildProcess;

  private constructor(bin: string, folder: string, identity: Identity, child: ChildProcess) {
    this.#bin = bin;
    this.folder = folder;
    this.#identity = identity;
    this.#child = child;
    this.version = execFileSync(join(bin, 'postgres'), ['--version']).toString().trim();
  }

  /** Makes a cluster in a temporary folder and starts it. Throws OperatorError POSTGRES_START. */
  static async start(bin: string): Promise<PostgresServer> {
    const identity = identityOf();
    const folder = mkdtempSync(join(tmpdir(), 'tapline-pg-'));
    try {
      chmodSync(folder, 0o700);
      if (identity.uid !== undefined && identity.gid !== undefined) chownSync(folder, identity.uid, identity.gid);
      const data = join(folder, 'data');
      // Everybody who can reach the socket's folder is trusted: that is its owner, and root.
      const made = spawnSync(
        join(bin, 'initdb'),
        ['-D', data, '-U', 'bench', '-A', 'trust', '-E', 'UTF8', '--locale=C'],
        {
          ...identity,
          cwd: folder,
          encoding: 'utf8',
        },
      );
      if (made.status !== 0) throw startError(made.stderr || String(made.error));
      const output = openSync(join(folder, 'log'), 'a');
      const child = spawn(join(bin, 'postgres'), ['-D', data, '-k', folder, ...settings()], {
        ...identity,
        cwd: folder,
        stdio: ['ignore', output, output],
      });
      closeSync(output);
      const server = new PostgresServer(bin, folder, identity, child);
      await server.#becomesReady();
      return server;
    } catch (error) {
      rmSync(folder, { recursive: true, force: true });
      throw error;
    }
  }

  async connect(): Promise<Client> {
    const client = new Client({ host: this.folder, user: 'bench', database: 'postgres' });
    // A server that ends breaks the question under way, which tells.
    client.on('error', () => undefined);
    await client.connect();
    await client.query(`SET timezone = 'UTC'; SET statement_timeout = ${answersLimits.postgresStatementMs}`);
    return client;
  }

  /** Runs statements with standard input from `rows`: for COPY. */
  psql(command: string): ChildProcess {
    const args = [
      '-X',
      '-q',
      '-v',
      'ON_ERROR_STOP=1',
      '-h',
      this.folder,
      '-U',
      'bench',
      '-d',
      'postgres',
      '-c',
      command,
    ];
    return spawn(join(this.#bin, 'psql'), args, {
      ...this.#identity,
      cwd: this.folder,
      stdio: ['pipe', 'ignore', 'pipe'],
    });
  }

  /** Ends the server and removes the cluster. */
  async stop(): Promise<void> {
    if (this.#child.exitCode === null && this.#child.signalCode === null) {
      const exited = once(this.#child, 'exit');
      // Immediately: nothing of it is kept.
      this.#child.kill('SIGQUIT');
      await exited;
    }
    rmSync(this.folder, { recursive: true, force: true, maxRetries: 5 });
  }

  async #becomesReady(): Promise<void> {
    const giveUpMs = Date.now() + answersLimits.postgresReadyWithinMs;
    let failure = 'it ended';
    while (Date.now() < giveUpMs && this.#child.exitCode === null && this.#child.signalCode === null) {
      try {
        const client = await this.connect();
        await client.end();
        return;
      } catch (error) {
        failure = String(error);
        await sleep(100);
      }
    }
    this.#child.kill('SIGKILL');
    throw startError(failure);
  }
}

function startError(failure: string): OperatorError {
  const line = failure.trim().split('\n').at(-1) ?? '';
  return new OperatorError(
    'POSTGRES_START',
    `PostgreSQL did not start: ${line}`,
    'Leave --postgres away, or try again',
  );
}

function identityOf(): Identity {
  if (process.getuid?.() !== 0) return {};
  for (const name of unprivileged) {
    const [uid, gid] = ['-u', '-g'].map((flag) => spawnSync('id', [flag, name], { encoding: 'utf8' }).stdout.trim());
    if (/^\d+$/.test(uid) && /^\d+$/.test(gid)) return { uid: Number(uid), gid: Number(gid) };
  }
  throw new OperatorError('POSTGRES_USER', 'PostgreSQL cannot be run by root', 'Run the bench as another user');
}

/** As one would set up a machine of this size that answers such questions, with nothing that is only for a bench. */
function settings(): string[] {
  const mebibytes = Math.floor(totalmem() / 2 ** 20);
  const values: Readonly<Record<string, string>> = {
    listen_addresses: '',
    shared_buffers: `${Math.floor(mebibytes / 4)}MB`,
    effective_cache_size: `${Math.floor(mebibytes / 2)}MB`,
    work_mem: '256MB',
    maintenance_work_mem: '1GB',
    max_parallel_workers_per_gather: '2',
    random_page_cost: '1.1',
    effective_io_concurrency: '200',
    jit: 'off',
    wal_level: 'minimal',
    max_wal_senders: '0',
    max_wal_size: '8GB',
    checkpoint_timeout: '30min',
    autovacuum: 'off',
    max_connections: '20',
  };
  return Object.entries(values).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
}
