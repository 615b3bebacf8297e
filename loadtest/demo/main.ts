import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Command, CommanderError } from 'commander';
import { RunningService } from '../clients/running-service.ts';
import { OperatorError } from '../errors.ts';
import { readInteger } from '../options.ts';
import { prepareService } from '../region/prepare.ts';
import { requireServiceCli, runServiceCli } from '../service-cli.ts';
import { FleetProcess } from './fleet-process.ts';
import { MetricsLine } from './metrics-line.ts';

interface Flags {
  readonly for?: number;
  readonly speed: number;
  readonly size: string;
  readonly port: number;
  readonly start: string;
  readonly seed: number;
}

/** The region's first school keeps Moscow time, three hours ahead of UTC the whole year. */
const zoneOffsetMs = 3 * 3_600_000;
const dayMs = 86_400_000;
const lineEveryMs = 1_000;
/** Start of the service, purses and lockers: the readers' day begins about when they are done. */
const preparationMs = 7_000;

const program = new Command('demo')
  .description('a generated region, the service, embedded ClickHouse and a fleet that streams a school day')
  .option('--for <seconds>', 'stop after so long, verify, and exit with the verdict', readInteger(1, 86_400))
  .option('--speed <n>', 'how much faster than the day', readInteger(1, 1_000), 60)
  .option('--size <size>', 'small, medium or large', 'small')
  .option('--port <port>', 'port of the readers; the next free one if it is taken', readInteger(0, 65_535), 8080)
  .option('--start <time>', 'time of day to begin at, HH:MM', '08:00')
  .option('--seed <n>', 'of the region and the noise', readInteger(0, 2 ** 31), 1)
  .exitOverride()
  .configureOutput({ outputError: () => undefined });

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}

/** The last day before today that is no weekend, as days since 1970. */
function lastSchoolDay(): number {
  let day = Math.floor((Date.now() + zoneOffsetMs) / dayMs) - 1;
  while ([0, 6].includes(new Date(day * dayMs).getUTCDay())) day -= 1;
  return day;
}

function startMsOf(day: number, time: string): number {
  const match = /^([01]\d|2[0-3]):([0-5]\d)$/.exec(time);
  if (match === null) throw new OperatorError('START_INVALID', `"${time}" is no time`, 'Give it as HH:MM', 2);
  return day * dayMs + (Number(match[1]) * 60 + Number(match[2])) * 60_000 - zoneOffsetMs;
}

async function startService(data: string, port: number, clock: string): Promise<RunningService> {
  const more = ['--clock', clock, '--log-level', 'warn'];
  try {
    return await RunningService.start(data, port, more);
  } catch (error) {
    if (!(error instanceof OperatorError) || !error.message.includes('PORT_TAKEN')) throw error;
    return await RunningService.start(data, 0, more);
  }
}

function describe(service: RunningService, data: string): void {
  const cli = (rest: string) => `  npm run -s tapline -- ${rest} --data ${data}`;
  say('');
  say(`readers     ${service.ready.stream}`);
  say(`operation   ${service.ready.url}/metrics  ${service.ready.url}/readyz`);
  say(`answers     ${service.ready.dashboards}/api/v1/openapi.json`);
  say('what to try, in another terminal:');
  say(cli('status'));
  say(cli('verify'));
  say(cli('account --pupil 100001'));
  say(cli('report attendance --lang en'));
  const bearer = `-H "Authorization: Bearer $(cat ${join(data, 'admin.token')})"`;
  say(`  curl ${bearer} "${service.ready.dashboards}/api/v1/query/overview_today"`);
  say(cli('sql "SELECT kind_name, code_name, count() FROM tap GROUP BY ALL ORDER BY ALL"'));
  say(cli('sql "SELECT local_minute, count() FROM tap WHERE kind = 1 GROUP BY ALL ORDER BY ALL"'));
  say('');
}

