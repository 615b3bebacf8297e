import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { OperatorError } from '../../workers/errors.ts';
import { engineLimits } from '../limits.ts';
import { silentLogger, type Logger } from '../logger.ts';
import { checkClickHouse, defaultDatabase, openClickHouse, type ClickHouseClient } from './client.ts';
import { enginePaths, engineUser, writeEngineConfig, type EnginePaths } from './engine-config.ts';
import { EngineProcess } from './engine-process.ts';
import { findEngineFiles, type EngineFiles } from './engine-files.ts';
import { findFreePort } from './port.ts';

export interface EmbeddedOptions {
  /** Where the engine keeps its tables, configuration and logs. One engine per folder. */
  readonly directory: string;
  readonly logger?: Logger;
  /** Called when the engine is back after an unexpected end; `url` differs from before only if the port was lost. */
  readonly onRestart?: (restart: { url: string; pid: number; downMs: number }) => void;
  readonly memoryBytesMax?: number;
  readonly restartDelayMaxMs?: number;
  /** For tests. */
  readonly findFiles?: () => EngineFiles;
}

export type EngineState = 'starting' | 'ready' | 'restarting' | 'stopping' | 'stopped';

/**
 * The embedded ClickHouse: a process of its own that serves HTTP on 127.0.0.1 and keeps its tables in a folder.
 *
 * Invariants: at most one engine runs over a folder (the engine locks it; a start waits for a predecessor to end); the
 * engine ends when this process ends, however that happens; after an unexpected end it is started again, for ever, over
 * the same folder, with the same password and, unless someone took it, on the same port.
 */
export class EmbeddedClickHouse {
  readonly #options: EmbeddedOptions;
  readonly #paths: EnginePaths;
  readonly #files: EngineFiles;
  readonly #logger: Logger;
  readonly #password = randomBytes(16).toString('hex');
  readonly #stopping = new AbortController();
  #process: EngineProcess | undefined;
  #port = 0;
  #state: EngineState = 'starting';
  #supervision: Promise<void> = Promise.resolve();

  private constructor(options: EmbeddedOptions) {
    this.#options = options;
    this.#files = (options.findFiles ?? findEngineFiles)();
    this.#paths = enginePaths(options.directory);
    this.#logger = options.logger ?? silentLogger;
  }

