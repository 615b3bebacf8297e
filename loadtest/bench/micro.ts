import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { OperatorError } from '../errors.ts';
import { limits } from '../limits.ts';
import type { MicroFigure } from './micro-timing.ts';
import type { Machine } from './process-meter.ts';
import { rounded } from './report.ts';
import { aligned, machineLine } from './table.ts';

const windowMs = 500;
const windowQuickMs = 20;

export interface MicroReport {
  readonly machine: Machine;
  readonly figures: readonly MicroFigure[];
}

/** Times parts by themselves in a process of their own, where nothing else has been compiled. */
export function runMicro(machine: Machine, isQuick: boolean): Promise<MicroReport> {
  const args = [join(import.meta.dirname, 'micro-cases.suite.ts'), String(isQuick ? windowQuickMs : windowMs)];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text;
    if (output.length > limits.childOutputBytesMax) child.kill();
  });
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (status) => {
      if (status === 0) resolve(rounded({ machine, figures: JSON.parse(output) as MicroFigure[] }));
      else reject(new OperatorError('MICRO_FAILED', `the benches of parts ended with ${status}`, 'See above'));
    });
  });
}

export function microLines({ machine, figures }: MicroReport): string[] {
  const rows = figures.map(({ name, ns_per_tap, floor_name, floor_ns_per_tap, ratio_to_floor }) => [
    name,
    ns_per_tap.toFixed(1),
    ratio_to_floor.toFixed(2),
    floor_ns_per_tap.toFixed(1),
    floor_name,
  ]);
  return [machineLine(machine), '', ...aligned([['', 'ns/tap', '× floor', 'floor', ''], ...rows])];
}
