import { writeFileSync } from 'node:fs';
import path from 'node:path';
import pino from 'pino';
import { expect, vi } from 'vitest';
import { openClickHouse, type ClickHouseClient } from '../../analytics/clickhouse/client.ts';
import { readConfig } from '../config.ts';
import { DataDirectory } from '../data-directory.ts';
import { publicKeyOf, uidOf } from '../gateway/running-gateway.suite.ts';
import { TestReader } from '../gateway/test-reader.suite.ts';
import { startService } from '../main.ts';
import { encodeBeat, encodeTaps } from '../protocol/encode.ts';
import { importDirectory } from '../registry/import.ts';
import { openRegistry } from '../registry/store.ts';
import { removeFolder, temporaryFolder } from '../running-service.suite.ts';
import type { Service } from '../service.ts';

/** How long anything may take on a machine that is busy; nothing is measured by it. */
const waitMs = 20_000;
export const minuteMs = 60_000;
export const kindNumber = { in: 1, out: 2 } as const;

export interface School {
  readonly id: number;
  readonly zone: string;
  readonly districtId?: number;
  readonly shift?: number;
  readonly pupils: readonly number[];
  /** Its gates. */
  readonly readers: readonly number[];
}

export interface GateTap {
  readonly pupil: number;
  /** ISO 8601. */
  readonly at: string;
  readonly way?: 'in' | 'out';
}

async function importAll(folder: string, data: string, schools: readonly School[], more: Lines): Promise<void> {
  const districts = [...new Set(schools.map(({ districtId = 1 }) => districtId))];
  const files: Lines = {
    'districts.csv': ['district_id,name', ...districts.map((id) => `${id},District ${id}`)],
    'schools.csv': [
      'school_id,district_id,name,tz',
      ...schools.map(({ id, districtId = 1, zone }) => `${id},${districtId},School ${id},${zone}`),
    ],
    'classes.csv': [
      'class_id,school_id,name,shift',
      ...schools.map(({ id, shift = 1 }) => `${id * 10},${id},1A,${shift}`),
    ],
    'pupils.csv': [
      'pupil_id,class_id,last_name,first_name,entitled',
      ...schools.flatMap(({ id, pupils }) => pupils.map((pupil) => `${pupil},${id * 10},Last${pupil},First,0`)),
    ],
    'cards.csv': [
      'card_uid,pupil_id,status,expires',
      ...schools.flatMap(({ pupils }) =>
        pupils.map((pupil) => `${Buffer.from(uidOf(pupil)).toString('hex')},${pupil},active,`),
      ),
    ],
    'readers.csv': [
      'reader_id,school_id,place,kinds,public_key',
      ...schools.flatMap(({ id, readers }) =>
        readers.map((reader) => `${reader},${id},gate ${reader},gate-in gate-out,${publicKeyOf(reader)}`),
      ),
    ],
    ...more,
  };
  for (const [name, lines] of Object.entries(files)) writeFileSync(path.join(folder, name), `${lines.join('\n')}\n`);
  const registry = await openRegistry(DataDirectory.open(data).path);
  const report = await importDirectory(registry, folder);
  await registry.close();
  if (!report.ok) throw new Error(JSON.stringify(report));
}

type Lines = Readonly<Record<string, readonly string[]>>;

/** The whole service in this process, with schools and gates as a test needs them. Its clock stands until it is moved. */
export class RunningRegion {
  service!: Service;
  nowMs: number;
  readonly #folder = temporaryFolder();
  readonly #readers = new Map<number, TestReader>();
  readonly #seqs = new Map<number, number>();
  #stream = '';
  #client!: ClickHouseClient;

  private constructor(nowMs: number) {
    this.nowMs = nowMs;
  }

