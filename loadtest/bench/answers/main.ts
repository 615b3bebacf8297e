import { writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { Command, CommanderError } from 'commander';
import { printResult, readInteger } from '../../options.ts';
import { answersLimits } from './limits.ts';
import type { PartialReport } from './report.ts';
import { AnswersRun } from './run.ts';
import { reportLines } from './table.ts';
import type { RunSettings } from './types.ts';

interface Flags {
  readonly json?: boolean;
  readonly taps?: number;
  readonly days?: number;
  readonly rounds?: number;
  readonly stream?: number;
  readonly postgres?: boolean;
  readonly quick?: boolean;
  readonly keep?: string;
  readonly save?: string;
}

const usual = { size: 'medium', taps: 30_000_000, days: 1_000, rounds: 15, stream: 20_000 } as const;
const quick = { size: 'small', taps: Infinity, days: 20, rounds: 3, stream: 1_000 } as const;
const quickStreamReaders = 8;
const seed = 1;

const program = new Command('bench:answers')
  .description('Every named query over a long history: how long it takes, alone and while taps stream in.')
  .option('--json', 'one JSON value on standard output')
  .option('--taps <n>', 'taps of the history (30000000)', readInteger(1_000, answersLimits.tapsMax))
  .option('--days <n>', 'days of lessons at most', readInteger(1, answersLimits.daysMax))
  .option('--rounds <n>', 'times that each question is asked (15)', readInteger(1, answersLimits.roundsMax))
  .option('--stream <n>', 'taps a second (20000); 0: no stream', readInteger(0, answersLimits.streamTapsPerSecondMax))
  .option('--postgres', 'ten of the questions also of PostgreSQL, over the same taps')
  .option('--quick', 'three schools and 20 days: whether it works, not how fast it is')
  .option('--keep <dir>', 'make the history there, or use the one that is there')
  .option('--save <file>', 'write the JSON to a file, after each phase')
  .exitOverride()
  .configureOutput({ outputError: () => undefined });

function settingsOf(flags: Flags): RunSettings {
  const base = flags.quick ? quick : usual;
  return {
    seed,
    size: base.size,
    taps: flags.taps ?? base.taps,
    days: flags.days ?? base.days,
    rounds: flags.rounds ?? base.rounds,
    stream: flags.stream ?? base.stream,
    streamReaders: flags.quick ? quickStreamReaders : answersLimits.streamReaders,
    postgres: flags.postgres ?? false,
    keep: flags.keep === undefined ? undefined : resolve(flags.keep),
  };
}

const beganMs = performance.now();

function tell(line: string): void {
  process.stderr.write(`bench: ${Math.round((performance.now() - beganMs) / 1000)} s: ${line}\n`);
}

async function run(flags: Flags): Promise<number> {
  const save = (report: PartialReport) => {
    if (flags.save !== undefined) writeFileSync(flags.save, `${JSON.stringify(report, null, 2)}\n`);
  };
  const bench = new AnswersRun(settingsOf(flags), tell, save);
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => void bench.stop().finally(() => process.exit(130)));
  }
  const report = await bench.run();
  save(report);
  printResult(flags.json, report, reportLines(report));
  return report.ok ? 0 : 1;
}

/** Errors for operators come from the load tools and from the parts that are timed: each has its own class of them. */
function exitStatusOf(error: unknown): number {
  if (error instanceof CommanderError) {
    if (error.exitCode !== 0) process.stderr.write(`USAGE: ${error.message.replace(/^error: /, '')} Try --help\n`);
    return error.exitCode === 0 ? 0 : 2;
  }
  if (!(error instanceof Error && 'line' in error && 'exitStatus' in error)) throw error;
  process.stderr.write(`${String(error.line)}\n`);
  return Number(error.exitStatus);
}

try {
  process.exitCode = await run(program.parse().opts<Flags>());
} catch (error) {
  process.exitCode = exitStatusOf(error);
}
// Sockets that wait for nothing still hold the process.
process.exit();
