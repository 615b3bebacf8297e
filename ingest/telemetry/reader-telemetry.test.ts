import { beforeEach, expect, test } from 'vitest';
import { BeatEvent, type ReaderBeat } from '../../analytics/telemetry/reader-beat.ts';
import { ReaderState } from '../gateway/reader-state.ts';
import { LocalClock } from '../registry/local-time.ts';
import { requestIntervalMs, rowIntervalMs } from './limits.ts';
import { ReaderTelemetry } from './reader-telemetry.ts';

const { beat, connected, closed } = BeatEvent;
let nowMs = 0;
let rows: ReaderBeat[] = [];
let telemetry: ReaderTelemetry;

beforeEach(() => {
  nowMs = Date.UTC(2026, 8, 1, 6);
  rows = [];
  telemetry = new ReaderTelemetry(
    () => nowMs,
    (row) => rows.push(row),
  );
});

function stateOf(readerId: number): ReaderState {
  const publicKey = new Uint8Array(32);
  const place = { schoolId: 10, districtId: 1, timeZone: 'UTC', kindsMask: 2, place: '' };
  return new ReaderState({ readerId, publicKey, revoked: false, ...place }, new LocalClock('UTC'));
}

/** A BEAT with a queue comes in. */
function comes(state: ReaderState, queued: number): void {
  state.beat = { at: nowMs, queued, oldestMs: queued === 0 ? null : nowMs - 1_000, rulesVersion: 4 };
  telemetry.beat(state);
}

const told = () => rows.map(({ readerId, event, queued }) => [readerId, event, queued]);

test('a storm of BEATs is a row each 10 s, and the last of them is told', () => {
  const [one, other] = [stateOf(1), stateOf(2)];
  const startMs = nowMs;
  comes(other, 7);
  for (let second = 0; second < 25; second++) {
    comes(one, second);
    telemetry.flush(false);
    nowMs += 1_000;
  }
  expect(told()).toEqual([
    [2, beat, 7],
    [1, beat, 0],
    [1, beat, 10],
    [1, beat, 20],
  ]);
  nowMs = startMs + 3 * rowIntervalMs;
  telemetry.flush(false);
  telemetry.flush(false);
  expect(told().slice(4)).toEqual([[1, beat, 24]]);
  // A row tells when it was, not when it was let through.
  expect(rows.at(-1)?.atMs).toBe(startMs + 24_000);
});

test('a reader that comes and goes is told by its last coming and going, in the order of their times', () => {
  const reader = stateOf(1);
  for (let times = 0; times < 50; times++) {
    telemetry.connected(reader);
    nowMs += 10;
    telemetry.closed(reader);
    nowMs += 10;
  }
  telemetry.connected(reader);
  expect(told()).toEqual([
    [1, connected, 0],
    [1, closed, 0],
  ]);
  telemetry.flush(true);
  expect(rows).toHaveLength(4);
  expect(rows.toSorted((a, b) => a.atMs - b.atMs).at(-1)?.event).toBe(connected);
  // What was told at the end is not told again.
  telemetry.flush(true);
  expect(rows).toHaveLength(4);
});

test('requests over HTTP are a sign of life each 30 s', () => {
  const reader = stateOf(1);
  const startMs = nowMs;
  for (; nowMs < startMs + 3 * requestIntervalMs; nowMs += 100) {
    telemetry.requested(reader);
    telemetry.flush(false);
  }
  expect(rows.map(({ atMs }) => atMs - startMs)).toEqual([0, requestIntervalMs, 2 * requestIntervalMs]);
});

test('a clock that is set back by a day holds nothing back', () => {
  const reader = stateOf(1);
  comes(reader, 1);
  nowMs -= 86_400_000;
  comes(reader, 2);
  expect(told().at(-1)).toEqual([1, beat, 2]);
});
