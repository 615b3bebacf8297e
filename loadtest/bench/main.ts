import { writeFileSync } from 'node:fs';
import { Command, CommanderError } from 'commander';
import { OperatorError } from '../errors.ts';
import { printResult, readInteger } from '../options.ts';
import { limits } from '../limits.ts';
import { caseNames, quickCaseNames } from './cases.ts';
import { compare, comparisonLines, readSaved } from './compare.ts';
import { benchLimits } from './limits.ts';
import { microLines, runMicro } from './micro.ts';
import { thisMachine } from './process-meter.ts';
import { type BenchReport, reportOf } from './report.ts';
import { Round, type RoundReport, type Settings } from './round.ts';
import { reportLines } from './table.ts';
import { Workspace } from './workspace.ts';

interface Flags {
  readonly json?: boolean;
  readonly seconds?: number;
  readonly rounds?: number;
  readonly connections?: number;
  readonly quick?: boolean;
  readonly micro?: boolean;
  readonly compare?: string;
  readonly save?: string;
}

const usual = { cases: caseNames, size: 'medium', seconds: 4, rounds: 3, connections: 200, idleConnections: 3_000 };
const quick = { cases: quickCaseNames, size: 'small', seconds: 1, rounds: 1, connections: 20, idleConnections: 60 };

const program = new Command('bench')
  .description('The service and a bare echo, by turns, from one generator: taps a second, CPU, latency, memory.')
  .option('--json', 'one JSON value on standard output')
  .option('--seconds <n>', 'length of each measured window (4)', readInteger(1, benchLimits.secondsMax))
  .option('--rounds <n>', 'alternations of which medians are taken (3)', readInteger(1, benchLimits.roundsMax))
  .option('--connections <n>', 'readers under load (200)', readInteger(2, limits.saturateConnectionsMax))
  .option('--quick', 'one short round with a few readers: whether it works, not how fast it is')
  .option('--micro', 'the parts by themselves instead, each beside its own floor')
  .option('--compare <file>', 'ratios of this run to one that --save wrote')
  .option('--save <file>', 'write the JSON to a file')
  .exitOverride()
  .configureOutput({ outputError: () => undefined });

function settingsOf(flags: Flags): Settings {
  const { cases, seconds, rounds, connections, idleConnections } = flags.quick ? quick : usual;
  return {
    cases,
    seconds: flags.seconds ?? seconds,
    rounds: flags.rounds ?? rounds,
    connections: flags.connections ?? connections,
    idleConnections,
    isQuick: flags.quick ?? false,
  };
}

/** Runs all rounds; at a signal ends what was started and leaves nothing behind. */
async function measure(settings: Settings, size: string): Promise<BenchReport> {
  const machine = thisMachine();
  process.stderr.write(`bench: making a ${size} region\n`);
  const space = await Workspace.create(size, settings.connections + settings.idleConnections);
  let round: Round | undefined;
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(
      signal,
      () => void (round?.stop() ?? Promise.resolve()).then(() => (space.remove(), process.exit(130))),
    );
  }
  try {
    const reports: RoundReport[] = [];
    for (let number = 1; number <= settings.rounds; number++) {
      process.stderr.write(`bench: round ${number} of ${settings.rounds}\n`);
      round = new Round(settings, number);
      reports.push(await round.run(space));
    }
    return reportOf(machine, settings, reports);
  } finally {
    space.remove();
  }
}

async function run(flags: Flags): Promise<number> {
  if (flags.micro) {
    if (flags.compare !== undefined)
      throw new OperatorError('USAGE', '--compare is not for --micro', 'Leave it away', 2);
    const micro = await runMicro(thisMachine(), flags.quick ?? false);
    if (flags.save !== undefined) writeFileSync(flags.save, `${JSON.stringify(micro, null, 2)}\n`);
    printResult(flags.json, micro, microLines(micro));
    return 0;
  }
  const saved = flags.compare === undefined ? undefined : readSaved(flags.compare);
  const report = await measure(settingsOf(flags), (flags.quick ? quick : usual).size);
  if (flags.save !== undefined) writeFileSync(flags.save, `${JSON.stringify(report, null, 2)}\n`);
  const lines = reportLines(report);
  if (saved === undefined || flags.compare === undefined) printResult(flags.json, report, lines);
  else {
    const compared = compare(report, saved);
    printResult(flags.json, { ...report, compared }, [
      ...lines,
      '',
      ...comparisonLines(compared, saved, flags.compare),
    ]);
  }
  return report.ok ? 0 : 1;
}

function exitStatusOf(error: unknown): number {
  if (error instanceof CommanderError) {
    if (error.exitCode !== 0) process.stderr.write(`USAGE: ${error.message.replace(/^error: /, '')} Try --help\n`);
    return error.exitCode === 0 ? 0 : 2;
  }
  if (!(error instanceof OperatorError)) throw error;
  process.stderr.write(`${error.line}\n`);
  return error.exitStatus;
}

try {
  process.exitCode = await run(program.parse().opts<Flags>());
} catch (error) {
  process.exitCode = exitStatusOf(error);
}
// Waits for a service that came long ago still hold the process.
process.exit();
