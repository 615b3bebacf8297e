import type { Command } from 'commander';
import { InvalidArgumentError, Option } from 'commander';
import { usageError } from '../errors.ts';
import { limits } from '../limits.ts';
import { printResult, readInteger, readStreamUrl } from '../options.ts';
import type { ReaderPlan } from '../region/model.ts';
import { dayMinuteToUtcMs } from '../region/zones.ts';
import { CardTurns } from './card-turns.ts';
import { plannedClock, sharedClock, SteppedClock, type SimulatedClock } from './clock.ts';
import { backlog, denser, loadDay, readKeys } from './load.ts';
import { noiseOf, type Interval } from './noise.ts';
import { runFleet, type FleetReport } from './run.ts';
import { scenarioByName, scenarios, type Scenario } from './scenarios.ts';
import type { ReaderOptions } from './simulated-reader.ts';

interface Flags {
  readonly region: string;
  readonly url: string;
  readonly readers?: number;
  readonly speed: number;
  readonly scenario: string;
  readonly day?: string;
  readonly seed: number;
  readonly for?: number;
  readonly start?: number;
  readonly clock?: string;
  readonly step?: number;
  readonly rulesVersion: number;
  readonly epoch?: number;
  readonly tapsPerFrame: number;
  readonly drain: number;
  readonly acks?: string;
  readonly signs?: string;
  readonly json?: boolean;
}

const dayMinutesMax = 24 * 60 - 1;

function readSpeed(text: string): number {
  if (text === 'max') return Infinity;
  const speed = Number(text);
  if (Number.isFinite(speed) && speed > 0) return speed;
  throw new InvalidArgumentError('It must be a positive number or "max".');
}

/** Minutes after midnight of `HH:MM`. */
function readTimeOfDay(text: string): number {
  const match = /^(\d{1,2}):(\d{2})$/.exec(text);
  const minutes = match ? Number(match[1]) * 60 + Number(match[2]) : NaN;
  if (minutes <= dayMinutesMax) return minutes;
  throw new InvalidArgumentError('It must be a time of day as HH:MM.');
}

/** The stretch of time that a day's plans fill. */
export function span(plans: readonly ReaderPlan[]): Interval {
  let fromMs = Infinity;
  let toMs = -Infinity;
  for (const { taps } of plans) {
    if (taps.length === 0) continue;
    fromMs = Math.min(fromMs, taps[0][0]);
    toMs = Math.max(toMs, taps[taps.length - 1][0]);
  }
  return { fromMs, toMs };
}

interface Prepared {
  readonly plans: readonly ReaderPlan[];
  readonly scenario: Scenario;
  readonly window: Interval;
}

/** The readers of a day's plans with their keys and noise. */
export function readerOptions(
  { region, seed, bootEpoch }: { readonly region: string; readonly seed: number; readonly bootEpoch: number },
  { plans, scenario, window }: Prepared,
): ReaderOptions[] {
  const keys = readKeys(region);
  const spare = plans.flatMap(({ role, taps }) => (role === 'turnstile' ? taps : [])).slice(0, scenario.backlogTaps);
  return plans.map((plan) => {
    const privateKey = keys.get(plan.reader_id);
    if (privateKey === undefined) {
      throw usageError('KEY_MISSING', `there is no key of reader ${plan.reader_id}`, 'Make the region anew');
    }
    const madeOffline = scenario.backlogTaps > 0;
    const taps = madeOffline
      ? backlog(plan, scenario.backlogTaps, spare)
      : denser(plan.taps, window.fromMs, scenario.density).filter(([atMs]) => atMs >= window.fromMs);
    const noise = noiseOf(seed, { ...plan, taps }, scenario, window);
    return { readerId: plan.reader_id, privateKey, bootEpoch, taps, madeOffline, noise };
  });
}

/** The clock, and from when on the plan is played. */
function timing(flags: Flags, day: Interval, atStartMs: number | null): { clock: SimulatedClock; fromMs: number } {
  if (flags.step !== undefined) {
    const fromMs = atStartMs ?? day.fromMs - 60_000;
    const service = flags.clock === undefined ? plannedClock(fromMs, 1) : sharedClock(flags.clock);
    return { clock: new SteppedClock(fromMs, flags.step * 1000, service), fromMs };
  }
  if (flags.clock !== undefined) {
    const clock = sharedClock(flags.clock);
    const fromMs = Math.max(clock.nowMs(), atStartMs ?? -Infinity);
    return { clock, fromMs: flags.speed === Infinity ? day.fromMs : fromMs };
  }
  const fromMs = atStartMs ?? day.fromMs - 60_000;
  return { clock: plannedClock(fromMs, flags.speed), fromMs };
}