/** Shows the live line until the fleet is done or somebody asks to end. */
async function watch(service: RunningService, fleet: FleetProcess, dayTime: () => string, ending: AbortSignal) {
  const line = new MetricsLine(service.ready.url);
  let isOver = false;
  void fleet.ended.then(() => (isOver = true));
  while (!isOver) {
    const text = await line.read(dayTime()).catch(() => 'the service does not answer');
    process.stdout.write(process.stdout.isTTY ? `\r${text}   ` : `${text}\n`);
    await sleep(lineEveryMs, undefined, { signal: ending }).catch(() => fleet.stop());
    if (ending.aborted) await fleet.ended;
  }
  if (process.stdout.isTTY) say('');
}

/** Prints `verify`'s verdict as the last line; true if all is well. */
async function verdictOf(data: string): Promise<boolean> {
  const { exitStatus, json, errorText } = await runServiceCli(['verify', '--data', data]);
  if (json === null) {
    say(`verify failed: ${errorText.trim()}`);
    return false;
  }
  const verdict = json as Record<string, number | boolean | string[]>;
  for (const problem of verdict.problems as string[]) say(`  ${problem}`);
  const { acked, journaled, stored, lost, doubled, sum_kop: sumKop } = verdict;
  const [told, kept, found] = [acked, journaled, stored].map(Number);
  const counts = `acknowledged ${told} ${sign(told, kept)} journaled ${kept} ${sign(kept, found)} stored ${found}`;
  const word = exitStatus === 0 ? 'ok' : 'NOT OK';
  say(`${word}: ${counts}, lost ${Number(lost)}, doubled ${Number(doubled)}, Σ ${Number(sumKop)}`);
  return exitStatus === 0;
}

function sign(left: number, right: number): string {
  if (left === right) return '=';
  return left < right ? '<' : '>';
}

async function run(flags: Flags): Promise<boolean> {
  const home = mkdtempSync(join(tmpdir(), 'tapline-demo-'));
  const data = join(home, 'data');
  const region = join(home, 'region');
  const day = lastSchoolDay();
  const date = new Date(day * dayMs).toISOString().slice(0, 10);
  const startMs = startMsOf(day, flags.start);
  const ending = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => ending.abort());
  say(`making a ${flags.size} region and its school day ${date}`);
  await requireServiceCli([
    'region',
    '--seed',
    String(flags.seed),
    '--size',
    flags.size,
    '--day',
    date,
    '--out',
    region,
  ]);
  await requireServiceCli(['import', region, '--data', data]);
  say('starting the service and ClickHouse');
  const clock = `${startMs}:${Date.now() + preparationMs}:${flags.speed}`;
  const service = await startService(data, flags.port, clock);
  try {
    say('opening purses, reserving lockers');
    await prepareService(region, data);
    describe(service, data);
    const args = ['--region', region, '--url', service.ready.stream, '--clock', clock, '--seed', String(flags.seed)];
    const fleet = new FleetProcess(flags.for === undefined ? args : [...args, '--for', String(flags.for)]);
    const dayTime = () => dayTimeOf(clock);
    await watch(service, fleet, dayTime, ending.signal);
    const isFleetWell = (await fleet.ended) === 0;
    const isVerified = await verdictOf(data);
    if (flags.for === undefined && !ending.signal.aborted) await stayUp(ending.signal);
    return isFleetWell && isVerified;
  } finally {
    await service.stop();
    rmSync(home, { recursive: true, force: true });
  }
}

function dayTimeOf(clock: string): string {
  const [startMs, wallMs, speed] = clock.split(':').map(Number);
  const now = new Date(startMs + (Date.now() - wallMs) * speed + zoneOffsetMs);
  return now.toISOString().slice(11, 16);
}

async function stayUp(ending: AbortSignal): Promise<void> {
  say('the day is over; everything stays up until Ctrl-C');
  await new Promise((resolve) => ending.addEventListener('abort', resolve, { once: true }));
}

function report(error: unknown): number {
  if (error instanceof CommanderError) {
    if (error.exitCode !== 0) process.stderr.write(`USAGE: ${error.message.replace(/^error: /, '')} Try --help.\n`);
    return error.exitCode === 0 ? 0 : 2;
  }
  if (!(error instanceof OperatorError)) throw error;
  process.stderr.write(`${error.line}\n`);
  return error.exitStatus;
}

try {
  process.exitCode = (await run(program.parse().opts<Flags>())) ? 0 : 1;
} catch (error) {
  process.exitCode = report(error);
}
