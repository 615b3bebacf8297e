import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { RunningService } from '../clients/running-service.ts';
import { OperatorError } from '../errors.ts';
import { CardTurns } from '../fleet/card-turns.ts';
import { ClockFile, StandingClock } from '../fleet/clock.ts';
import { readerOptions, span } from '../fleet/command.ts';
import { loadDay } from '../fleet/load.ts';
import { runFleet } from '../fleet/run.ts';
import { scenarioByName } from '../fleet/scenarios.ts';
import { limits } from '../limits.ts';
import type { RegionSize } from '../region/defaults.ts';
import { generateRegion } from '../region/generate.ts';
import { prepareService } from '../region/prepare.ts';
import { requireServiceCli } from '../service-cli.ts';
import { RegionFiles } from './region-files.ts';

const minuteMs = 60_000;

export interface PlayOptions {
  readonly seed: number;
  readonly size: RegionSize;
  readonly days: readonly string[];
  /** The scenario of each day, by turns. */
  readonly scenarios: readonly string[];
  readonly out: string;
  readonly progress: (line: string) => void;
  readonly service?: readonly string[];
}

/** Where everything of a played region lies. */
export interface Played {
  readonly region: string;
  readonly data: string;
  readonly acks: readonly string[];
  readonly service: RunningService;
  /** Close it after the service. */
  readonly clockFile: ClockFile;
}

/**
 * Makes a region, starts the service on a clock that stands, imports, prepares, and plays each day. The service is left
 * running, in the evening of the last day, with everything stored and derived.
 */
export async function playRegion(options: PlayOptions): Promise<Played> {
  const { out, days, progress } = options;
  const [region, data] = [join(out, 'region'), join(out, 'data')];
  mkdirSync(out, { recursive: true });
  progress(`making a region of size ${options.size} with ${days.length} days`);
  generateRegion({ seed: options.seed, size: options.size, days, readersMin: 0 }, region);
  const files = new RegionFiles(region);
  progress('importing it');
  await requireServiceCli(['import', region, '--data', data]);
  const clockFile = new ClockFile(join(out, 'clock'), beginsMs(files, days[0]));
  const clock = ['--clock', `@${join(out, 'clock')}`];
  const service = await RunningService.start(data, 0, [...clock, ...(options.service ?? [])]);
  const acks: string[] = [];
  try {
    progress('opening purses, reserving lockers');
    await prepareService(region, data);
    await sleep(limits.registrySettleMs);
    for (const day of days) {
      clockFile.show(beginsMs(files, day));
      await frozen(data);
      acks.push(await playDay(options, { day, files, region, service, clockFile }));
      clockFile.show(endsMs(files, day));
    }
    progress('waiting until everything is stored and derived');
    await derived(data);
    return { region, data, acks, service, clockFile };
  } catch (error) {
    await service.stop();
    clockFile.close();
    throw error;
  }
}

/** Half an hour after midnight in the westernmost zone: the day has begun at every school. */
function beginsMs(files: RegionFiles, day: string): number {
  return (
    Math.max(...[...files.schools.values()].map(({ timeZone }) => files.instantMs(day, 0, timeZone))) + 30 * minuteMs
  );
}

/** The day is not over at any school. */
function endsMs(files: RegionFiles, day: string): number {
  return (
    Math.min(...[...files.schools.values()].map(({ timeZone }) => files.instantMs(day, 1_440, timeZone))) -
    30 * minuteMs
  );
}

interface DayOfPlay {
  readonly day: string;
  readonly files: RegionFiles;
  readonly region: string;
  readonly service: RunningService;
  readonly clockFile: ClockFile;
}

