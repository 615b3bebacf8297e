import type { Command } from 'commander';
import { usageError } from '../errors.ts';
import { limits } from '../limits.ts';
import { printResult, readInteger } from '../options.ts';
import { schoolDays } from './calendar.ts';
import { sizes, type RegionSize } from './defaults.ts';
import { generateRegion } from './generate.ts';

interface Flags {
  readonly seed: number;
  readonly size: string;
  readonly out: string;
  readonly days: number;
  readonly day: string;
  readonly readers: number;
  readonly json?: boolean;
}

function isSize(text: string): text is RegionSize {
  return Object.hasOwn(sizes, text);
}

function run(flags: Flags): void {
  const { size } = flags;
  if (!isSize(size)) {
    throw usageError('SIZE_UNKNOWN', `there is no size "${size}"`, `Use one of ${Object.keys(sizes).join(', ')}`);
  }
  const days = schoolDays(flags.day, flags.days);
  const options = { seed: flags.seed, size, days, readersMin: flags.readers };
  const startMs = Date.now();
  let shownMs = startMs;
  const summary = generateRegion(options, flags.out, (line) => {
    if (Date.now() - shownMs < limits.progressEveryMs) return;
    shownMs = Date.now();
    process.stderr.write(`region: ${line}\n`);
  });
  const result = { out: flags.out, ...summary, seconds: (Date.now() - startMs) / 1000 };
  printResult(flags.json, result, [
    `${summary.schools} schools, ${summary.pupils} pupils, ${summary.readers} readers in ${flags.out}`,
    `${summary.taps} taps on ${days.length} day(s) from ${days[0]}: plan/ for the fleet, truth/ to compare with`,
  ]);
}

export function registerRegion(program: Command): void {
  program
    .command('region')
    .description(
      'Writes a synthetic region in import format, its days as plans for the fleet, and the truth about them.',
    )
    .option('--seed <n>', 'the same seed gives the same bytes', readInteger(0, 2 ** 32 - 1), 1)
    .option('--size <size>', Object.keys(sizes).join(', '), 'small')
    .requiredOption('--out <dir>', 'directory to write')
    .option('--days <n>', 'school days to plan', readInteger(1, limits.regionDaysMax), 1)
    .option('--day <day>', 'the first day, YYYY-MM-DD (the next school day from there on)', '2025-09-08')
    .option('--readers <n>', 'add turnstiles up to so many readers', readInteger(0, limits.regionReadersMax), 0)
    .action(run);
}