  /** Starts the engine and comes back when it answers. Throws OperatorError CLICKHOUSE_MISSING or CLICKHOUSE_START. */
  static async start(options: EmbeddedOptions): Promise<EmbeddedClickHouse> {
    const engine = new EmbeddedClickHouse(options);
    mkdirSync(options.directory, { recursive: true, mode: 0o700 });
    writeEngineConfig(engine.#paths, engine.#password, options.memoryBytesMax);
    await engine.#launch();
    engine.#supervision = engine.#supervise();
    return engine;
  }

  /** Address with credentials and database; not for logs. */
  get url(): string {
    return `http://${engineUser}:${this.#password}@127.0.0.1:${this.#port}/${defaultDatabase}`;
  }

  get port(): number {
    return this.#port;
  }

  get pid(): number {
    return this.#process?.pid ?? 0;
  }

  get state(): EngineState {
    return this.#state;
  }

  /** Ends the engine; comes back when its process is gone. */
  async stop(): Promise<void> {
    this.#state = 'stopping';
    this.#stopping.abort();
    await this.#process?.end(engineLimits.stopTimeoutMs);
    await this.#supervision;
    rmSync(this.#paths.endpointFile, { force: true });
    this.#state = 'stopped';
  }

  /** Starts processes until one is ready. A folder still locked by a predecessor and a port taken are waited out. */
  async #launch(): Promise<void> {
    const deadline = Date.now() + engineLimits.startTimeoutMs;
    let delayMs: number = engineLimits.restartDelayMinMs;
    for (;;) {
      if (this.#port === 0) this.#port = await findFreePort();
      this.#process = new EngineProcess(this.#files, this.#paths, this.#port);
      if (await this.#becomesReady(this.#process, deadline)) return;
      this.#process.kill();
      await this.#process.ended;
      if (this.#stopping.signal.aborted) return;
      const failure = this.#process.failure();
      const portTaken = /Address already in use/.test(failure);
      if (portTaken) this.#port = 0;
      if (Date.now() >= deadline || !(portTaken || /Cannot lock file/.test(failure))) throw startError(failure);
      await this.#pause(delayMs);
      delayMs = Math.min(delayMs * 2, 1_000);
    }
  }

  async #becomesReady(engine: EngineProcess, deadline: number): Promise<boolean> {
    const client = this.#systemClient();
    try {
      while (!engine.hasEnded && Date.now() < deadline && !this.#stopping.signal.aborted) {
        // The password is ours alone, so an answer cannot come from somebody else's server on this port.
        if ((await checkClickHouse(client)) === undefined) {
          this.#state = 'ready';
          this.#writeEndpoint();
          return true;
        }
        await Promise.race([sleep(engineLimits.readyPollMs), engine.ended]);
      }
      return false;
    } finally {
      await client.close();
    }
  }

  /** Watches the running process and replaces it when it ends; ends only with `stop`. */
  async #supervise(): Promise<void> {
    let delayMs: number = engineLimits.restartDelayMinMs;
    while (!this.#stopping.signal.aborted) {
      const readyAtMs = Date.now();
      await this.#untilEnded();
      if (this.#stopping.signal.aborted) return;
      const endedAtMs = Date.now();
      this.#state = 'restarting';
      this.#logger.error({ failure: this.#process?.failure() }, 'the embedded ClickHouse ended and is started again');
      if (endedAtMs - readyAtMs > engineLimits.restartDelayMaxMs) delayMs = engineLimits.restartDelayMinMs;
      delayMs = await this.#relaunch(delayMs);
      if (this.#stopping.signal.aborted) return;
      this.#logger.info({ pid: this.pid }, 'the embedded ClickHouse is back');
      this.#options.onRestart?.({ url: this.url, pid: this.pid, downMs: Date.now() - endedAtMs });
    }
  }

  /** Tries until the engine is back or `stop` is called; gives the next delay. */
  async #relaunch(firstDelayMs: number): Promise<number> {
    let delayMs = firstDelayMs;
    for (;;) {
      await this.#pause(delayMs);
      delayMs = Math.min(delayMs * 2, this.#options.restartDelayMaxMs ?? engineLimits.restartDelayMaxMs);
      if (this.#stopping.signal.aborted) return delayMs;
      try {
        await this.#launch();
        return delayMs;
      } catch (error) {
        const failure = error instanceof OperatorError ? error.line : String(error);
        this.#logger.error({ failure, retryInMs: delayMs }, 'the embedded ClickHouse does not start');
      }
    }
  }

  /** Until the process has ended. One that has stopped answering is killed. */
  async #untilEnded(): Promise<void> {
    const engine = this.#process;
    if (engine === undefined) return;
    const client = this.#systemClient();
    let answeredAtMs = Date.now();
    while (!engine.hasEnded && !this.#stopping.signal.aborted) {
      await Promise.race([this.#pause(engineLimits.healthIntervalMs), engine.ended]);
      if (engine.hasEnded || this.#stopping.signal.aborted) break;
      engine.boundOutput();
      if ((await client.ping()).success) answeredAtMs = Date.now();
      else if (Date.now() - answeredAtMs > engineLimits.hungAfterMs) engine.kill();
    }
    await client.close();
  }

  #systemClient(): ClickHouseClient {
    return openClickHouse(this.url, { database: 'system', requestTimeoutMs: 30_000 });
  }

  async #pause(delayMs: number): Promise<void> {
    await sleep(delayMs, undefined, { signal: this.#stopping.signal }).catch(() => undefined);
  }

  #writeEndpoint(): void {
    const endpoint = { url: this.url, pid: this.pid };
    writeFileSync(this.#paths.endpointFile, JSON.stringify(endpoint), { mode: 0o600 });
  }
}

/** The address of the engine that runs over `directory`, for other commands of the same owner; undefined when none. */
export function readEmbeddedUrl(directory: string): string | undefined {
  const { endpointFile } = enginePaths(directory);
  if (!existsSync(endpointFile)) return undefined;
  const endpoint = JSON.parse(readFileSync(endpointFile, 'utf8')) as { url: string; pid: number };
  try {
    process.kill(endpoint.pid, 0);
    return endpoint.url;
  } catch {
    return undefined;
  }
}

function startError(failure: string): OperatorError {
  const locked = /Cannot lock file/.test(failure);
  return new OperatorError(
    'CLICKHOUSE_START',
    `the embedded ClickHouse did not start: ${failure}`,
    locked ? 'Stop the other service that uses this data folder' : 'See engine-output.log in its folder',
  );
}
