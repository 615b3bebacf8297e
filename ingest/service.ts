import path from 'node:path';
import type { Logger } from 'pino';
import type { EmbeddedClickHouse } from '../analytics/clickhouse/embedded.ts';
import { type ClickHouseClient, openClickHouse } from '../analytics/clickhouse/client.ts';
import { SinkThread } from '../analytics/sink/thread.ts';
import { BeatWriter } from '../analytics/telemetry/beat-writer.ts';
import type { ShardPool } from '../workers/pool/pool.ts';
import { batchCommandsMax } from '../workers/shard/limits.ts';
import { Admission } from './admission.ts';
import type { Config } from './config.ts';
import { DashboardsThread } from './dashboards/dashboards-thread.ts';
import { dashboardsPortDefault } from './dashboards/limits.ts';
import { serviceAnswers } from './dashboards/service-answers.ts';
import type { DataDirectory, ServiceAddress } from './data-directory.ts';
import type { FeedFollower } from './feed-follower.ts';
import { AckLog } from './gateway/ack-log.ts';
import { Gateway } from './gateway/gateway.ts';
import { Quarantine } from './gateway/quarantine.ts';
import { SessionTokens } from './gateway/tokens.ts';
import { TapLookup } from './journal-lookup/tap-lookup.ts';
import type { Parts } from './parts.ts';
import { Reconciliation } from './reconcile/reconciliation.ts';
import type { Directory } from './registry/directory.ts';
import type { FeedEntry } from './registry/feed.ts';
import type { Registry } from './registry/store.ts';
import { RosterFeeder } from './roster/roster-feeder.ts';
import { ReaderTelemetry } from './telemetry/reader-telemetry.ts';

const ackFlushIntervalMs = 500;
const busySampleIntervalMs = 1_000;
/** How long SIGTERM waits for ClickHouse to take what is durable; the journal keeps the rest. */
const sinkDrainTimeoutMs = 10_000;

/** A running service: its parts are opened by `main.ts`, listen serves readers, stop drains in order. */
export class Service {
  readonly config: Config;
  readonly data: DataDirectory;
  readonly log: Logger;
  readonly now: () => number;
  readonly commandsPerBatch = batchCommandsMax;
  readonly registry: Registry;
  readonly directory: Directory;
  readonly pool: ShardPool;
  readonly feed: FeedFollower;
  readonly gateway: Gateway;
  readonly admission: Admission;
  readonly sink: SinkThread;
  readonly taps: TapLookup;
  readonly beats: BeatWriter;
  readonly roster: RosterFeeder;
  readonly quarantine: Quarantine;
  readonly reconciliation: Reconciliation;
  readonly dashboards: DashboardsThread;
  isReady = false;
  readonly #ackLog: AckLog;
  readonly #telemetry: ReaderTelemetry;
  readonly #embedded: EmbeddedClickHouse | undefined;
  readonly #clickhouseUrl: string;
  #timers: NodeJS.Timeout[] = [];
  /** Asked for what is held against the journal; opened anew where ClickHouse came back elsewhere. */
  #client: ClickHouseClient | undefined;
  #busyUs: number[];
  #busyShare: number[];

  constructor(parts: Parts) {
    const { config, data, log, registry, directory, pool, feed, embedded, clickhouseUrl } = parts;
    this.config = config;
    this.data = data;
    this.log = log;
    this.now = config.clock;
    this.registry = registry;
    this.directory = directory;
    this.pool = pool;
    this.feed = feed;
    this.#embedded = embedded;
    this.#clickhouseUrl = clickhouseUrl;
    this.#busyUs = pool.hosts.map(() => 0);
    this.#busyShare = pool.hosts.map(() => 0);
    this.#ackLog = new AckLog(data.path);
    this.quarantine = new Quarantine(data.path);
    this.admission = new Admission({
      pool,
      dataDirectory: data.path,
      journalDirectory: data.journal,
      journalBytesMax: config.journalBytesMax,
      diskFreeBytesMin: config.diskFreeBytesMin,
    });
    parts.engineEvents.restarted = (url, pid) => this.#engineRestarted(url, pid);
    this.sink = this.#openSink();
    this.taps = new TapLookup({ pool, journalDirectory: data.journal, clickhouseUrl: () => this.clickhouseAddress });
    this.#telemetry = new ReaderTelemetry(this.now, (row) => this.beats.add(row));
    this.beats = new BeatWriter({
      clickhouseUrl: this.clickhouseAddress,
      logger: log,
      onFlush: (isLast) => this.#telemetry.flush(isLast),
    });
    this.roster = this.#openRoster();
    this.gateway = this.#openGateway();
    this.reconciliation = this.#openReconciliation();
    this.dashboards = this.#openDashboards();
  }

