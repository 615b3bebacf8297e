import pino from 'pino';
import { onTestFinished } from 'vitest';
import { openClickHouse, type ClickHouseClient } from '../../analytics/clickhouse/client.ts';
import { migrate } from '../../analytics/schema/migrate.ts';
import { goodKey, temporaryRegistry, writeFiles, type Files } from '../registry/fixtures.suite.ts';
import { importDirectory } from '../registry/import.ts';
import type { Registry } from '../registry/store.ts';
import { RosterFeeder, type DirtyDay } from './roster-feeder.ts';

/** Nobody listens there. */
export const nowhere = 'http://127.0.0.1:9/tapline';
const waitMs = 30_000;
let databases = 0;

export interface FrozenRow {
  pupil_id: number;
  class_id: number;
  shift: number;
  doors: string;
  bell: string;
  end: string;
  entitled: number;
  excused: number;
}

export function dayOf(date: string): number {
  return Date.parse(date) / 86_400_000;
}

export function csv(header: string, rows: readonly string[]): string {
  return [header, ...rows, ''].join('\n');
}

/** Two schools in Moscow, one in Irkutsk; pupils 1 to 3 in the first, 4 in the second, 5 in the third. */
export const threeSchools: Files = {
  'districts.csv': 'district_id,name\n1,North\n2,South\n',
  'schools.csv':
    'school_id,district_id,name,tz\n10,1,Ten,Europe/Moscow\n11,1,Eleven,Europe/Moscow\n20,2,Twenty,Asia/Irkutsk\n',
  'classes.csv': 'class_id,school_id,name,shift\n100,10,1A,1\n101,10,2A,2\n110,11,1A,1\n200,20,1A,1\n',
  'pupils.csv': csv('pupil_id,class_id,last_name,first_name,entitled', [
    ...['1,100,Secretov,Ivan,1', '2,100,Secretova,Anna,0', '3,101,Secretenko,Oleg,0'],
    ...['4,110,Secretyan,Ada,0', '5,200,Secretin,Yan,1'],
  ]),
  'readers.csv': `reader_id,school_id,place,kinds,public_key\n1000,10,Main gate,gate-in gate-out,${goodKey(1)}\n`,
};

/** A registry, a database of its own, and a feeder whose clock stands until the test moves it. */
export class RunningFeeder {
  readonly registry: Registry;
  readonly client: ClickHouseClient;
  readonly url: string;
  readonly dirty: DirtyDay[] = [];
  readonly log: Record<string, unknown>[] = [];
  nowMs: number;
  feeder: RosterFeeder;
  #change = 0;
  #isDeaf = false;

  private constructor(registry: Registry, url: string, nowMs: number) {
    this.registry = registry;
    this.url = url;
    this.client = openClickHouse(url);
    this.nowMs = nowMs;
    this.feeder = this.#open(url);
  }

  static async prepare(engineUrl: string, files: Files, now: string): Promise<RunningFeeder> {
    const registry = await temporaryRegistry();
    const url = engineUrl.replace(/\/[^/]*$/, `/roster_${++databases}`);
    await migrate(url);
    const running = new RunningFeeder(registry, url, Date.parse(now));
    onTestFinished(async () => {
      await running.feeder.stop();
      await running.client.close();
    });
    await running.import(files);
    return running;
  }

  static async start(engineUrl: string, files: Files, now: string): Promise<RunningFeeder> {
    const running = await RunningFeeder.prepare(engineUrl, files, now);
    running.feeder.start();
    return running;
  }

  /** As a service that ends and begins again. */
  async restart(url = this.url): Promise<void> {
    await this.feeder.stop();
    this.feeder = this.#open(url);
    this.feeder.start();
  }

  /** Imports, and tells the feeder as the feed does. */
  async import(files: Files): Promise<void> {
    const report = await importDirectory(this.registry, writeFiles(files));
    if (!report.ok) throw new Error(JSON.stringify(report));
    await this.follow();
  }

  async follow(): Promise<void> {
    const entries = await this.registry.changesAfter(this.#change, 1_000_000);
    this.#change = entries.at(-1)?.change ?? this.#change;
    this.feeder.changed(entries);
  }

  /** Rows of a query as soon as they are what is expected; the last ones when that does not come. */
  async until<Row>(query: string, isRight: (rows: Row[]) => boolean): Promise<Row[]> {
    const giveUpAtMs = Date.now() + waitMs;
    for (;;) {
      const rows = await this.ask<Row>(query);
      if (isRight(rows) || Date.now() > giveUpAtMs) return rows;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  async ask<Row>(query: string): Promise<Row[]> {
    return await (await this.client.query({ query, format: 'JSONEachRow' })).json<Row>();
  }

  /** `school day open reason revision` of each day that is frozen, as soon as they are so many. */
  async calendar(count: number): Promise<string[]> {
    const rows = await this.until<{ line: string }>(
      `SELECT concat(toString(school_id), ' ', toString(school_day), if(is_open = 1, ' open ', ' closed '), reason, ' ',
         toString(revision)) AS line FROM calendar_day FINAL ORDER BY school_id, school_day`,
      (found) => found.length >= count,
    );
    return rows.map(({ line }) => line);
  }

  async frozen(schoolId: number, date: string, revision = 1): Promise<void> {
    const which = `school_id = ${schoolId} AND school_day = '${date}' AND revision = ${revision}`;
    const rows = await this.until(`SELECT 1 FROM calendar_day WHERE ${which}`, (found) => found.length > 0);
    if (rows.length === 0) throw new Error(`not frozen: ${which}`);
  }

  /** Until a day is frozen under a revision: what its roster is then, in UTC. */
  async roster(schoolId: number, date: string, revision = 1): Promise<FrozenRow[]> {
    const which = `school_id = ${schoolId} AND school_day = '${date}'`;
    await this.frozen(schoolId, date, revision);
    return await this.ask<FrozenRow>(
      `SELECT pupil_id, class_id, shift, formatDateTime(doors_at, '%F %R') AS doors, formatDateTime(bell_at, '%F %R') AS bell,
         formatDateTime(end_at, '%F %R') AS end, entitled, excused
       FROM roster_day FINAL WHERE ${which}
         AND revision = (SELECT max(revision) FROM roster_day WHERE ${which}) ORDER BY pupil_id`,
    );
  }

  #open(url: string): RosterFeeder {
    const log = pino({ base: null }, { write: (line) => this.log.push(JSON.parse(line) as Record<string, unknown>) });
    // Every second time nobody listens.
    const markDirty = (days: readonly DirtyDay[]): Promise<boolean> => {
      this.#isDeaf = !this.#isDeaf;
      if (!this.#isDeaf) this.dirty.push(...days);
      return Promise.resolve(!this.#isDeaf);
    };
    const common = { registry: this.registry, clickhouseUrl: url, log, markDirty, dayCheckIntervalMs: 20 };
    return new RosterFeeder({ ...common, now: () => this.nowMs });
  }
}
