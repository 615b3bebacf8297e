import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { build, explainError, loadTools } from './program.ts';

function runLoadTool(parameters: readonly string[]): void {
  const tool = fileURLToPath(new URL('../loadtest/cli.ts', import.meta.url));
  const child = spawn(process.execPath, [tool, ...parameters], { stdio: 'inherit' });
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => child.kill(signal));
  child.on('exit', (status) => {
    process.exitCode = status ?? 3;
  });
}

function report(error: unknown): void {
  const known = explainError(error);
  if (known === undefined) throw error;
  process.exitCode = known.status;
  if (known.line !== '') process.stderr.write(`${known.line}\n`);
  // With --json standard output is one JSON value, whatever happens.
  const isJson = known.error !== undefined && parameters.includes('--json');
  if (isJson) process.stdout.write(`${JSON.stringify({ ok: false, error: known.error })}\n`);
}

// Whoever reads our output may have seen enough.
process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 3));

const parameters = process.argv.slice(2);
if (parameters[0] !== undefined && Object.hasOwn(loadTools, parameters[0])) {
  runLoadTool(parameters);
} else {
  try {
    await build().parseAsync(parameters, { from: 'user' });
  } catch (error) {
    report(error);
  }
}
