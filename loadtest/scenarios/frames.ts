import { createHistogram } from 'node:perf_hooks';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Option, type Command } from 'commander';
import { Kind } from '../../ingest/protocol/codes.ts';
import { creditTapsMax } from '../../ingest/protocol/limits.ts';
import { OperatorError, usageError } from '../errors.ts';
import { loadDay, readKeys } from '../fleet/load.ts';
import { limits } from '../limits.ts';
import { printResult, readInteger, readStreamUrl } from '../options.ts';
import type { ReaderPlan } from '../region/model.ts';
import type { TemplateTap } from './frame-templates.ts';
import { SaturatingConnection, type Counters, type SaturatingOptions } from './saturating-connection.ts';

interface Flags {
  readonly url: string;
  readonly keys: string;
  readonly connections: number;
  readonly tapsPerFrame: number;
  readonly inFlight: number;
  readonly seconds: number;
  readonly role: 'both' | 'turnstile' | 'till';
  readonly epoch?: number;
  readonly json?: boolean;
}

/** Reader time after which the same card may come again without being a bounce. */
const cardReturnsMs = limits.saturateCardsPerConnection * limits.saturateStepMs;
const codesMax = 256;
const taken = { turnstile: { kind: Kind.gateIn, amountKop: 0 }, till: { kind: Kind.buffet, amountKop: 1 } } as const;

function chosenReaders(plans: readonly ReaderPlan[], { connections, role }: Flags): ReaderPlan[] {
  const usable = plans.filter((plan) => (role === 'both' ? Object.hasOwn(taken, plan.role) : plan.role === role));
  if (usable.length >= connections) return usable.slice(0, connections);
  const need = connections + plans.length - usable.length;
  throw usageError(
    'READERS_TOO_FEW',
    `the region has ${usable.length} readers for ${connections} connections`,
    `Make one with region --readers ${need}, or use fewer connections`,
  );
}

/** Frames by turns, so that a card comes again only after every other one. */
function framesOf(plan: ReaderPlan, uids: readonly string[], tapsPerFrame: number): TemplateTap[][] {
  const { kind, amountKop } = taken[plan.role as keyof typeof taken];
  const frames = Math.max(2, Math.ceil(limits.saturateCardsPerConnection / tapsPerFrame));
  const uid = (place: number): Buffer => Buffer.from(uids[place % uids.length], 'hex');
  return Array.from({ length: frames }, (_, frame) =>
    Array.from({ length: tapsPerFrame }, (_, place) => ({ uid: uid(frame * tapsPerFrame + place), kind, amountKop })),
  );
}

async function connectionOptions(flags: Flags): Promise<SaturatingOptions[]> {
  const region = dirname(flags.keys);
  const { plans } = await loadDay(region, null, null);
  const keys = readKeys(region);
  const uidsBySchool = new Map<number, Set<string>>();
  for (const { school_id: school, taps } of plans) {
    const uids = uidsBySchool.get(school) ?? new Set();
    for (const [, uid] of taps) uids.add(uid);
    uidsBySchool.set(school, uids);
  }
  const bootEpoch = flags.epoch ?? Math.floor(Date.now() / 1000);
  const firstMs = Date.now() - 86_400_000;
  return chosenReaders(plans, flags).map((plan, place) => {
    const uids = [...(uidsBySchool.get(plan.school_id) ?? [])];
    // Neighbouring readers begin with other pupils.
    const turned = [...uids.slice((place * 97) % uids.length), ...uids.slice(0, (place * 97) % uids.length)];
    const frames = framesOf(plan, turned, flags.tapsPerFrame);
    return {
      url: new URL(flags.url),
      readerId: plan.reader_id,
      privateKey: keys.get(plan.reader_id) ?? '',
      bootEpoch,
      framesInFlight: Math.min(flags.inFlight, Math.floor(creditTapsMax / flags.tapsPerFrame)),
      tapsPerFrame: flags.tapsPerFrame,
      frames,
      firstMs,
      stepMs: Math.ceil(cardReturnsMs / frames.length),
    };
  });
}

/** What a saturation run comes to; latencies in milliseconds, from the write of a frame to its acknowledgement. */
export interface SaturationReport {
  readonly connections: number;
  readonly taps_per_frame: number;
  readonly frames_in_flight: number;
  readonly seconds: number;
  readonly sent: number;
  readonly acked: number;
  readonly unacked: number;
  readonly taps_per_second: number;
  readonly ack_ms: Readonly<Record<string, number>>;
  readonly codes: Readonly<Record<string, number>>;
  readonly errors: Readonly<Record<string, number>>;
}