/** Plays one day; gives the path of its `--acks` lines, beside which lie its signs of life. */
async function playDay(options: PlayOptions, { day, files, region, service, clockFile }: DayOfPlay): Promise<string> {
  const { out, days, progress, seed } = options;
  const place = days.indexOf(day);
  const name = options.scenarios[place % options.scenarios.length];
  const scenario = scenarioByName(name);
  const { plans } = await loadDay(region, day, null);
  const whole = span(plans);
  const startMs = Math.floor(Math.min(whole.fromMs, files.firstDoorsMs(day)) / minuteMs - 5) * minuteMs;
  const acksPath = join(out, `acks-${day}.ndjson`);
  const restsMs = files.lastWatchedMs(day);
  const clock = new StandingClock({ file: clockFile, startMs, stepMs: minuteMs, restsMs, restMs: beatsStoredMs });
  const bootEpoch = 1 + place * 100;
  const window = { fromMs: startMs, toMs: whole.toMs };
  const report = await runFleet({
    url: service.ready.stream,
    clock,
    readers: readerOptions({ region, seed: seed + place, bootEpoch }, { plans, scenario, window }),
    tapsPerFrameMax: 512,
    forMs: null,
    drainMs: limits.drainMs,
    acksPath,
    signsPath: join(out, `signs-${day}.ndjson`),
    progress: (line) => progress(`${day} ${name} ${line}`),
    signal: null,
    turns: new CardTurns(),
    onBalance: null,
    rulesVersion: 2,
  });
  // Let the service hear that the connections are closed before its clock goes on.
  await sleep(closedWithinMs);
  if (!report.ok) throw new OperatorError('DAY_NOT_PLAYED', `${day}: ${JSON.stringify(report)}`, 'See the service log');
  progress(`${day} ${name}: ${report.acked} taps in ${report.seconds} s`);
  return acksPath;
}

const closedWithinMs = 500;
/** BEATs of readers are in ClickHouse within so long by the wall clock. */
const beatsStoredMs = 6_000;
const pollMs = 500;
const settledMs = 3 * 60_000;

interface Status {
  readonly roster: { readonly waiting_days: number; readonly last_error: string | null };
  readonly sink: { readonly backlog_records: number };
  readonly derive: {
    readonly backlog_days: number;
    readonly scanning: boolean;
    readonly last_error: string | null;
  } | null;
}

async function status(data: string): Promise<Status> {
  return (await requireServiceCli(['status', '--data', data])).json as Status;
}

async function until(data: string, what: string, holds: (now: Status) => boolean): Promise<void> {
  const deadlineMs = Date.now() + settledMs;
  for (let held = 0; held < 2;) {
    const now = await status(data);
    held = holds(now) ? held + 1 : 0;
    if (Date.now() > deadlineMs) {
      throw new OperatorError('NOT_SETTLED', `${what} did not end: ${JSON.stringify(now)}`, 'See the service log');
    }
    await sleep(pollMs);
  }
}

/** The rosters of the day are there: the service looks for a new day every second. */
async function frozen(data: string): Promise<void> {
  await sleep(1_500);
  await until(data, 'freezing', ({ roster }) => roster.waiting_days === 0 && roster.last_error === null);
}

/** School days whose newest derivation is older than the end of their lessons. */
const olderThanLessons = `SELECT count() AS n FROM (
  SELECT school_id, school_day, max(end_at) AS ends FROM roster_day GROUP BY school_id, school_day) AS r
  LEFT JOIN v_derive_head AS h USING (school_id, school_day) WHERE h.at < r.ends + 60`;

async function derived(data: string): Promise<void> {
  const isDone = ({ sink, derive }: Status): boolean =>
    sink.backlog_records === 0 && derive?.backlog_days === 0 && !derive.scanning;
  await until(data, 'storing and deriving', isDone);
  for (const deadlineMs = Date.now() + settledMs; ; await sleep(pollMs)) {
    const { json } = await requireServiceCli(['sql', olderThanLessons, '--data', data]);
    const [{ n }] = (json as { data: { n: string | number }[] }).data;
    if (Number(n) === 0) return until(data, 'deriving', isDone);
    if (Date.now() > deadlineMs) {
      throw new OperatorError(
        'NOT_SETTLED',
        `${n} school days are not derived since they ended`,
        'See the service log',
      );
    }
  }
}