  /** `more`: lines of further files to import, by name. */
  static async start(schools: readonly School[], now: string, more: Lines = {}): Promise<RunningRegion> {
    const region = new RunningRegion(Date.parse(now));
    const data = path.join(region.#folder, 'data');
    await importAll(region.#folder, data, schools, more);
    const config = { ...readConfig({ port: '0', shards: '2' }, {}), clock: () => region.nowMs };
    const started = await startService(config, pino({ level: 'silent' }), data);
    region.service = started.service;
    region.#stream = started.address.stream;
    region.#client = openClickHouse(region.service.clickhouseAddress);
    return region;
  }

  async end(): Promise<void> {
    for (const reader of this.#readers.keys()) await this.leave(reader);
    await this.#client.close();
    await this.service.stop();
    removeFolder(this.#folder);
  }

  /** Sets the clock, and waits until the schools' days that begin with it are frozen. */
  async moveTo(now: string, frozen: Readonly<Record<string, readonly School[]>> = {}): Promise<void> {
    this.nowMs = Date.parse(now);
    for (const [day, schools] of Object.entries(frozen)) {
      const found = () =>
        this.ask<{ id: number }>(`SELECT DISTINCT school_id AS id FROM calendar_day WHERE school_day = '${day}'`);
      const wanted = schools.map(({ id }) => id);
      await vi.waitFor(
        async () => expect((await found()).map(({ id }) => id)).toEqual(expect.arrayContaining(wanted)),
        {
          timeout: waitMs,
        },
      );
    }
  }

  /** Taps of one gate in one frame, whenever they were made; each has to be decided. Connects if need be. */
  async tap(readerId: number, taps: readonly GateTap[]): Promise<void> {
    const reader = await this.connect(readerId);
    const firstSeq = this.#seqs.get(readerId) ?? 1;
    const madeMs = taps.map(({ at }) => Date.parse(at));
    const baseMs = Math.min(...madeMs);
    const fields = taps.map(({ pupil, way = 'in' }, index) => {
      return { uid: uidOf(pupil), kind: kindNumber[way], deltaMs: madeMs[index] - baseMs };
    });
    reader.send(encodeTaps({ firstSeq, baseMs, taps: fields }));
    this.#seqs.set(readerId, firstSeq + taps.length);
    const { codes } = await reader.expect('ack');
    expect([...codes]).toEqual(taps.map(() => 10));
  }

  async connect(readerId: number): Promise<TestReader> {
    const connected = this.#readers.get(readerId);
    if (connected !== undefined) return connected;
    const { reader } = await TestReader.welcome(this.#stream, readerId, { clockMs: this.nowMs });
    this.#readers.set(readerId, reader);
    return reader;
  }

  async leave(readerId: number): Promise<void> {
    const reader = this.#readers.get(readerId);
    this.#readers.delete(readerId);
    await reader?.close();
  }

  /** A connected gate is alive until a moment: the clock moves on minute by minute, with a beat in each. */
  async aliveUntil(readerId: number, until: string): Promise<void> {
    const reader = await this.connect(readerId);
    const untilMs = Date.parse(until);
    while (this.nowMs < untilMs) {
      this.nowMs = Math.min(untilMs, this.nowMs + minuteMs);
      const before = this.#beats();
      reader.send(encodeBeat({ clockMs: this.nowMs, queued: 0, oldestMs: null, rulesVersion: 1 }));
      while (this.#beats() === before) await new Promise((resolve) => setTimeout(resolve, 1));
    }
    await this.service.beats.flush();
  }

  #beats(): number {
    const { inserted, buffered } = this.service.beats.status();
    return inserted + buffered;
  }

  /** Rows of a query. */
  async ask<T>(query: string): Promise<T[]> {
    return (await this.#client.query({ query, format: 'JSONEachRow' })).json<T>();
  }

  /** Polls until a query's rows are these; tells how long that took, ms of real time. */
  async until(query: string, rows: readonly unknown[]): Promise<number> {
    const beganAtMs = Date.now();
    await expect.poll(() => this.ask(query), { timeout: waitMs, interval: 50 }).toEqual(rows);
    return Date.now() - beganAtMs;
  }
}