  /** What the embedded engine, or the other server, is doing. */
  clickhouseStatus() {
    const embedded = this.#embedded;
    return { embedded: embedded !== undefined, state: embedded?.state ?? 'external', pid: embedded?.pid ?? null };
  }

  /** Where ClickHouse is just now. */
  get clickhouseAddress(): string {
    return this.#embedded?.url ?? this.#clickhouseUrl;
  }

  /** Part of the last second that a shard spent deciding and syncing. */
  busyShare(shard: number): number {
    return this.#busyShare[shard];
  }

  /** Brings the notes that `verify` reads up to date, and says how far each shard is durable. */
  async checkpoint(): Promise<{ positions: number[] }> {
    await this.#ackLog.flush();
    return { positions: [...this.pool.durablePositions] };
  }

  /** Drains: no more frames, everything taken in is synced and answered, ClickHouse catches up, a snapshot, the end. */
  async stop(): Promise<void> {
    this.isReady = false;
    this.admission.drain();
    this.log.info('draining');
    if (!(await this.gateway.drain()))
      this.log.error('frames in flight could not be decided; they are not acknowledged');
    this.#timers.forEach((timer) => clearInterval(timer));
    await this.#stopStep('the dashboards', this.dashboards.stop());
    await this.#stopStep('the reconciliation', this.reconciliation.stop());
    await this.#client?.close();
    await this.#stopStep('the registry', this.feed.stop());
    await this.#stopStep('the notes of acknowledgements', this.#ackLog.flush());
    await this.#stopStep('the quarantine', this.quarantine.flush());
    await this.#stopStep('telemetry', this.beats.stop());
    await this.#stopStep('the roster', this.roster.stop());
    await this.#stopStep('the sink', this.sink.stop({ drainTimeoutMs: sinkDrainTimeoutMs }));
    await this.#saveSnapshots();
    await this.#stopStep('the search for taps', this.taps.close());
    await this.#stopStep('the shards', this.pool.close());
    this.admission.stop();
    if (this.#embedded !== undefined) await this.#stopStep('ClickHouse', this.#embedded.stop());
    await this.#stopStep('the registry', this.registry.close());
    this.data.withdraw();
    this.data.unlock();
    this.log.info('stopped');
  }

  /** What is acknowledged is in the journal by now: a step that fails, on a full disk say, must not keep the others. */
  async #stopStep(what: string, step: Promise<unknown>): Promise<void> {
    await step.catch((error: unknown) => this.log.error({ err: error }, `${what} could not be ended in order`));
  }

  /** Serves readers from now on. `undo` collects what has to be ended if a later step fails. Throws PORT_TAKEN. */
  async listen(undo: (() => unknown)[]): Promise<ServiceAddress> {
    const { config, data } = this;
    this.gateway.readers.restore(await Promise.all(this.pool.hosts.map((host) => host.call({ type: 'identities' }))));
    await this.admission.start();
    undo.push(() => this.admission.stop());
    undo.push(() => this.dashboards.stop());
    const dashboardsUrl = await this.dashboards.start();
    const port = await this.gateway.listen(config.host, config.port);
    undo.push(() => this.gateway.drain());
    this.sink.start();
    this.beats.start();
    this.roster.start();
    this.reconciliation.start();
    this.#follow();
    this.isReady = true;
    const address = this.#address(port, dashboardsUrl);
    data.announce(address);
    return address;
  }

