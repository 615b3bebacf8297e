import { execFileSync } from 'node:child_process';
import { join } from 'node:path';

/*
 * Runs the import-direction rules of `.dependency-cruiser.cjs`. A tool that cannot read TypeScript finds no modules and
 * no violations: so the number of modules is checked as well.
 */
const modulesMin = 50;
const folders = ['ingest', 'workers', 'analytics', 'loadtest'];
const tool = join(import.meta.dirname, '..', 'node_modules', 'dependency-cruiser', 'bin', 'dependency-cruise.mjs');

function run(): string {
  try {
    return execFileSync(process.execPath, [tool, '--output-type', 'json', ...folders], {
      maxBuffer: 2 ** 28,
    }).toString();
  } catch (error) {
    // Violations end it with a status of their number; the report is on its standard output all the same.
    return String((error as { stdout: Buffer }).stdout);
  }
}

interface Cruise {
  readonly summary: {
    readonly totalCruised: number;
    readonly violations: readonly { from: string; to: string; rule: { name: string } }[];
  };
}

const { totalCruised, violations } = (JSON.parse(run()) as Cruise).summary;
for (const { from, to, rule } of violations) process.stdout.write(`${rule.name}: ${from} → ${to}\n`);
process.stdout.write(`${totalCruised} modules, ${violations.length} imports against the direction\n`);
if (totalCruised < modulesMin) process.stdout.write(`fewer than ${modulesMin} modules: the check saw nothing\n`);
process.exitCode = violations.length > 0 || totalCruised < modulesMin ? 1 : 0;
