/**
 * The stream, in a process of its own, so that asking and sending do not wait for each other: `node stream-process.ts JSON`
 * with `StreamOptions`. Says `{"ready":true}`, then a `StreamSecond` a second; ends with standard input and a `StreamEnd`.
 */
import { once } from 'node:events';
import { BenchConnection } from '../bench-connection.ts';
import { type BenchReader, loadReaders } from '../bench-reader.ts';
import { benchLimits } from '../limits.ts';
import { ConnectionsLoad } from '../load.ts';
import { percentilesMs } from '../tally.ts';
import { answersLimits } from './limits.ts';
import type { StreamEnd, StreamOptions, StreamSecond } from './stream.ts';

const say = (value: object) => process.stdout.write(`${JSON.stringify(value)}\n`);

/** Brings a reader's time to shortly before now: its taps are of today. */
function wind(reader: BenchReader): void {
  reader.spend(1, benchLimits.firstTapBeforeMs - benchLimits.betweenPhasesMs - answersLimits.streamBeforeMs);
}

const { region, url, readers: count, tapsPerSecond } = JSON.parse(process.argv[2]) as StreamOptions;
const readers = await loadReaders(region, count, 0);
readers.forEach(wind);
const tapsPerFrame = answersLimits.streamTapsPerFrame;
const options = { url: new URL('/v1/stream', url), tapsPerFrame, framesInFlight: 1, isEcho: false };
const load = await ConnectionsLoad.open(
  (tally) => readers.map((reader) => new BenchConnection({ ...options, reader }, tally)),
  benchLimits.warmMs,
  tapsPerSecond / tapsPerFrame,
);
say({ ready: true });
load.start();

let before = { frames: 0, atMs: performance.now() };
const timer = setInterval(() => {
  const now = { frames: load.tally.answeredFrames, atMs: performance.now() };
  const tapsASecond = ((now.frames - before.frames) * tapsPerFrame * 1000) / (now.atMs - before.atMs);
  const second: StreamSecond = { taps_per_second: Math.round(tapsASecond) };
  say(second);
  before = now;
}, 1_000);

process.stdin.resume();
await once(process.stdin, 'end');
clearInterval(timer);
await load.stop();
const { answeredFrames, errors, codes, answerMicros } = load.tally;
const end: StreamEnd = {
  taps: answeredFrames * tapsPerFrame,
  ack_ms: percentilesMs(answerMicros),
  codes: Object.fromEntries([...codes].map((n, code) => [code, n] as const).filter(([, n]) => n > 0)),
  errors,
};
load.close();
process.stdout.write(`${JSON.stringify(end)}\n`, () => process.exit(0));