/** Opens all connections, then keeps all of them full for so many seconds. */
export async function saturate(options: readonly SaturatingOptions[], seconds: number): Promise<SaturationReport> {
  const counters: Counters = {
    sentFrames: 0,
    ackedFrames: 0,
    lastAckMs: 0,
    codes: new Array<number>(codesMax).fill(0),
    errors: {},
    latencyMicros: createHistogram({ lowest: 1, highest: limits.ackLatencyMicrosMax, figures: 3 }),
  };
  const connections = options.map((option) => new SaturatingConnection(option, counters));
  const problems = (await Promise.all(connections.map((connection) => connection.ready))).filter((why) => why !== null);
  if (problems.length > 0) {
    for (const connection of connections) connection.close();
    const cause = `${problems.length} of ${connections.length} readers were not welcomed (${problems[0]})`;
    throw new OperatorError('NOT_WELCOMED', cause, 'Is the service running, and is the region imported?');
  }
  const startMs = performance.now();
  for (const connection of connections) connection.start();
  await progress(counters, options[0].tapsPerFrame, seconds);
  for (const connection of connections) connection.stop();
  const giveUpMs = performance.now() + limits.answerTimeoutMs;
  while (performance.now() < giveUpMs && connections.some((connection) => connection.outstanding > 0)) await sleep(5);
  for (const connection of connections) connection.close();
  return summarise(options, counters, (counters.lastAckMs - startMs) / 1000);
}

async function progress(counters: Counters, tapsPerFrame: number, seconds: number): Promise<void> {
  let before = 0;
  for (let second = 1; second <= seconds; second++) {
    await sleep(1_000);
    const rate = (counters.ackedFrames - before) * tapsPerFrame;
    before = counters.ackedFrames;
    process.stderr.write(`saturate: ${second} s ${rate} taps/s ack p99 ${ackMs(counters)['p99']} ms\n`);
  }
}

function ackMs({ latencyMicros }: Counters): Record<string, number> {
  if (latencyMicros.count === 0) return { p50: 0, p90: 0, p99: 0, max: 0 };
  const at = (percentile: number): number => latencyMicros.percentile(percentile) / 1000;
  return { p50: at(50), p90: at(90), p99: at(99), max: latencyMicros.max / 1000 };
}

function summarise(options: readonly SaturatingOptions[], counters: Counters, seconds: number): SaturationReport {
  const { tapsPerFrame, framesInFlight } = options[0];
  const acked = counters.ackedFrames * tapsPerFrame;
  const codes = counters.codes.map((count, code) => [String(code), count] as const).filter(([, count]) => count > 0);
  return {
    connections: options.length,
    taps_per_frame: tapsPerFrame,
    frames_in_flight: framesInFlight,
    seconds,
    sent: counters.sentFrames * tapsPerFrame,
    acked,
    unacked: counters.sentFrames * tapsPerFrame - acked,
    taps_per_second: Math.round(acked / seconds),
    ack_ms: ackMs(counters),
    codes: Object.fromEntries(codes),
    errors: counters.errors,
  };
}

async function run(flags: Flags): Promise<void> {
  const report = await saturate(await connectionOptions(flags), flags.seconds);
  printResult(flags.json, report, [
    `${report.taps_per_second} durable taps/s over ${report.connections} connections, ${report.taps_per_frame} a frame`,
    `ack p50 ${report.ack_ms['p50']} ms, p99 ${report.ack_ms['p99']} ms, max ${report.ack_ms['max']} ms`,
    `codes ${JSON.stringify(report.codes)}, errors ${JSON.stringify(report.errors)}, unacknowledged ${report.unacked}`,
  ]);
  if (report.unacked > 0) process.exitCode = 1;
}

export function registerSaturate(program: Command): void {
  program
    .command('saturate')
    .description('Keeps many connections full of TAPS frames over bare sockets and measures durable taps a second.')
    .requiredOption('--keys <file>', 'reader-keys.json of a region that the service has imported')
    .option('--url <url>', 'the stream', readStreamUrl, 'ws://127.0.0.1:8080/v1/stream')
    .option('--connections <n>', 'readers at once', readInteger(1, limits.saturateConnectionsMax), 200)
    .option('--taps-per-frame <n>', 'taps in each frame', readInteger(1, 512), 1)
    .option('--in-flight <n>', 'frames that a reader has unacknowledged', readInteger(1, 4_096), 16)
    .option('--seconds <n>', 'how long to send', readInteger(1, limits.saturateSecondsMax), 10)
    .addOption(
      new Option('--role <role>', 'turnstile: no money; till: each tap debits a kopeck')
        .choices(['turnstile', 'till', 'both'])
        .default('both'),
    )
    .option('--epoch <n>', 'boot epoch of all readers (default: the second of the start)', readInteger(1, 2 ** 32 - 1))
    .action(run);
}
