import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { OperatorError } from './errors.ts';
import { limits } from './limits.ts';

export const projectRoot = join(import.meta.dirname, '..');
export const serviceCli = join(projectRoot, 'ingest', 'cli.ts');
const loadTools = join(projectRoot, 'loadtest', 'cli.ts');

export interface CliAnswer {
  readonly exitStatus: number;
  /** The one JSON value of standard output; null where there was none. */
  readonly json: unknown;
  /** Standard output as it came. */
  readonly text: string;
  readonly errorText: string;
}

/** Runs one command of the service's command line with `--json` and gives what it answered. Its progress goes through. */
export function runServiceCli(args: readonly string[]): Promise<CliAnswer> {
  return runCli(serviceCli, args);
}

function runCli(script: string, args: readonly string[]): Promise<CliAnswer> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [script, ...args, '--json'], { stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    let errorText = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      output += text;
      if (output.length > limits.childOutputBytesMax) child.kill();
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      errorText = (errorText + text).slice(-10_000);
    });
    child.on('error', reject);
    child.on('close', (status) => resolve({ exitStatus: status ?? 3, json: parsed(output), text: output, errorText }));
  });
}

function parsed(output: string): unknown {
  try {
    return JSON.parse(output) as unknown;
  } catch {
    return null;
  }
}

/** As `runServiceCli`, but anything except exit status 0 is an error that names the command. */
export async function requireServiceCli(args: readonly string[]): Promise<CliAnswer> {
  return required(args, await runServiceCli(args));
}

/** As `requireServiceCli`, for a command of the load tools. */
export async function requireLoadTool(args: readonly string[]): Promise<CliAnswer> {
  return required(args, await runCli(loadTools, args));
}

function required(args: readonly string[], answer: CliAnswer): CliAnswer {
  if (answer.exitStatus === 0) return answer;
  const cause = answer.errorText.trim().split('\n').at(-1) ?? '';
  throw new OperatorError(
    'COMMAND_FAILED',
    `"tapline ${args.join(' ')}" ended with ${answer.exitStatus}: ${cause}`,
    'Run it by itself to see more',
  );
}
