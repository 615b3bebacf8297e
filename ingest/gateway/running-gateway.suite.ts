import { createHash, createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { ShardPool } from '../../workers/pool/pool.ts';
import { TapLookup } from '../journal-lookup/tap-lookup.ts';
import { Directory } from '../registry/directory.ts';
import { AckLog } from './ack-log.ts';
import { Gateway, type GatewayOptions } from './gateway.ts';
import { Quarantine } from './quarantine.ts';
import { SessionTokens } from './tokens.ts';

export const districtId = 1;
export const schoolId = 10;
export const readersCount = 120;
export const pupilsCount = 40;
/** This reader may take gate taps only. */
export const gateReaderId = readersCount;
const allKindsMask = 0xff;
const gateKindsMask = 0b110;
const purseKop = 100_000_000;

/** The signing key of a test's reader. */
export function privateKeyOf(readerId: number): KeyObject {
  const seed = createHash('sha256').update(`test reader ${readerId}`).digest();
  const der = Buffer.concat([Buffer.from('302e020100300506032b657004220420', 'hex'), seed]);
  return createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
}

export function publicKeyOf(readerId: number): string {
  const spki = createPublicKey(privateKeyOf(readerId)).export({ format: 'der', type: 'spki' });
  return spki.subarray(-32).toString('hex');
}

/** The UID of a pupil's card. */
export function uidOf(pupilId: number): Uint8Array {
  const uid = Buffer.alloc(4);
  uid.writeUInt32BE(0xa0000000 + pupilId);
  return uid;
}

export function putReader(
  directory: Directory,
  readerId: number,
  revoked = false,
  publicKey = publicKeyOf(readerId),
): void {
  const kindsMask = readerId === gateReaderId ? gateKindsMask : allKindsMask;
  directory.put({ type: 'reader', change: 0, readerId, schoolId, place: '', kindsMask, publicKey, revoked });
}

function makeDirectory(): Directory {
  const directory = new Directory(0, pupilsCount);
  directory.put({ type: 'school', change: 0, schoolId, districtId, timeZone: 'UTC' });
  for (let readerId = 1; readerId <= readersCount; readerId++) putReader(directory, readerId);
  for (let pupilId = 1; pupilId <= pupilsCount; pupilId++) {
    const uid = Buffer.from(uidOf(pupilId)).toString('hex').toUpperCase();
    directory.put({ type: 'cardUid', change: 0, districtId, uid, cardId: pupilId, pupilId, status: 'active' });
  }
  return directory;
}

async function fillLedgers(pool: ShardPool): Promise<void> {
  for (let pupilId = 1; pupilId <= pupilsCount; pupilId++) {
    const common = { pupilId, at: 0, schoolDay: 0 };
    const holder = {
      type: 'holder',
      change: 2 * pupilId,
      pupilId,
      schoolId,
      classId: 1,
      active: true,
      entitled: false,
    } as const;
    const card = {
      type: 'card',
      change: 2 * pupilId + 1,
      cardId: pupilId,
      pupilId,
      status: 'active',
      expiresDay: 0,
    } as const;
    const topup = { type: 'topup', key: `first ${pupilId}`, purse: 1, kop: purseKop, ...common } as const;
    await pool.execute(pool.shardOf(pupilId), [holder, card, topup], Date.now());
  }
}

export interface RunningOptions extends Partial<
  Pick<GatewayOptions, 'now' | 'whyClosed' | 'tls' | 'helloTimeoutMs' | 'idleTimeoutMs'>
> {
  readonly shards?: number;
}

/**
 * A gateway with real shards on a temporary directory, without registry and ClickHouse. `hold` keeps batches from being
 * decided, so that a test can have frames in flight for as long as it likes.
 */
export class RunningGateway {
  readonly directory = makeDirectory();
  gateway!: Gateway;
  pool!: ShardPool;
  taps!: TapLookup;
  url = '';
  readonly folder = mkdtempSync(path.join(tmpdir(), 'tapline-gateway-'));
  readonly #options: RunningOptions;
  readonly #secret = SessionTokens.newSecret();
  #ackLog!: AckLog;
  #held: Promise<void> | undefined;
  #release: () => void = () => undefined;

  private constructor(options: RunningOptions) {
    this.#options = options;
  }

  static async start(options: RunningOptions = {}): Promise<RunningGateway> {
    const running = new RunningGateway(options);
    await running.begin();
    return running;
  }

  get streamUrl(): string {
    return `${this.url.replace('http', 'ws')}/v1/stream`;
  }

  /** Opens everything from the disk, as a new process would. */
  async begin(): Promise<void> {
    const {
      shards = 1,
      now = Date.now,
      whyClosed = () => undefined,
      tls,
      helloTimeoutMs,
      idleTimeoutMs,
    } = this.#options;
    this.pool = await ShardPool.open({ directory: path.join(this.folder, 'journal'), shards });
    await fillLedgers(this.pool);
    const decide = this.pool.decide.bind(this.pool);
    this.pool.decide = async (...parameters) => {
      await this.#held;
      return await decide(...parameters);
    };
    this.#ackLog = new AckLog(this.folder);
    this.taps = new TapLookup({ pool: this.pool, journalDirectory: path.join(this.folder, 'journal') });
    this.gateway = new Gateway({
      pool: this.pool,
      directory: this.directory,
      tokens: new SessionTokens(this.#secret),
      taps: this.taps,
      ackLog: this.#ackLog,
      quarantine: new Quarantine(this.folder),
      now,
      whyClosed,
      tls,
      ...(helloTimeoutMs !== undefined && { helloTimeoutMs }),
      ...(idleTimeoutMs !== undefined && { idleTimeoutMs }),
    });
    this.gateway.readers.restore(await Promise.all(this.pool.hosts.map((host) => host.call({ type: 'identities' }))));
    const port = await this.gateway.listen('127.0.0.1', 0);
    this.url = `http${tls === undefined ? '' : 's'}://127.0.0.1:${port}`;
  }

  /** From now on batches wait to be decided. */
  hold(): void {
    this.#held = new Promise((resolve) => (this.#release = resolve));
  }

  release(): void {
    this.#held = undefined;
    this.#release();
  }

  /** In order: what was taken in is answered. */
  async drain(): Promise<void> {
    await this.gateway.drain();
    await this.#ackLog.flush();
    await this.taps.close();
    for (const { shard } of this.pool.hosts) await this.pool.saveSnapshot(shard);
    await this.pool.close();
  }

  /** At once: connections are cut, what waits is forgotten; a batch being written may or may not be durable. */
  async halt(): Promise<void> {
    this.gateway.app.close();
    await Promise.all([this.taps.close(), this.pool.close(), this.#ackLog.flush()]);
    this.release();
  }

  /** The end of the test. */
  async end(): Promise<void> {
    this.release();
    await this.drain();
    rmSync(this.folder, { recursive: true, force: true });
  }
}