/** As fast as credit allows, whatever clock the service lives on. */
function unbounded(clock: SimulatedClock): SimulatedClock {
  return { speed: Infinity, nowMs: () => Infinity, serviceMs: () => clock.serviceMs() };
}

async function run(flags: Flags): Promise<void> {
  const scenario = scenarioByName(flags.scenario);
  const { summary, day, plans } = await loadDay(flags.region, flags.day ?? null, flags.readers ?? null);
  const whole = span(plans);
  const atStartMs = flags.start === undefined ? null : dayMinuteToUtcMs(day, flags.start, summary.tz);
  const { clock, fromMs } = timing(flags, whole, atStartMs);
  const atOnce = (flags.speed === Infinity && flags.step === undefined) || scenario.backlogTaps > 0;
  const bootEpoch = flags.epoch ?? Math.floor(Date.now() / 1000);
  const readers = readerOptions({ ...flags, bootEpoch }, { plans, scenario, window: { fromMs, toMs: whole.toMs } });
  const stop = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop.abort());
  const report = await runFleet({
    url: flags.url,
    clock: atOnce ? unbounded(clock) : clock,
    readers,
    tapsPerFrameMax: flags.tapsPerFrame,
    forMs: flags.for === undefined ? null : flags.for * 1000,
    drainMs: flags.drain * 1000,
    acksPath: flags.acks ?? null,
    signsPath: flags.signs ?? null,
    progress: (line) => process.stderr.write(`fleet: ${line}\n`),
    signal: stop.signal,
    turns: scenario.ordered ? new CardTurns() : null,
    onBalance: null,
    rulesVersion: flags.rulesVersion,
  });
  printResult(flags.json, { scenario: flags.scenario, day, ...report }, reportLines(report));
  if (!report.ok) process.exitCode = 1;
}

/** The report for people. */
export function reportLines(report: FleetReport): string[] {
  const { ack_ms: ackMs } = report;
  return [
    `${report.readers} readers made ${report.made} taps, sent ${report.sent}, acknowledged ${report.acked}, left ${report.unacked}`,
    `${report.taps_per_second} taps/s, ack p50 ${ackMs['p50']} ms, p99 ${ackMs['p99']} ms, max ${ackMs['max']} ms`,
    `${report.reconnects} reconnects, ${report.resends} taps repeated on purpose, ${report.answer_mismatches} answers changed`,
    ...Object.entries(report.codes).map(([kind, codes]) => `${kind}: ${JSON.stringify(codes)}`),
    ...(Object.keys(report.errors).length > 0 ? [`errors by code: ${JSON.stringify(report.errors)}`] : []),
    ...report.faults,
    report.ok ? 'ok' : 'not ok',
  ];
}

export function registerFleet(program: Command): void {
  program
    .command('fleet')
    .description('Plays a day of a region through simulated readers, which lose connections, buffer and send again.')
    .requiredOption('--region <dir>', 'a directory that `region` wrote')
    .option('--url <url>', 'the stream', readStreamUrl, 'ws://127.0.0.1:8080/v1/stream')
    .option('--readers <n>', 'only so many of the readers', readInteger(1, limits.regionReadersMax))
    .option('--speed <n>', 'how much faster than the day; "max" for as fast as credit allows', readSpeed, 60)
    .option('--scenario <name>', Object.keys(scenarios).join(', '), 'default')
    .option('--day <day>', 'a day of the region, YYYY-MM-DD (default: its first)')
    .option('--seed <n>', 'of the noise', readInteger(0, 2 ** 32 - 1), 1)
    .option('--for <seconds>', 'make no more taps after so long', readInteger(1, 7 * 86_400))
    .option('--start <time>', "begin at HH:MM in the zone of the region's first school", readTimeOfDay)
    .addOption(
      new Option('--clock <clock>', "the service's clock, SIMSTARTMS:WALLSTARTMS:SPEED (decides the speed)").env(
        'TAPLINE_CLOCK',
      ),
    )
    .option(
      '--step <seconds>',
      'time goes on by so much whenever all is answered, instead of --speed',
      readInteger(1, 3_600),
    )
    .option('--rules-version <n>', 'of the rules that the readers carry', readInteger(0, 2 ** 32 - 1), 2)
    .option('--epoch <n>', 'boot epoch of all readers (default: the second of the start)', readInteger(1, 2 ** 32 - 1))
    .option('--taps-per-frame <n>', 'at most so many taps in a frame', readInteger(1, 512), 512)
    .option(
      '--drain <seconds>',
      'give up so long after the last progress',
      readInteger(0, 86_400),
      limits.drainMs / 1000,
    )
    .option('--acks <file>', 'write every answered identity, and what noise did to it, as NDJSON')
    .option('--signs <file>', "write every connection, its end and every BEAT, by the service's clock, as NDJSON")
    .action(run);
}
