import { InvalidArgumentError } from 'commander';

/** A parser for a whole number within bounds, both included. */
export function readInteger(min: number, max: number): (text: string) => number {
  return (text) => {
    const value = /^-?\d+$/.test(text) ? Number(text) : NaN;
    if (value >= min && value <= max) return value;
    throw new InvalidArgumentError(`It must be a whole number from ${min} to ${max}.`);
  };
}

/** A parser for the address of a stream. */
export function readStreamUrl(text: string): string {
  if (URL.canParse(text) && new URL(text).protocol === 'ws:') return text;
  throw new InvalidArgumentError('It must look like ws://127.0.0.1:8080/v1/stream.');
}

/** Prints the one JSON value of a command, or its lines for people. */
export function printResult(json: boolean | undefined, value: unknown, lines: readonly string[]): void {
  process.stdout.write(json ? `${JSON.stringify(value)}\n` : `${lines.join('\n')}\n`);
}
