import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** What of vitest's JSON report is read. */
interface Report {
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  readonly numPendingTests: number;
  readonly testResults: readonly {
    readonly name: string;
    readonly status: string;
    readonly message: string;
    readonly assertionResults: readonly { readonly status: string; readonly fullName: string }[];
  }[];
}

/*
 * `npm test`: runs vitest, shows its own report, and closes with the line `N passed, N failed`. A file that fails before
 * its first test counts as one failure; a run without any test has failed.
 */
const folder = mkdtempSync(join(tmpdir(), 'tapline-tests-'));
const reportFile = join(folder, 'report.json');
const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${reportFile}`];
const vitest = join(import.meta.dirname, '..', 'node_modules', 'vitest', 'vitest.mjs');
const child = spawn(process.execPath, [vitest, 'run', ...reporters, ...process.argv.slice(2)], { stdio: 'inherit' });
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => child.kill(signal));
const status = await new Promise<number>((resolve) => child.on('exit', (code) => resolve(code ?? 1)));
process.exitCode = close(status);

function close(status: number): number {
  const report = readReport();
  if (report === undefined) {
    process.stdout.write('vitest wrote no report\n0 passed, 1 failed\n');
    return 1;
  }
  const broken = report.testResults.filter(
    ({ status, assertionResults }) => status === 'failed' && !assertionResults.some((one) => one.status === 'failed'),
  );
  const failed = report.numFailedTests + broken.length;
  const unexplained = status !== 0 && failed === 0 ? 1 : 0;
  for (const { name, message } of broken) process.stdout.write(`broken: ${name}: ${message}\n`);
  for (const { assertionResults } of report.testResults) {
    for (const { status, fullName } of assertionResults) {
      if (status === 'pending' || status === 'skipped') process.stdout.write(`skipped: ${fullName}\n`);
    }
  }
  process.stdout.write(`${report.numPassedTests} passed, ${failed + unexplained} failed\n`);
  return failed + unexplained > 0 || report.numPassedTests === 0 ? 1 : 0;
}

function readReport(): Report | undefined {
  try {
    return JSON.parse(readFileSync(reportFile, 'utf8')) as Report;
  } catch {
    return undefined;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
