import { describe, expect, test } from 'vitest';
import { ClockQuality } from '../../workers/ledger/kinds.ts';
import { encodeTaps } from '../protocol/encode.ts';
import { ReaderFlag, TapFlag } from '../protocol/codes.ts';
import { ReaderClock, TapTime } from './clock.ts';
import { RunningGateway, uidOf } from './running-gateway.suite.ts';
import { TestReader } from './test-reader.suite.ts';

const noonMs = Date.UTC(2026, 8, 1, 12);
const [secondMs, minuteMs, dayMs] = [1_000, 60_000, 86_400_000];

/** A tap that came in at noon, made at a reader's time that is off by so much. */
function correctedOf({ rawMs, offsetMs, flags = 0 }: { rawMs: number; offsetMs: number; flags?: number }) {
  const clock = new ReaderClock();
  clock.shown(noonMs - offsetMs, noonMs);
  const time = new TapTime();
  time.correct(rawMs, clock, flags, noonMs);
  return { at: time.atMs, quality: time.quality, flags: time.flags };
}

describe('a tap is dated by the offset that HELLO showed', () => {
  const { A, B, D } = ClockQuality;
  const { clockCorrected, clockDoubtful, late } = TapFlag;
  test.each([
    ['2 s off is right', { rawMs: noonMs - secondMs, offsetMs: 2_000 }, noonMs - secondMs, A, 0],
    ['more is corrected', { rawMs: noonMs - 5_000, offsetMs: 2_001 }, noonMs - 2_999, B, clockCorrected],
    ['a minute slow', { rawMs: noonMs - 2 * minuteMs, offsetMs: minuteMs }, noonMs - minuteMs, B, clockCorrected],
    [
      'more is doubtful',
      { rawMs: noonMs + 90_000, offsetMs: -60_001 },
      noonMs + 29_999,
      D,
      clockCorrected | clockDoubtful,
    ],
    ['5 min late', { rawMs: noonMs - 5 * minuteMs, offsetMs: 0 }, noonMs - 5 * minuteMs, A, 0],
    ['more is LATE', { rawMs: noonMs - 5 * minuteMs - 1, offsetMs: 0 }, noonMs - 5 * minuteMs - 1, A, late],
    ['5 min ahead', { rawMs: noonMs + 5 * minuteMs, offsetMs: 0 }, noonMs + 5 * minuteMs, A, 0],
    ['more was not', { rawMs: noonMs + 5 * minuteMs + 1, offsetMs: 0 }, noonMs, D, clockCorrected | clockDoubtful],
    ['unset', { rawMs: noonMs - 1, offsetMs: 0, flags: ReaderFlag.clockUnset }, noonMs - 1, D, clockDoubtful],
    [
      'unset long ago',
      { rawMs: noonMs - 31 * dayMs, offsetMs: 0, flags: ReaderFlag.clockUnset },
      noonMs,
      D,
      clockCorrected | clockDoubtful,
    ],
  ])('%s', (_, tap, at, quality, flags) => {
    expect(correctedOf(tap)).toEqual({ at, quality, flags });
  });
});

test('a clock that was moved between HELLOs of a boot epoch makes older taps doubtful, and no others', async () => {
  const { A, D } = ClockQuality;
  let nowMs = noonMs;
  const running = await RunningGateway.start({ now: () => nowMs });
  const readerId = 1;
  let seq = 1;
  /** Makes a tap for each of these times by the reader's clock, and gives what their clocks are worth. */
  async function qualities(bootEpoch: number, clockMs: number, madeAtMs: readonly number[]): Promise<number[]> {
    const { reader } = await TestReader.welcome(running.streamUrl, readerId, { bootEpoch, clockMs });
    const taps = madeAtMs.map((deltaMs) => ({ uid: uidOf(1), kind: 1, deltaMs }));
    reader.send(encodeTaps({ firstSeq: seq, baseMs: 0, taps }));
    await reader.expect('ack');
    await reader.close();
    const made = madeAtMs.map((_, place) => ({ readerId, bootEpoch, seq: seq + place }));
    seq += madeAtMs.length;
    return (await running.taps.findMany(made)).map((found) => found!.facts.clockQuality);
  }
  expect(await qualities(1, nowMs, [nowMs - minuteMs])).toEqual([A]);
  nowMs += 10 * minuteMs;
  // 50 s is drift and a slow line; what lies between the HELLOs has the clock of either.
  expect(await qualities(1, nowMs - 50 * secondMs, [nowMs - minuteMs])).toEqual([ClockQuality.B]);
  nowMs += 10 * minuteMs;
  const movedMs = nowMs + 11 * secondMs;
  expect(await qualities(1, movedMs, [movedMs - 1, movedMs])).toEqual([D, ClockQuality.B]);
  nowMs += 10 * minuteMs;
  expect(await qualities(1, nowMs, [movedMs - 1, movedMs, nowMs]), 'also when it is right afterwards').toEqual([
    D,
    A,
    A,
  ]);
  seq = 1;
  expect(await qualities(2, nowMs, [movedMs - 1]), 'a new epoch').toEqual([A]);
  await running.end();
});
