import { setTimeout as sleep } from 'node:timers/promises';
import type { Load } from './load.ts';
import { machineBusyMicros, type ProcessMeter } from './process-meter.ts';
import { percentilesMs, type Percentiles } from './tally.ts';

/** What one server did at saturation, within a window behind the warm-up. */
export interface Saturation {
  readonly taps_per_second: number;
  readonly frames_per_second: number;
  /** Of the server's process alone, all its threads, without ClickHouse. */
  readonly cpu_micros_per_frame: number;
  readonly cpu_micros_per_tap: number;
  readonly server_cores: number;
  /** Of the ClickHouse process that stands beside the service; 0 for the floor. */
  readonly clickhouse_cores: number;
  /** What the generator's process used: near one core, it is the generator that is saturated. */
  readonly generator_cores: number;
  /** What everybody else on the machine used: well above 0.1, the figures tell of them, too. */
  readonly other_cores: number;
}

/** Open loop: from when a frame was due to its answer, and to when the generator came to write it. */
export interface OpenLoop {
  readonly frames_per_second: number;
  readonly answered_share: number;
  readonly ack_ms: Percentiles;
  readonly send_lag_ms: Percentiles;
}

export interface PhaseOptions {
  readonly name: string;
  readonly seconds: number;
  readonly warmMs: number;
  readonly tapsPerFrame: number;
  readonly server: ProcessMeter;
  readonly clickhouse: ProcessMeter | undefined;
}

interface Mark {
  readonly atMs: number;
  readonly frames: number;
  readonly serverMicros: number;
  readonly clickhouseMicros: number;
  readonly generatorMicros: number;
  readonly machineMicros: number;
}

function mark({ tally }: Load, { server, clickhouse }: PhaseOptions): Mark {
  const { user, system } = process.cpuUsage();
  return {
    atMs: performance.now(),
    frames: tally.answeredFrames,
    serverMicros: server.cpuMicros,
    clickhouseMicros: clickhouse?.cpuMicros ?? 0,
    generatorMicros: user + system,
    machineMicros: machineBusyMicros(),
  };
}

/** Runs a load through its warm-up and its window; progress goes to standard error each second. */
async function windowOf(load: Load, options: PhaseOptions) {
  const { name, seconds, warmMs, tapsPerFrame } = options;
  load.start();
  await sleep(warmMs);
  const begin = mark(load, options);
  let end = begin;
  for (let second = 1; second <= seconds; second++) {
    const before = end;
    await sleep(1_000);
    end = mark(load, options);
    const rate = Math.round(((end.frames - before.frames) * tapsPerFrame * 1000) / (end.atMs - before.atMs));
    process.stderr.write(`bench: ${name}: ${second} s, ${rate} taps/s\n`);
  }
  return { begin, end };
}

export async function measureSaturation(load: Load, options: PhaseOptions): Promise<Saturation> {
  try {
    const { begin, end } = await windowOf(load, options);
    await load.stop();
    const frames = Math.max(1, end.frames - begin.frames);
    const wallMicros = (end.atMs - begin.atMs) * 1000;
    const serverMicros = end.serverMicros - begin.serverMicros;
    const clickhouseMicros = end.clickhouseMicros - begin.clickhouseMicros;
    const generatorMicros = end.generatorMicros - begin.generatorMicros;
    const otherMicros = end.machineMicros - begin.machineMicros - serverMicros - clickhouseMicros - generatorMicros;
    const framesPerSecond = (frames * 1e6) / wallMicros;
    return {
      taps_per_second: Math.round(framesPerSecond * options.tapsPerFrame),
      frames_per_second: Math.round(framesPerSecond),
      cpu_micros_per_frame: serverMicros / frames,
      cpu_micros_per_tap: serverMicros / frames / options.tapsPerFrame,
      server_cores: serverMicros / wallMicros,
      clickhouse_cores: clickhouseMicros / wallMicros,
      generator_cores: generatorMicros / wallMicros,
      other_cores: otherMicros / wallMicros,
    };
  } finally {
    load.close();
  }
}

export async function measureOpenLoop(load: Load, options: PhaseOptions): Promise<OpenLoop> {
  try {
    const { begin, end } = await windowOf(load, options);
    await load.stop();
    const { answerMicros, sendLagMicros } = load.tally;
    return {
      frames_per_second: Math.round(((end.frames - begin.frames) * 1000) / (end.atMs - begin.atMs)),
      answered_share: sendLagMicros.count === 0 ? 0 : answerMicros.count / sendLagMicros.count,
      ack_ms: percentilesMs(answerMicros),
      send_lag_ms: percentilesMs(sendLagMicros),
    };
  } finally {
    load.close();
  }
}
