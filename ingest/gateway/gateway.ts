import * as uWS from 'uws';
import type { TemplatedApp, us_listen_socket } from 'uws';
import type { ShardPool } from '../../workers/pool/pool.ts';
import type { TapLookup } from '../journal-lookup/tap-lookup.ts';
import type { Directory } from '../registry/directory.ts';
import { noWatch, type ReaderWatch } from '../telemetry/reader-watch.ts';
import type { AckLog } from './ack-log.ts';
import { GatewayCounters } from './counters.ts';
import { serveHttpReaders } from './http-readers.ts';
import { Intake } from './intake.ts';
import { Outcomes } from './outcomes.ts';
import { choosePort, portTaken } from './port.ts';
import type { Quarantine } from './quarantine.ts';
import type { SessionContext } from './reader-session.ts';
import { Readers } from './readers.ts';
import { ShardQueue } from './shard-queue.ts';
import type { SessionTokens } from './tokens.ts';
import { type OpenSockets, serveWebSocket } from './websocket.ts';

export interface TlsFiles {
  readonly certificateFile: string;
  readonly keyFile: string;
}

export interface GatewayOptions {
  readonly pool: ShardPool;
  readonly directory: Directory;
  readonly tokens: SessionTokens;
  readonly taps: Pick<TapLookup, 'findMany'>;
  readonly ackLog: AckLog;
  readonly quarantine: Quarantine;
  readonly now: () => number;
  /** Names why no frame may be taken in now, if so. */
  readonly whyClosed: () => string | undefined;
  readonly tls: TlsFiles | undefined;
  /** Told what readers do; default: nobody. */
  readonly watch?: ReaderWatch;
  /** Default: what the protocol says. */
  readonly helloTimeoutMs?: number;
  readonly idleTimeoutMs?: number;
}

/** How long a drain waits for frames that were taken in to be on disk and answered. */
const drainPollMs = 5;

/** A shard that is replaced takes less; one that cannot write must not keep the service from ending. */
const drainTimeoutMs = 20_000;

/** The edge: readers' sessions on one app, and the queues to the shards. Other routes may be added to `app`. */
export class Gateway {
  readonly app: TemplatedApp;
  readonly readers: Readers;
  readonly intake: Intake;
  readonly outcomes: Outcomes;
  readonly counters = new GatewayCounters();
  readonly #queues: ShardQueue[];
  readonly #sockets: OpenSockets;
  #listening: us_listen_socket | undefined;
  #isDraining = false;

  constructor(options: GatewayOptions) {
    const { pool, directory, now, tls } = options;
    this.app = tls ? uWS.SSLApp({ cert_file_name: tls.certificateFile, key_file_name: tls.keyFile }) : uWS.App();
    this.#queues = pool.hosts.map(({ shard }) => this.#queueOf(pool, shard, now));
    this.readers = new Readers(directory, options.tokens, now);
    const whyClosed = () => (this.#isDraining ? 'draining' : options.whyClosed());
    this.intake = new Intake(this.#queues, directory.cards, whyClosed);
    const { readers, intake, counters } = this;
    const { taps, ackLog, quarantine, watch = noWatch } = options;
    this.outcomes = new Outcomes({ pool, taps, quarantine, counters, now, whyClosed });
    const { outcomes } = this;
    const context: SessionContext = { readers, intake, outcomes, counters, ackLog, quarantine, watch, now };
    this.#sockets = serveWebSocket(this.app, context, options);
    serveHttpReaders(this.app, context);
  }

  get queuedTaps(): number {
    return this.#queues.reduce((sum, queue) => sum + queue.queuedTaps, 0);
  }

  /** Listens; answers the port. Throws PORT_TAKEN. */
  async listen(host: string, port: number): Promise<number> {
    const chosen = await choosePort(host, port);
    this.app.listen(host, chosen, (socket) => {
      if (socket !== false) this.#listening = socket;
    });
    if (this.#listening === undefined) throw portTaken(host, chosen);
    return chosen;
  }

  /**
   * Takes no more frames, waits until those taken in are answered and their OUTCOMEs done, then closes all sockets. False if a shard that cannot be
   * recovered kept some from being answered: they are not acknowledged, and their readers send them again.
   */
  async drain(timeoutMs = drainTimeoutMs): Promise<boolean> {
    const deadline = performance.now() + timeoutMs;
    this.#isDraining = true;
    if (this.#listening !== undefined) uWS.us_listen_socket_close(this.#listening);
    this.#listening = undefined;
    const isIdle = () => this.#queues.every((queue) => queue.isIdle) && this.outcomes.isIdle;
    while (!isIdle() && performance.now() < deadline) {
      await new Promise((resolve) => setTimeout(resolve, drainPollMs));
    }
    this.#sockets.endAll();
    // The closing frames go out with this turn of the event loop.
    await new Promise((resolve) => setImmediate(resolve));
    this.app.close();
    return isIdle();
  }

  #queueOf(pool: ShardPool, shard: number, now: () => number): ShardQueue {
    this.counters.shardBusyUs[shard] = 0;
    return new ShardQueue(async (batch) => {
      const result = await pool.decide(shard, batch.buffer, batch.count, now());
      const { counters } = this;
      counters.batches += 1;
      counters.decidedTaps += result.decided;
      counters.repeatedTaps += result.repeated;
      counters.quarantinedTaps += result.quarantined;
      counters.shardBusyUs[shard] += result.busyUs;
      counters.batchUs.record(Math.max(1, Math.round(result.busyUs)));
    });
  }
}
