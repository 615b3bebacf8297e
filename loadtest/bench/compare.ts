import { readFileSync, statSync } from 'node:fs';
import { usageError } from '../errors.ts';
import { caseNames } from './cases.ts';
import { benchLimits } from './limits.ts';
import { type BenchReport, rounded } from './report.ts';

/** Of each figure, this run over a saved one. */
export type Comparison = Readonly<Record<string, number>>;

/** Reads what `--save` wrote. */
export function readSaved(file: string): BenchReport {
  const notSaved = (why: string) => usageError('COMPARE_INVALID', `${file} ${why}`, 'Name a file that --save wrote');
  const size = statSync(file, { throwIfNoEntry: false })?.size;
  if (size === undefined) throw notSaved('does not exist');
  if (size > benchLimits.savedFileBytesMax) throw notSaved('is too large');
  let value: unknown;
  try {
    value = JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    throw notSaved('is no JSON');
  }
  const isReport = typeof value === 'object' && value !== null && 'cases' in value && 'machine' in value;
  if (!isReport) throw notSaved('holds no report of a bench');
  return value as BenchReport;
}

export function compare(now: BenchReport, then: BenchReport): Comparison {
  const before = figuresOf(then);
  const ratios = [...figuresOf(now)].flatMap(([name, figure]) => {
    const earlier = before.get(name);
    return earlier === undefined || earlier === 0 ? [] : [[name, figure / earlier] as const];
  });
  return rounded(Object.fromEntries(ratios));
}

function figuresOf({ cases, memory_bytes_per_connection: memory }: BenchReport): Map<string, number> {
  const figures = new Map<string, number>();
  for (const name of caseNames) {
    const figuresOfCase = cases[name];
    if (figuresOfCase === undefined) continue;
    const { floor, service, ratio_to_floor } = figuresOfCase;
    collect(name, { floor, service, ratio_to_floor }, figures);
  }
  collect('memory_bytes_per_connection', memory, figures);
  return figures;
}

function collect(path: string, value: unknown, figures: Map<string, number>): void {
  if (typeof value === 'number') figures.set(path, value);
  if (typeof value !== 'object' || value === null) return;
  for (const [name, inner] of Object.entries(value)) collect(`${path}.${name}`, inner, figures);
}

const shown = [
  'floor.saturation.cpu_micros_per_frame',
  'service.saturation.cpu_micros_per_frame',
  'ratio_to_floor.cpu_per_frame',
  'service.saturation.taps_per_second',
  'service.open_loop.ack_ms.p50',
  'service.open_loop.ack_ms.p99',
];

/** For people: the few that matter. If the floor's moved as well, the machine or its hour is another. */
export function comparisonLines(comparison: Comparison, then: BenchReport, file: string): string[] {
  const { machine } = then;
  const lines = [`this run over ${file} (${machine.cpu_model}, ${machine.cores} cores, Node ${machine.node})`];
  for (const name of caseNames) {
    for (const figure of shown) {
      const ratio = comparison[`${name}.${figure}`];
      if (ratio !== undefined) lines.push(`  ${name.padEnd(14)}${figure.padEnd(42)}× ${ratio.toFixed(2)}`);
    }
  }
  return lines;
}
