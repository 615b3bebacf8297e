/**
 * The process of the embedded engine: calls the shared library and comes back only when the engine has ended, which it
 * does when standard input closes. So it dies with its parent, whatever way the parent dies. Standard input must not be
 * touched from here, because the engine itself waits on it; already `import 'node:process'` would open it and make it
 * non-blocking, which the engine takes for the end.
 *
 * Arguments: the module that calls shared libraries, the library, then the engine's own.
 */
import { createRequire } from 'node:module';
import { writeSync } from 'node:fs';

type TypeName = 'String' | 'StringArray' | 'I32' | 'I64' | 'Double';

interface Caller {
  readonly DataType: Readonly<Record<TypeName, number>>;
  open(library: { library: string; path: string }): void;
  load(call: object): { error?: string };
}

const [callerPath, libraryPath, ...engineArguments] = process.argv.slice(2);
const caller = createRequire(import.meta.url)(callerPath) as Caller;
const { I32, I64, Double, String: Text, StringArray } = caller.DataType;

caller.open({ library: 'engine', path: libraryPath });
const argv = ['clickhouse', ...engineArguments];
const result = caller.load({
  library: 'engine',
  funcName: 'query_stable_v2',
  // The library's `local_result_v2`.
  retType: { buffer: I64, length: I64, vector: I64, elapsed: Double, rows: I64, bytes: I64, error: Text },
  paramsType: [I32, StringArray],
  paramsValue: [argv.length, argv],
});
// A null message comes back as an empty text.
if (result.error) writeSync(2, `${result.error}\n`);
// The engine has closed its files by now, and the library's exit handlers crash: leave without them.
process.kill(process.pid, 'SIGKILL');
