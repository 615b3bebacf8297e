import { writeFileSync } from 'node:fs';
import path from 'node:path';
import pino from 'pino';
import { AdminClient } from '../admin-client.ts';
import { readConfig } from '../config.ts';
import { DataDirectory } from '../data-directory.ts';
import { publicKeyOf, uidOf } from '../gateway/running-gateway.suite.ts';
import { TestReader } from '../gateway/test-reader.suite.ts';
import { startService } from '../main.ts';
import { encodeTaps, type TapFields } from '../protocol/encode.ts';
import { importDirectory } from '../registry/import.ts';
import { openRegistry } from '../registry/store.ts';
import { removeFolder, tapline, temporaryFolder } from '../running-service.suite.ts';
import type { Service } from '../service.ts';

export const schoolId = 10;
export const otherSchoolId = 11;
/** Readers of the school by what they are for. */
export const readerOf = { gate: 1, till: 2, bus: 3, otherTill: 4, locker: 5, gateElsewhere: 6 } as const;
export type ReaderName = keyof typeof readerOf;
export const pupils = [1, 2, 3, 4, 5, 6] as const;
/** Of them, with free meals. */
export const entitledPupils: readonly number[] = [3, 4];
export const dayMs = 86_400_000;
/** 1 September 2026, 9:00 in Moscow. */
export const morningMs = Date.UTC(2026, 8, 1, 6);

const kinds: Record<ReaderName, string> = {
  gate: 'gate-in gate-out',
  till: 'meal buffet',
  bus: 'fare',
  otherTill: 'meal buffet',
  locker: 'locker-open locker-close',
  gateElsewhere: 'gate-in gate-out',
};
const rules = { region: { fare: { routes: { 7: { kop: 3_000 } }, bounce_s: 10 }, prices: { 1: 12_000 } } };

async function prepare(folder: string, data: string): Promise<void> {
  const files: Record<string, string[]> = {
    'districts.csv': ['district_id,name', '1,North'],
    'schools.csv': ['school_id,district_id,name,tz', `${schoolId},1,Ten,Europe/Moscow`, '11,1,Eleven,Asia/Irkutsk'],
    'classes.csv': ['class_id,school_id,name,shift', `100,${schoolId},1A,1`, '110,11,1B,1'],
    'pupils.csv': [
      'pupil_id,class_id,last_name,first_name,entitled',
      ...pupils.map((id) => `${id},100,Last${id},First,${entitledPupils.includes(id) ? 1 : 0}`),
    ],
    'cards.csv': [
      'card_uid,pupil_id,status,expires',
      ...pupils.map((id) => `${Buffer.from(uidOf(id)).toString('hex')},${id},active,`),
    ],
    'readers.csv': [
      'reader_id,school_id,place,kinds,public_key',
      ...Object.entries(readerOf).map(
        ([name, id]) =>
          `${id},${name === 'gateElsewhere' ? otherSchoolId : schoolId},${name},${kinds[name as ReaderName]},${publicKeyOf(id)}`,
      ),
    ],
    'rules.json': [JSON.stringify(rules)],
  };
  for (const [name, lines] of Object.entries(files)) writeFileSync(path.join(folder, name), `${lines.join('\n')}\n`);
  const registry = await openRegistry(DataDirectory.open(data).path);
  const report = await importDirectory(registry, folder);
  await registry.close();
  if (!report.ok) throw new Error(JSON.stringify(report));
}

/**
 * One school's whole service, in this process: registry, two shards, gateway, ClickHouse. Its clock stands until the test
 * moves it, and readers show the same time.
 */
export class RunningSchool {
  readonly data: string;
  service!: Service;
  admin!: AdminClient;
  nowMs = morningMs;
  readonly #readers = new Map<ReaderName, TestReader>();
  readonly #seqs = new Map<ReaderName, number>();
  #stream = '';

  readonly #folder = temporaryFolder();

  private constructor() {
    this.data = path.join(this.#folder, 'data');
  }

  static async start(): Promise<RunningSchool> {
    const school = new RunningSchool();
    await prepare(school.#folder, school.data);
    await school.begin();
    return school;
  }

  async begin(flags: Record<string, string> = {}): Promise<void> {
    const config = { ...readConfig({ port: '0', shards: '2', ...flags }, {}), clock: () => this.nowMs };
    const started = await startService(config, pino({ level: 'silent' }), this.data);
    this.service = started.service;
    this.#stream = started.address.stream;
    this.admin = AdminClient.connect(DataDirectory.openExisting(this.data));
  }

  async stop(): Promise<void> {
    for (const name of this.#readers.keys()) await this.leave(name);
    await this.service.stop();
  }

  async end(): Promise<void> {
    await this.stop();
    removeFolder(this.#folder);
  }

  /** Puts money into every purse of every pupil. */
  async fill(kop: number): Promise<void> {
    const topups = pupils.flatMap((pupil) =>
      ['meal', 'buffet', 'transport'].map((purse) => ({ pupil, purse, kop, key: `fill ${pupil} ${purse}` })),
    );
    await this.admin.call('POST', '/admin/v1/topups', { topups });
  }

  /** Taps of one reader, in one frame, made `afterMs` after `baseMs`; the last of them is made now. Gives the codes. */
  async tap(
    name: ReaderName,
    taps: readonly Tap[],
    baseMs = this.nowMs - Math.max(...taps.map(({ afterMs = 0 }) => afterMs)),
  ): Promise<number[]> {
    const reader = await this.connect(name);
    const firstSeq = this.#seqs.get(name) ?? 1;
    const fields = taps.map(({ pupil, afterMs = 0, ...rest }): TapFields => {
      return { uid: uidOf(pupil), deltaMs: afterMs, ...rest };
    });
    reader.send(encodeTaps({ firstSeq, baseMs, taps: fields }));
    this.#seqs.set(name, firstSeq + taps.length);
    return [...(await reader.expect('ack')).codes];
  }

  async connect(name: ReaderName): Promise<TestReader> {
    const connected = this.#readers.get(name);
    if (connected !== undefined) return connected;
    const { reader } = await TestReader.welcome(this.#stream, readerOf[name], { clockMs: this.nowMs });
    this.#readers.set(name, reader);
    return reader;
  }

  async leave(name: ReaderName): Promise<void> {
    const reader = this.#readers.get(name);
    this.#readers.delete(name);
    await reader?.close();
  }

  /** Runs a command with --json; its exit status has to be `status`. */
  async command<T>(parameters: readonly string[], status = 0): Promise<T> {
    const result = await tapline([...parameters, '--json', '--data', this.data]);
    if (result.status !== status)
      throw new Error(`${parameters.join(' ')}: ${result.status} ${result.error}${result.out}`);
    return JSON.parse(result.out) as T;
  }

  /** Rows of a query, once ClickHouse has everything that is durable. */
  async sql<T>(query: string): Promise<T[]> {
    const { service } = this;
    const isStored = () =>
      service.sink.status().shard.every((one) => one.storedPosition >= service.pool.durablePositions[one.shard]);
    for (let tries = 0; !isStored() && tries < 600; tries++) await new Promise((resolve) => setTimeout(resolve, 50));
    return (await this.command<{ data: T[] }>(['sql', query])).data;
  }
}

export interface Tap {
  readonly pupil: number;
  readonly kind: number;
  readonly afterMs?: number;
  readonly amountKop?: number;
  readonly ref?: number;
  readonly flags?: number;
}
