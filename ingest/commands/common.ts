import { Command, InvalidArgumentError, Option } from 'commander';
import { hasErrno, OperatorError } from '../../workers/errors.ts';

/** What every command takes. */
export interface CommonOptions {
  readonly json?: boolean;
  readonly data: string;
}

/** A command with the options that all have. */
export function newCommand(name: string, description: string): Command {
  return new Command(name)
    .description(description)
    .option('--json', 'one JSON value on standard output')
    .addOption(new Option('--data <dir>', 'data directory').env('TAPLINE_DATA').default('./data'));
}

/** Prints a result: as JSON, or as lines for people. */
export function print(options: CommonOptions, value: unknown, lines: readonly string[]): void {
  process.stdout.write(options.json === true ? `${JSON.stringify(value)}\n` : `${lines.join('\n')}\n`);
}

/** The result is "no": exit status 1. */
export function answerNo(): void {
  process.exitCode = 1;
}

/** Parses a positive whole number up to 2^32 − 1. */
export function readId(text: string): number {
  const id = /^\d{1,10}$/.test(text) ? Number(text) : 0;
  if (id >= 1 && id <= 2 ** 32 - 1) return id;
  throw new InvalidArgumentError('It must be a whole number from 1 to 4294967295.');
}

/** Parses an amount of kopecks, above 0. */
export function readKop(text: string): number {
  const kop = /^\d{1,15}$/.test(text) ? Number(text) : 0;
  if (kop > 0) return kop;
  throw new InvalidArgumentError('It must be a whole number of kopecks above 0.');
}

/** Kopecks as people read them. */
export function roubles(kop: number): string {
  return `${(kop / 100).toFixed(2)} ₽`;
}

/** Turns what the environment did into words; undefined for a defect of ours. */
export function environmentError(error: unknown): OperatorError | undefined {
  if (error instanceof OperatorError) return error;
  if (!(error instanceof Error) || !('code' in error)) return undefined;
  if (hasErrno(error, 'ENOSPC', 'ESHORTWRITE')) {
    return new OperatorError('DISK_FULL', error.message, 'Free some space, or use a data directory on another disk.');
  }
  if (hasErrno(error, 'EACCES', 'EPERM', 'EROFS')) {
    return new OperatorError(
      'PERMISSION',
      error.message,
      'Let this user read and write it, or name another with --data.',
    );
  }
  if (hasErrno(error, 'ENOENT', 'ENOTDIR', 'EISDIR', 'EEXIST')) {
    return new OperatorError('FILE', error.message, 'Check the path.');
  }
  return undefined;
}
