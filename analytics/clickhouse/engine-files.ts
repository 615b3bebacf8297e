import { createRequire } from 'node:module';
import path from 'node:path';
import { OperatorError } from '../../workers/errors.ts';

/** Where the engine's shared library and the caller of it lie. */
export interface EngineFiles {
  readonly enginePath: string;
  readonly caller: string;
}

type Resolve = (request: string) => string;

/** Finds the optional packages. `resolve` is handed in by tests. */
export function findEngineFiles(resolve: Resolve = createRequire(import.meta.url).resolve): EngineFiles {
  const target = `${process.platform}-${process.arch}`;
  const names = [`@chdb/lib-${target}`, `@chdb/lib-${target}-gnu`, `@chdb/lib-${target}-musl`];
  try {
    const caller = resolve('ffi-rs');
    const manifest = firstResolved(
      resolve,
      names.map((name) => `${name}/package.json`),
    );
    return { enginePath: path.join(path.dirname(manifest), 'libchdb.so'), caller };
  } catch (cause) {
    throw new OperatorError(
      'CLICKHOUSE_MISSING',
      `the embedded ClickHouse is not installed for ${target}: ${firstLine(cause)}`,
      'Run `npm ci --include=optional`, or give the address of a server with --clickhouse-url',
    );
  }
}

function firstResolved(resolve: Resolve, requests: string[]): string {
  let failure: unknown;
  for (const request of requests) {
    try {
      return resolve(request);
    } catch (error) {
      failure ??= error;
    }
  }
  throw failure;
}

function firstLine(cause: unknown): string {
  return (cause instanceof Error ? cause.message : String(cause)).split('\n', 1)[0];
}
