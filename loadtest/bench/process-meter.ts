import { readFileSync } from 'node:fs';
import { availableParallelism, cpus, loadavg, release, totalmem } from 'node:os';
import { OperatorError } from '../errors.ts';

/** The kernel counts CPU time in steps of this size, whatever its own tick is. */
const microsPerTick = 10_000;
const utimeField = 11;
const stimeField = 12;

/** Reads what the kernel says of one process, all of its threads included and its children not. */
export class ProcessMeter {
  readonly #pid: number;

  constructor(pid: number) {
    this.#pid = pid;
  }

  /** User and system time so far. */
  get cpuMicros(): number {
    const stat = this.#read('stat');
    // The command's name comes first, in parentheses, and may hold anything.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return (Number(fields[utimeField]) + Number(fields[stimeField])) * microsPerTick;
  }

  get residentBytes(): number {
    return Number(/^VmRSS:\s+(\d+) kB$/m.exec(this.#read('status'))?.[1]) * 1024;
  }

  #read(name: string): string {
    try {
      return readFileSync(`/proc/${this.#pid}/${name}`, 'utf8');
    } catch {
      const cause = `/proc/${this.#pid}/${name} cannot be read`;
      throw new OperatorError('PROC_MISSING', cause, 'CPU times are read from Linux; run the bench there');
    }
  }
}

/** CPU time that the whole machine has spent working: user, nice, system, interrupts, stolen. */
export function machineBusyMicros(): number {
  const [, user, nice, system, , , irq, softIrq, steal] = readFileSync('/proc/stat', 'utf8')
    .split(/\s+/, 10)
    .map(Number);
  return (user + nice + system + irq + softIrq + steal) * microsPerTick;
}

export interface Machine {
  readonly cpu_model: string;
  readonly cores: number;
  readonly memory_gib: number;
  readonly kernel: string;
  readonly node: string;
  readonly load_average: number;
}

/** The machine, as its figures have to name it. */
export function thisMachine(): Machine {
  return {
    cpu_model: cpus()[0]?.model.trim() ?? 'unknown',
    cores: availableParallelism(),
    memory_gib: Math.round(totalmem() / 2 ** 30),
    kernel: release(),
    node: process.version,
    load_average: Math.round(loadavg()[0] * 100) / 100,
  };
}
