import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Command } from 'commander';
import { reportLines } from '../fleet/command.ts';
import { CardTurns } from '../fleet/card-turns.ts';
import { plannedClock } from '../fleet/clock.ts';
import { quiet } from '../fleet/noise.ts';
import { runFleet, type FleetReport } from '../fleet/run.ts';
import { limits } from '../limits.ts';
import { printResult, readInteger, readStreamUrl } from '../options.ts';
import { requireServiceCli, runServiceCli, type CliAnswer } from '../service-cli.ts';
import { AutoPayments } from './auto-payments.ts';
import { readGateTaps, readStudents, readTillTaps } from './files.ts';
import {
  collisions,
  replayReaders,
  tillPupils,
  writeReplayRegion,
  type ReplayData,
  type ReplayReader,
} from './prepare.ts';

interface Flags {
  readonly students: string;
  readonly gate: string;
  readonly till: string;
  readonly url: string;
  readonly out?: string;
  readonly data: string;
  readonly openingKop: number;
  readonly autoKop: number;
  readonly autoBelowKop: number;
  readonly epoch?: number;
  readonly tapsPerFrame: number;
  readonly prepareOnly?: boolean;
  readonly skipImport?: boolean;
  readonly acks?: string;
  readonly json?: boolean;
}

function say(line: string): void {
  process.stderr.write(`replay: ${line}\n`);
}

/** Imports the region and opens the purses. Refused rows (colliding cards) do not stop it; a failing command does. */
async function importRegion(directory: string, { data, openingKop }: Flags): Promise<unknown> {
  say(`importing ${directory}`);
  const imported: CliAnswer = await runServiceCli(['import', directory, '--data', data]);
  if (imported.exitStatus > 1) await requireServiceCli(['import', directory, '--data', data]);
  if (openingKop > 0) {
    say('opening the purses');
    await requireServiceCli(['topup', '--file', join(directory, 'topups.csv'), '--data', data]);
  }
  await sleep(limits.registrySettleMs);
  return imported.json;
}

/** Automatic payments for the tills' cards; null where none were asked for. */
async function autoPayments(till: ReplayData['till'], flags: Flags): Promise<AutoPayments | null> {
  const { autoKop: addKop, autoBelowKop: belowKop, openingKop, data, url } = flags;
  if (addKop === 0) return null;
  const name = `replay-${Date.now()}`;
  const { json } = await requireServiceCli(['token', 'issue', '--name', name, '--role', 'finance', '--data', data]);
  const { token } = json as { token: string };
  const { protocol, host } = new URL(url);
  const origin = `${protocol === 'wss:' ? 'https' : 'http'}://${host}`;
  return new AutoPayments({ url: origin, token, openingKop, belowKop, addKop, pupilByUid: tillPupils(till) });
}

/** The taps of a card go out in the order of the files: however tills interleave, the same comes of it. */
function turnsOf(readers: readonly ReplayReader[], payments: AutoPayments | null): CardTurns {
  const places = new Map(readers.map((reader) => [reader.key.readerId, reader.places]));
  const rankOf = (readerId: number, n: number): number => places.get(readerId)?.[n - 1] ?? 0;
  return new CardTurns(payments === null ? { rankOf } : { rankOf, prepare: (uid) => payments.due(uid) });
}

async function play(
  readers: readonly ReplayReader[],
  flags: Flags,
  payments: AutoPayments | null,
): Promise<FleetReport> {
  const bootEpoch = flags.epoch ?? Math.floor(Date.now() / 1000);
  return runFleet({
    url: flags.url,
    clock: plannedClock(Date.now(), Infinity),
    readers: readers.map(({ key, taps }) => ({
      readerId: key.readerId,
      privateKey: key.privateKey,
      bootEpoch,
      taps,
      madeOffline: false,
      noise: quiet(key.readerId),
    })),
    tapsPerFrameMax: flags.tapsPerFrame,
    forMs: null,
    drainMs: limits.drainMs,
    acksPath: flags.acks ?? null,
    progress: say,
    signal: null,
    turns: turnsOf(readers, payments),
    onBalance: payments === null ? null : (uid, balanceKop) => payments.saw(uid, balanceKop),
    rulesVersion: 0,
  });
}

async function run(flags: Flags): Promise<void> {
  const data = {
    students: readStudents(flags.students),
    gate: readGateTaps(flags.gate),
    till: readTillTaps(flags.till),
  };
  const readers = replayReaders(data);
  const out = flags.out ?? mkdtempSync(join(tmpdir(), 'tapline-replay-'));
  writeReplayRegion(data, readers, out, flags.openingKop);
  const prepared = {
    out,
    students: data.students.length,
    gate_taps: data.gate.length,
    till_taps: data.till.length,
    readers: readers.length,
    collisions: collisions(data.students),
  };
  const collided = prepared.collisions.map(({ uid, pupils }) => `UID ${uid} is held by students ${pupils.join(', ')}`);
  if (flags.prepareOnly) return printResult(flags.json, prepared, [`prepared in ${out}`, ...collided]);
  const imported = flags.skipImport ? null : await importRegion(out, flags);
  const payments = await autoPayments(data.till, flags);
  const report = await play(readers, flags, payments);
  const automatic = payments === null ? {} : { auto_payments: payments.count };
  printResult(flags.json, { ...prepared, import: imported, ...automatic, ...report }, [
    ...collided,
    ...reportLines(report),
  ]);
  if (!report.ok) process.exitCode = 1;
}

export function registerReplay(program: Command): void {
  program
    .command('replay')
    .description('Plays real taps from files through real connections, each door and till in the order of its file.')
    .requiredOption('--students <file>', 'student_no,class_no,card_uid')
    .requiredOption('--gate <file>', 'captured_at_local,card_uid,door,direction')
    .requiredOption('--till <file>', 'captured_at_local,card_uid,till,weight_g')
    .option('--url <url>', 'the stream', readStreamUrl, 'ws://127.0.0.1:8080/v1/stream')
    .option('--out <dir>', 'where the import directory is written (default: a temporary one)')
    .option('--opening-kop <n>', 'what each till card starts with', readInteger(0, 10_000_000), 50_000)
    .option(
      '--auto-kop <n>',
      'a till card is topped up by so much, as parents have it done',
      readInteger(0, 10_000_000),
      0,
    )
    .option(
      '--auto-below-kop <n>',
      '… whenever it holds less than this before a tap',
      readInteger(0, 10_000_000),
      10_000,
    )
    .option('--epoch <n>', 'boot epoch of all readers (default: the second of the start)', readInteger(1, 2 ** 32 - 1))
    .option('--taps-per-frame <n>', 'at most so many taps in a frame', readInteger(1, 512), 512)
    .option('--prepare-only', 'write the import directory and stop')
    .option('--skip-import', 'the import and the top-ups are done already')
    .option('--acks <file>', 'write every answered identity as NDJSON')
    .action(run);
}
