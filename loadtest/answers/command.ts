import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Command } from 'commander';
import { OperatorError, usageError } from '../errors.ts';
import { limits } from '../limits.ts';
import { printResult, readInteger } from '../options.ts';
import { schoolDays } from '../region/calendar.ts';
import { sizes, type RegionSize } from '../region/defaults.ts';
import { runServiceCli } from '../service-cli.ts';
import { adminToken, askOverHttp } from './ask.ts';
import { checkAnswers, reportLines, type AnswersReport } from './answers.ts';
import { playRegion, type Played } from './play.ts';
import { World } from './world.ts';

function say(line: string): void {
  process.stderr.write(`${new Date().toISOString().slice(11, 19)} ${line}\n`);
}

interface AnswersFlags {
  readonly region: string;
  readonly data: string;
  readonly acks: readonly string[];
  readonly url: string;
  readonly token?: string;
  readonly clock?: string;
  readonly only?: readonly string[];
  readonly json?: boolean;
}

async function answers(flags: AnswersFlags): Promise<void> {
  const { region, data, acks, url, token = adminToken(data), clock, only, json } = flags;
  const nowMs = clock === undefined ? Date.now() : readFileSync(clock).readDoubleLE();
  const world = new World(region, acks, say);
  const report = await checkAnswers(world, askOverHttp(url, token), { nowMs, progress: say, ...(only && { only }) });
  printResult(json, report, reportLines(report));
  if (!report.ok) process.exitCode = 1;
}

interface ProofFlags {
  readonly seed: number;
  readonly size: string;
  readonly days: number;
  readonly day: string;
  readonly out: string;
  readonly scenarios: string;
  readonly json?: boolean;
}

/** What a proof came to; `verify` and `deep` are what those commands answered, null where there is no such one. */
interface ProofReport extends AnswersReport {
  readonly verify: unknown;
  readonly deep: unknown;
  readonly seconds: number;
}

async function prove(flags: ProofFlags): Promise<void> {
  const { seed, size, days, day, out, scenarios, json } = flags;
  if (!Object.hasOwn(sizes, size)) {
    throw usageError('SIZE_UNKNOWN', `there is no size "${size}"`, `Use one of ${Object.keys(sizes).join(', ')}`);
  }
  if (existsSync(out)) throw usageError('OUT_TAKEN', `${out} is there already`, 'Name a new directory');
  const startMs = Date.now();
  const played = await playRegion({
    ...{ seed, size: size as RegionSize, days: schoolDays(day, days), scenarios: scenarios.split(','), out },
    progress: say,
  });
  try {
    const report = await proveAnswers(out, played, startMs);
    writeFileSync(join(out, 'report.json'), `${JSON.stringify(report, null, 2)}\n`);
    const checks = `verify ${JSON.stringify(report.verify)}, deep ${JSON.stringify(report.deep)}`;
    printResult(json, report, [...reportLines(report), checks.slice(0, 2_000), `${report.seconds} s`]);
    if (!report.ok) process.exitCode = 1;
  } finally {
    await played.service.stop();
    played.clockFile.close();
  }
}

async function proveAnswers(out: string, played: Played, startMs: number): Promise<ProofReport> {
  const { region, data, acks, service } = played;
  say('working out what must be answered');
  const world = new World(region, acks, say);
  const nowMs = readFileSync(join(out, 'clock')).readDoubleLE();
  const { dashboards } = service.ready;
  if (dashboards === undefined) {
    throw new OperatorError('DASHBOARDS_MISSING', 'the service names no address of its dashboards', 'Use a newer one');
  }
  const ask = askOverHttp(dashboards, adminToken(data));
  const report = await checkAnswers(world, ask, { nowMs, progress: say });
  say('verify');
  const verify = await runServiceCli(['verify', '--data', data]);
  say('verify --deep');
  const deep = await runServiceCli(['verify', '--deep', '--data', data]);
  for (const { exitStatus, errorText } of [verify, deep]) if (exitStatus !== 0) say(errorText);
  const ok = report.ok && verify.exitStatus === 0 && deep.exitStatus === 0;
  return { ...report, ok, verify: verify.json, deep: deep.json, seconds: Math.round((Date.now() - startMs) / 1000) };
}

/**
 * The newest tenth of September that has passed. What readers tell of themselves is kept for little more than a year, by
 * the machine's clock.
 */
export function septemberDay(nowMs = Date.now()): string {
  const year = new Date(nowMs).getUTCFullYear();
  const own = Date.UTC(year, 8, 10);
  return new Date(own <= nowMs ? own : Date.UTC(year - 1, 8, 10)).toISOString().slice(0, 10);
}

export function registerAnswers(program: Command): void {
  program
    .command('answers')
    .description(
      'Asks every named query of a service that played a region, and holds each row against what must be said.',
    )
    .requiredOption('--region <dir>', 'a directory that `region` wrote')
    .requiredOption(
      '--acks <files...>',
      'what `fleet --acks` wrote, the day in the name; `--signs` beside: signs-DAY.ndjson',
    )
    .requiredOption('--url <url>', 'the dashboards, http://127.0.0.1:8090')
    .option('--token <token>', "default: the data directory's admin token")
    .option('--clock <file>', "the file of the service's clock (default: the machine's clock)")
    .option('--only <queries...>', 'these queries only')
    .action(answers);
  program
    .command('prove-answers')
    .description(
      'Makes a region, plays its days with noise through a service of its own, and holds every answer to the truth.',
    )
    .option('--seed <n>', 'the same seed gives the same days', readInteger(0, 2 ** 32 - 1), 1)
    .option('--size <size>', Object.keys(sizes).join(', '), 'small')
    .option('--days <n>', 'school days to play', readInteger(1, limits.proofDaysMax), 3)
    .option('--day <day>', 'the first day, YYYY-MM-DD (the next school day from there on)', septemberDay())
    .option('--scenarios <names>', 'of the days, by turns', 'noisy-day,link-cut,calm')
    .requiredOption('--out <dir>', 'a new directory for region, data and lines')
    .action(prove);
}
