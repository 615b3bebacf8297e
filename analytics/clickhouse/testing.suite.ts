import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { OperatorError } from '../../workers/errors.ts';
import { findEngineFiles } from './engine-files.ts';

/** A folder that is gone when the test file ends. */
export function temporaryFolder(): { folder: string; remove: () => void } {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'tapline-analytics-'));
  return { folder, remove: () => rmSync(folder, { recursive: true, force: true, maxRetries: 10 }) };
}

/** Why tests against the engine cannot run here, undefined when they can; printed, because a silent skip proves nothing. */
export function engineMissing(): string | undefined {
  try {
    findEngineFiles();
    return undefined;
  } catch (error) {
    if (!(error instanceof OperatorError)) throw error;
    process.stderr.write(`skipped: ${error.line}\n`);
    return error.line;
  }
}
