import { closeSync, openSync, writeSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { usageError } from '../errors.ts';
import { limits } from '../limits.ts';

/** Simulated time: `startMs` at the wall time `wallStartMs`, running `speed` times as fast as the wall clock. */
export interface SimulatedClock {
  readonly speed: number;
  /** UTC milliseconds of the simulated day. */
  nowMs(): number;
  /** What a reader with a right clock shows when it says HELLO: the service's idea of now. */
  serviceMs(): number;
  /** A clock that stands until all is answered goes on; a clock that runs by itself has none. */
  advance?(): void | Promise<void>;
  /** The service's clock stands with it: beats, cuts and waits go by simulated time, and nothing depends on the machine. */
  readonly isShared?: boolean;
  /** From one BEAT to the next by the wall clock, where the service's clock runs faster; else as the protocol has it. */
  readonly beatEveryMs?: number;
}

/** Runs a planned day against a service that lives on the real clock. */
export function plannedClock(startMs: number, speed: number): SimulatedClock {
  const wallStartMs = Date.now();
  return {
    speed,
    nowMs: () => (speed === Infinity ? Infinity : startMs + (Date.now() - wallStartMs) * speed),
    serviceMs: () => Date.now(),
  };
}

/** The clock that a service started with the same `SIMSTARTMS:WALLSTARTMS:SPEED` lives on. */
export function sharedClock(text: string): SimulatedClock {
  const parts = text.split(':').map(Number);
  const [startMs, wallStartMs, speed] = parts;
  if (parts.length !== 3 || parts.some((part) => !Number.isFinite(part)) || speed <= 0) {
    throw usageError('CLOCK_INVALID', `"${text}" is no clock`, 'Give it as SIMSTARTMS:WALLSTARTMS:SPEED');
  }
  const nowMs = (): number => startMs + (Date.now() - wallStartMs) * speed;
  const beatEveryMs = Math.max(limits.beatEveryMs / speed, limits.beatEveryMsMin);
  return { speed, nowMs, serviceMs: () => Math.round(nowMs()), beatEveryMs };
}

/**
 * A clock that stands still until everything made so far is answered, and then goes on by a step: the course of the day
 * is the same on any machine. `service` tells the service's idea of now.
 */
export class SteppedClock implements SimulatedClock {
  readonly speed = Infinity;
  readonly #stepMs: number;
  readonly #service: SimulatedClock;
  #nowMs: number;

  constructor(startMs: number, stepMs: number, service: SimulatedClock) {
    this.#nowMs = startMs;
    this.#stepMs = stepMs;
    this.#service = service;
  }

  nowMs(): number {
    return this.#nowMs;
  }

  serviceMs(): number {
    return this.#service.serviceMs();
  }

  advance(): void {
    this.#nowMs += this.#stepMs;
  }
}

/** The file that a service started with `--clock @FILE` reads its clock from: one float64, ms since 1970 UTC. */
export class ClockFile {
  readonly #descriptor: number;
  readonly #bytes = Buffer.alloc(8);

  constructor(path: string, nowMs: number) {
    this.#descriptor = openSync(path, 'w');
    this.show(nowMs);
  }

  show(nowMs: number): void {
    this.#bytes.writeDoubleLE(nowMs);
    writeSync(this.#descriptor, this.#bytes, 0, 8, 0);
  }

  close(): void {
    closeSync(this.#descriptor);
  }
}

export interface StandingClockOptions {
  readonly file: ClockFile;
  readonly startMs: number;
  readonly stepMs: number;
  /** Times at which it rests for `restMs` by the wall clock, so that what the service does by that clock catches up. */
  readonly restsMs: readonly number[];
  readonly restMs: number;
}

/** One clock for fleet and service, which stands until all is answered: every time that either notes is exact. */
export class StandingClock implements SimulatedClock {
  readonly speed = Infinity;
  readonly isShared = true;
  readonly #options: StandingClockOptions;
  #nowMs: number;

  constructor(options: StandingClockOptions) {
    this.#options = options;
    this.#nowMs = options.startMs;
    options.file.show(this.#nowMs);
  }

  nowMs(): number {
    return this.#nowMs;
  }

  serviceMs(): number {
    return this.#nowMs;
  }

  async advance(): Promise<void> {
    const { file, stepMs, restsMs, restMs } = this.#options;
    const beforeMs = this.#nowMs;
    if (restsMs.some((atMs) => atMs < beforeMs && atMs >= beforeMs - stepMs)) await sleep(restMs);
    this.#nowMs += stepMs;
    file.show(this.#nowMs);
  }
}
