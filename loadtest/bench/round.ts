import { setTimeout as sleep } from 'node:timers/promises';
import { type BenchReader, loadReaders } from './bench-reader.ts';
import { type CaseName, cases, openLoad, openSockets, type Target } from './cases.ts';
import { FloorProcess } from './floor-process.ts';
import { benchLimits } from './limits.ts';
import type { Load } from './load.ts';
import { measureOpenLoop, measureSaturation, type OpenLoop, type Saturation } from './phases.ts';
import { ProcessMeter } from './process-meter.ts';
import { ServiceUnderTest, type Verdict } from './service-under-test.ts';
import type { Workspace } from './workspace.ts';

export interface Settings {
  readonly cases: readonly CaseName[];
  readonly seconds: number;
  readonly rounds: number;
  readonly connections: number;
  readonly idleConnections: number;
  readonly isQuick: boolean;
}

/** A server's figures of one case. */
export interface Side {
  readonly saturation: Saturation;
  readonly open_loop: OpenLoop;
}

export interface CaseRound {
  readonly floor: Side;
  readonly service: Side & { readonly stored_cpu_micros_per_tap: number };
  readonly codes: Readonly<Record<string, number>>;
  readonly errors: Readonly<Record<string, number>>;
}

/** Something of each case that was measured. */
export type ByCase<T> = Readonly<Partial<Record<CaseName, T>>>;

export interface RoundReport {
  readonly cases: ByCase<CaseRound>;
  readonly memory_bytes_per_connection: { readonly floor: number; readonly service: number };
  readonly verify: Verdict;
}

interface Listening {
  readonly url: URL;
  readonly pid: number;
  readonly clickhousePid?: number | null;
}

interface Server {
  readonly name: string;
  readonly target: Target;
  readonly meter: ProcessMeter;
  readonly clickhouse: ProcessMeter | undefined;
  readonly idleReaders: readonly BenchReader[];
}

/** One alternation: the floor and the service, both fresh, take every case by turns. */
export class Round {
  readonly #settings: Settings;
  readonly #number: number;
  readonly #codes: Record<string, number> = {};
  readonly #errors: Record<string, number> = {};
  #floor: FloorProcess | undefined;
  #service: ServiceUnderTest | undefined;

  constructor(settings: Settings, number: number) {
    this.#settings = settings;
    this.#number = number;
  }

  async run(space: Workspace): Promise<RoundReport> {
    const data = space.newData();
    try {
      const floor = (this.#floor = await FloorProcess.start());
      const service = (this.#service = await ServiceUnderTest.start(data));
      const floorSide = await this.#serverOf('floor', floor, space);
      const serviceSide = await this.#serverOf('service', service, space);
      const memory = { floor: await this.#memory(floorSide), service: await this.#memory(serviceSide) };
      const measured: Partial<Record<CaseName, CaseRound>> = {};
      for (const name of this.#settings.cases) measured[name] = await this.#case(name, floorSide, serviceSide, service);
      process.stderr.write(`bench: round ${this.#number}: verifying\n`);
      return { cases: measured, memory_bytes_per_connection: memory, verify: await service.verify() };
    } finally {
      await this.stop();
      space.drop(data);
    }
  }

  /** Ends both servers, also in the middle of a round. */
  async stop(): Promise<void> {
    await Promise.all([this.#service?.stop(), this.#floor?.stop()]);
  }

  async #serverOf(name: string, { url, pid, clickhousePid }: Listening, space: Workspace): Promise<Server> {
    const { connections, idleConnections, isQuick } = this.#settings;
    const readers = await loadReaders(space.region, connections, idleConnections);
    const warmMs = isQuick ? benchLimits.warmQuickMs : benchLimits.warmMs;
    const target = { url, isEcho: name === 'floor', readers: readers.slice(0, connections), warmMs };
    const clickhouse = clickhousePid ? new ProcessMeter(clickhousePid) : undefined;
    return { name, target, meter: new ProcessMeter(pid), clickhouse, idleReaders: readers.slice(connections) };
  }

  /** What the process grows by when many readers connect, are welcomed and do nothing. */
  async #memory({ name, target, meter, idleReaders }: Server): Promise<number> {
    const settleMs = this.#settings.isQuick ? benchLimits.settleQuickMs : benchLimits.settleMs;
    await sleep(settleMs);
    const before = meter.residentBytes;
    const load = await openSockets({ ...target, readers: idleReaders }, 'one_tap');
    try {
      await sleep(settleMs);
      const bytes = (meter.residentBytes - before) / idleReaders.length;
      process.stderr.write(`bench: round ${this.#number}: ${name}: ${Math.round(bytes)} bytes a connection\n`);
      return bytes;
    } finally {
      load.close();
      await sleep(settleMs);
    }
  }

  /** By turns the floor goes first and the service does, so that neither always comes behind the other. */
  async #case(name: CaseName, floor: Server, service: Server, running: ServiceUnderTest): Promise<CaseRound> {
    this.#clearCounts();
    const isFloorFirst = this.#number % 2 === 1;
    const early = isFloorFirst ? await this.#saturate(name, floor) : undefined;
    const cpuBefore = service.meter.cpuMicros;
    const load = await openLoad(name, service.target);
    const saturation = await this.#saturate(name, service, load);
    await running.stored();
    const taps = load.tally.answeredFrames * cases[name].tapsPerFrame;
    const storedCpu = (service.meter.cpuMicros - cpuBefore) / Math.max(1, taps);
    const floorSaturation = early ?? (await this.#saturate(name, floor));
    const rate = saturation.frames_per_second * benchLimits.paceShare;
    const floorLoop = await this.#openLoop(name, floor, rate);
    const serviceLoop = await this.#openLoop(name, service, rate);
    await running.stored();
    return {
      floor: { saturation: floorSaturation, open_loop: floorLoop },
      service: { saturation, open_loop: serviceLoop, stored_cpu_micros_per_tap: storedCpu },
      codes: { ...this.#codes },
      errors: { ...this.#errors },
    };
  }

  async #saturate(name: CaseName, server: Server, opened?: Load): Promise<Saturation> {
    const load = opened ?? (await openLoad(name, server.target));
    const saturation = await measureSaturation(load, this.#phase(`${name}, ${server.name} full`, name, server));
    this.#count(load);
    return saturation;
  }

  async #openLoop(name: CaseName, server: Server, rate: number): Promise<OpenLoop> {
    const load = await openLoad(name, server.target, rate);
    const openLoop = await measureOpenLoop(load, this.#phase(`${name}, ${server.name} paced`, name, server));
    this.#count(load);
    return openLoop;
  }

  #phase(title: string, name: CaseName, { meter, clickhouse, target }: Server) {
    const { seconds } = this.#settings;
    const { tapsPerFrame } = cases[name];
    const label = `round ${this.#number}: ${title}`;
    return { name: label, seconds, warmMs: target.warmMs, tapsPerFrame, server: meter, clickhouse };
  }

  #clearCounts(): void {
    for (const counts of [this.#codes, this.#errors]) for (const name of Object.keys(counts)) delete counts[name];
  }

  #count({ tally }: Load): void {
    tally.codes.forEach((count, code) => {
      if (count > 0) this.#codes[code] = (this.#codes[code] ?? 0) + count;
    });
    for (const [name, count] of Object.entries(tally.errors)) this.#errors[name] = (this.#errors[name] ?? 0) + count;
  }
}