  #address(port: number, dashboardsUrl: string): ServiceAddress {
    const { config } = this;
    const secure = config.tlsCertificate === undefined ? '' : 's';
    return {
      pid: process.pid,
      url: `http${secure}://${config.host}:${port}`,
      stream: `ws${secure}://${config.host}:${port}/v1/stream`,
      clickhouseUrl: this.clickhouseAddress,
      clickhousePid: this.#embedded?.pid ?? null,
      dashboardsUrl,
    };
  }

  #follow(): void {
    const onError = (error: unknown) => this.log.error({ err: error }, 'the registry could not be followed');
    const onEntries = (entries: readonly FeedEntry[]) => {
      this.gateway.readers.dropRevoked();
      this.roster.changed(entries);
    };
    this.feed.start(this.directory, onEntries, onError);
    this.#timers = [
      setInterval(() => void this.#ackLog.flush().catch(onError), ackFlushIntervalMs),
      setInterval(() => this.#sampleBusy(), busySampleIntervalMs),
      setInterval(() => void this.#saveSnapshots(), this.config.snapshotIntervalMs),
    ];
  }

  async #saveSnapshots(): Promise<void> {
    for (const { shard } of this.pool.hosts) {
      await this.pool.saveSnapshot(shard).catch((error: unknown) => {
        this.log.error({ err: error, shard }, 'a snapshot could not be written; the journal holds everything');
      });
    }
  }

  #sampleBusy(): void {
    this.gateway.counters.shardBusyUs.forEach((busyUs, shard) => {
      this.#busyShare[shard] = Math.min(1, (busyUs - this.#busyUs[shard]) / (busySampleIntervalMs * 1000));
      this.#busyUs[shard] = busyUs;
    });
  }

  #openSink(): SinkThread {
    return new SinkThread({
      shardCount: this.pool.hosts.length,
      clickhouseUrl: this.clickhouseAddress,
      cursorDirectory: path.join(this.data.path, 'sink'),
      journalDirectory: this.data.journal,
      durablePositions: this.pool.durablePositions.buffer,
      tapRetentionDays: this.config.tapRetentionDays,
      now: this.now,
      logger: this.log,
    });
  }

  #openRoster(): RosterFeeder {
    return new RosterFeeder({
      registry: this.registry,
      clickhouseUrl: this.clickhouseAddress,
      now: this.now,
      log: this.log,
      markDirty: (days) => this.sink.markDirty(days),
    });
  }

  #openReconciliation(): Reconciliation {
    return new Reconciliation({
      pool: this.pool,
      journalDirectory: this.data.journal,
      file: path.join(this.data.path, 'reconciliation.json'),
      storedPosition: (shard) => this.sink.storedPosition(shard),
      clickhouse: () => (this.#client ??= openClickHouse(this.clickhouseAddress)),
      onError: (error) => this.log.error({ err: error }, 'the accounts could not be held against each other'),
    });
  }

  #openDashboards(): DashboardsThread {
    const { config, data, pool, registry, reconciliation, now } = this;
    const { host, dashboardsPort, tlsCertificate, tlsKey } = config;
    return new DashboardsThread({
      data: {
        dataDirectory: data.path,
        host,
        port: dashboardsPort ?? dashboardsPortDefault,
        mayMove: dashboardsPort === undefined,
        ...(tlsCertificate === undefined || tlsKey === undefined ? {} : { tlsCertificate, tlsKey }),
        ownerToken: data.secret('admin.token').toString('hex'),
      },
      clickhouseUrl: () => this.clickhouseAddress,
      now,
      logger: this.log,
      answer: serviceAnswers({ pool, registry, reconciliation, now }),
    });
  }

  #openGateway(): Gateway {
    const { config, data } = this;
    return new Gateway({
      pool: this.pool,
      directory: this.directory,
      tokens: new SessionTokens(data.secret('session.key')),
      taps: this.taps,
      ackLog: this.#ackLog,
      quarantine: this.quarantine,
      watch: this.#telemetry,
      now: this.now,
      whyClosed: () => this.admission.reasons[0],
      tls:
        config.tlsCertificate === undefined || config.tlsKey === undefined
          ? undefined
          : { certificateFile: config.tlsCertificate, keyFile: config.tlsKey },
    });
  }

  /** The embedded engine came back, perhaps elsewhere. */
  #engineRestarted(url: string, pid: number): void {
    this.log.warn({ pid }, 'ClickHouse was started again');
    this.sink.useUrl(url);
    this.beats.useUrl(url);
    this.roster.useUrl(url);
    this.dashboards.useUrl(url);
    void this.#client?.close();
    this.#client = undefined;
    const address = this.data.service();
    if (address !== undefined) this.data.announce({ ...address, clickhouseUrl: url, clickhousePid: pid });
  }
}
