import { Command, InvalidArgumentError, Option } from 'commander';
import { OperatorError } from '../../workers/errors.ts';
import { idempotencyKeyBytesMax, movementMaxKop } from '../../workers/ledger/limits.ts';
import { AdminClient } from '../admin-client.ts';
import { DataDirectory } from '../data-directory.ts';

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

/** Prints a result: as JSON with the fields in snake_case, or as lines for people. */
export function print(options: CommonOptions, value: unknown, lines: readonly string[]): void {
  process.stdout.write(options.json === true ? `${JSON.stringify(snakeCased(value))}\n` : `${lines.join('\n')}\n`);
}

/** The same value with its fields named as the command line names them: `sum_kop`, not `sumKop`. */
export function snakeCased(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(snakeCased);
  if (typeof value !== 'object' || value === null) return value;
  const named = Object.entries(value).map(([name, inner]): [string, unknown] => [
    name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`),
    snakeCased(inner),
  ]);
  return Object.fromEntries(named);
}

/** What is printed with --json in place of a result, when an operation was refused. */
export interface RefusedResult {
  readonly ok: false;
  readonly refusal: string;
  readonly message: string;
  readonly remedy: string;
}

/**
 * Asks for something that may be refused, and prints the result. A refusal is the answer "no": with --json it is the value
 * on standard output, otherwise the line `CODE: cause. remedy`.
 */
export async function operate<T>(
  options: CommonOptions,
  work: () => Promise<T>,
  describe: (result: T) => readonly string[],
): Promise<void> {
  let result: T;
  try {
    result = await work();
  } catch (error) {
    if (options.json !== true || !(error instanceof OperatorError) || error.exitStatus !== 1) throw error;
    const { code: refusal, message, remedy } = error;
    print(options, { ok: false, refusal, message, remedy } satisfies RefusedResult, []);
    return answerNo();
  }
  print(options, result, describe(result));
}

/** The client of the service that runs on the command's data directory. */
export function connect(options: CommonOptions): AdminClient {
  return AdminClient.connect(DataDirectory.openExisting(options.data));
}

/** Options that depend on each other are wrong. */
export function usage(message: string, remedy: string): OperatorError {
  return new OperatorError('USAGE', message, remedy, 2);
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

/** Parses an amount of kopecks, above 0 and within what one movement may move. */
export function readKop(text: string): number {
  const kop = /^\d{1,15}$/.test(text) ? Number(text) : 0;
  if (kop > 0 && kop <= movementMaxKop) return kop;
  throw new InvalidArgumentError(`It must be a whole number of kopecks from 1 to ${movementMaxKop}.`);
}

/** Parses an amount of kopecks above or below 0. */
export function readSignedKop(text: string): number {
  const kop = /^[+-]?\d{1,15}$/.test(text) ? Number(text) : 0;
  if (kop !== 0 && Math.abs(kop) <= movementMaxKop) return kop;
  throw new InvalidArgumentError(`It must be a whole number of kopecks up to ${movementMaxKop}, not 0.`);
}

/** Parses an idempotency key. */
export function readKey(text: string): string {
  if (text.length > 0 && Buffer.byteLength(text) <= idempotencyKeyBytesMax) return text;
  throw new InvalidArgumentError(`It must have 1 to ${idempotencyKeyBytesMax} bytes.`);
}

/** Kopecks as people read them. */
export function roubles(kop: number): string {
  return `${(kop / 100).toFixed(2)} ₽`;
}
