import { vi } from 'vitest';
import { build, explainError } from '../program.ts';

export interface CommandRun {
  readonly status: number;
  readonly out: string;
  /** The line on standard error, '' for none. */
  readonly error: string;
}

/** Runs a command within this process, one at a time: a process for each would take a minute in all. */
export async function runCommand(parameters: readonly string[]): Promise<CommandRun> {
  let out = '';
  const stdout = vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    out += String(text);
    return true;
  });
  const before = process.exitCode;
  process.exitCode = 0;
  try {
    await build().parseAsync(parameters, { from: 'user' });
    return { status: Number(process.exitCode), out, error: '' };
  } catch (error) {
    const known = explainError(error);
    if (known === undefined) throw error;
    return { status: known.status, out, error: known.line };
  } finally {
    stdout.mockRestore();
    process.exitCode = before;
  }
}
