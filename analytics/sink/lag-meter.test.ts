import { expect, test } from 'vitest';
import { LagMeter } from './lag-meter.ts';

test('tells how long the oldest position that is not stored has been durable', () => {
  const meter = new LagMeter();
  expect(meter.lagMs(0, 1_000)).toBe(0);
  meter.note(10, 1_000);
  meter.note(20, 3_000);
  expect(meter.lagMs(0, 5_000)).toBe(4_000);
  expect(meter.lagMs(9, 5_000)).toBe(4_000);
  expect(meter.lagMs(10, 5_000)).toBe(2_000);
  expect(meter.lagMs(20, 5_000)).toBe(0);
});

test('keeps the oldest note, and a bounded number, however long ClickHouse is away', () => {
  const meter = new LagMeter();
  for (let second = 0; second < 86_400; second++) meter.note(second + 1, second * 1_000);
  expect(meter.lagMs(0, 86_400_000)).toBe(86_400_000);
});
