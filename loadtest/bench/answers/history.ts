import { createHash } from 'node:crypto';
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { openClickHouse } from '../../../analytics/clickhouse/client.ts';
import { EmbeddedClickHouse } from '../../../analytics/clickhouse/embedded.ts';
import * as attendanceSql from '../../../analytics/derive/attendance-sql.ts';
import * as moneySql from '../../../analytics/derive/money-sql.ts';
import { migrate, readMigrations } from '../../../analytics/schema/migrate.ts';
import { OperatorError } from '../../errors.ts';
import { Workspace } from '../workspace.ts';
import { deriveDays, dropOldBeats, type Filled, HistoryFill, mergesAreQuiet } from './fill.ts';
import * as fillSql from './fill-sql.ts';
import { answersLimits } from './limits.ts';
import { readPopulation } from './population.ts';
import { lastOpenDay } from './school-days.ts';

export interface HistorySettings {
  readonly size: 'small' | 'medium';
  readonly seed: number;
  readonly taps: number;
  readonly days: number;
}

export interface HistorySpent {
  readonly fill_ms: number;
  readonly derive_ms: number;
}

/** Two histories on disk: the whole of it, and a tenth, which is its newest part. */
export interface History {
  /** The region's import files. */
  readonly region: string;
  /** A service's data directory with the engine that holds the whole. */
  readonly data: string;
  /** The engine's folder of the tenth. */
  readonly smallEngine: string;
  readonly full: Filled;
  readonly small: Filled;
  readonly spent: HistorySpent;
}

type Progress = (line: string) => void;

interface Kept {
  readonly key: string;
  readonly full: Filled;
  readonly small: Filled;
  readonly spent: HistorySpent;
}

/** Another schema, derivation or fill, or other settings make another history. */
function keyOf(settings: HistorySettings): string {
  const derivation = { ...attendanceSql, ...moneySql };
  const { size, seed, taps, days } = settings;
  const made = { size, seed, taps, days, migrations: readMigrations(), derivation, fill: { ...fillSql } };
  return createHash('sha256').update(JSON.stringify(made)).digest('hex');
}

function pathsOf(home: string) {
  return {
    region: join(home, 'region'),
    data: join(home, 'data'),
    smallEngine: join(home, 'small'),
    manifest: join(home, 'history.json'),
  };
}

/** The history of `home`, made if it is not there or was made of something else. */
export async function prepareHistory(home: string, settings: HistorySettings, progress: Progress): Promise<History> {
  const { manifest, ...paths } = pathsOf(home);
  const key = keyOf(settings);
  const kept = existsSync(manifest) ? (JSON.parse(readFileSync(manifest, 'utf8')) as Kept) : undefined;
  if (kept?.key === key) {
    progress(`the history of ${home} is used again`);
    return { ...paths, ...kept };
  }
  if (kept === undefined && [paths.region, paths.data, paths.smallEngine].some((path) => existsSync(path))) {
    progress(`a history in ${home} was broken off and is made anew`);
  }
  for (const path of [manifest, ...Object.values(paths)]) rmSync(path, { recursive: true, force: true });
  mkdirSync(home, { recursive: true });
  const made = await makeHistory(home, settings, progress);
  writeFileSync(manifest, JSON.stringify({ key, ...made }));
  return { ...paths, ...made };
}

/** Throws OperatorError DISK_FULL when there is no room for a run. */
export function requireRoom(folder: string, taps: number): void {
  const { bavail, bsize } = statfsSync(folder);
  const needed = taps * answersLimits.diskBytesPerTap + answersLimits.diskBytesBesides;
  if (bavail * bsize >= needed) return;
  const gib = (bytes: number) => (bytes / 2 ** 30).toFixed(1);
  const cause = `${gib(bavail * bsize)} GiB are free under ${folder}, and ${gib(needed)} are needed`;
  throw new OperatorError('DISK_FULL', cause, 'Make room, or ask for fewer --taps');
}

async function makeHistory(home: string, settings: HistorySettings, progress: Progress): Promise<Omit<Kept, 'key'>> {
  const { region, data, smallEngine } = pathsOf(home);
  progress(`making a ${settings.size} region`);
  const space = await Workspace.create(settings.size, 0);
  try {
    cpSync(space.region, region, { recursive: true });
    cpSync(space.newData(), data, { recursive: true });
  } finally {
    space.remove();
  }
  const spent = { fill_ms: 0, derive_ms: 0 };
  const tenth = { taps: settings.taps / 10, days: Math.ceil(settings.days / 10) };
  const engine = join(data, 'clickhouse');
  const small = await extendHistory(engine, { region, settings, target: tenth, spent, progress });
  cpSync(engine, smallEngine, { recursive: true });
  const full = await extendHistory(engine, { region, settings, target: settings, spent, progress, before: small });
  return { full, small, spent: { fill_ms: Math.round(spent.fill_ms), derive_ms: Math.round(spent.derive_ms) } };
}

interface Extension {
  readonly region: string;
  readonly settings: HistorySettings;
  readonly target: { readonly taps: number; readonly days: number };
  readonly spent: { fill_ms: number; derive_ms: number };
  readonly progress: Progress;
  readonly before?: Filled;
}

async function extendHistory(directory: string, extension: Extension): Promise<Filled> {
  const { region, settings, target, spent, progress, before } = extension;
  const engine = await EmbeddedClickHouse.start({ directory });
  const client = openClickHouse(engine.url, { requestTimeoutMs: answersLimits.statementTimeoutMs });
  try {
    await migrate(engine.url);
    const population = readPopulation(region);
    const fill = new HistoryFill(client, population, settings.seed, progress);
    let beganMs = performance.now();
    if (before === undefined) await fill.begin();
    const lastDay = before?.lastDay ?? lastOpenDay(Math.floor(Date.now() / 86_400_000));
    const filled = await fill.extend(lastDay, target, before);
    spent.fill_ms += performance.now() - beganMs;
    beganMs = performance.now();
    const olderThan = before?.firstDay ?? lastDay + 1;
    const days = Array.from({ length: olderThan - filled.firstDay }, (_, place) => olderThan - 1 - place);
    const schools = population.schools.map(({ school_id }) => school_id);
    await deriveDays(engine.url, schools, days, { atOnce: answersLimits.derivesAtOnce, progress });
    spent.derive_ms += performance.now() - beganMs;
    await dropOldBeats(client, lastDay);
    progress('waiting for merges');
    await mergesAreQuiet(client, progress);
    return filled;
  } finally {
    await client.close();
    await engine.stop();
  }
}
