import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { SumsFile } from './sums-file.ts';

const folder = mkdtempSync(path.join(os.tmpdir(), 'tapline-sums-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

it('goes on where it was, and begins anew beside a journal that does not reach so far', async () => {
  const file = new SumsFile(path.join(folder, 'sums.json'));
  const counted = file.load(Float64Array.of(0, 0));
  counted.sums.day(10, 20_000)!.taps = 7;
  counted.positions.splice(0, 2, 90, 40);
  await file.save(counted);
  const same = file.load(Float64Array.of(90, 55));
  expect([same.positions, same.sums.daysOf(10).get(20_000)?.taps]).toEqual([[90, 40], 7]);
  // Of a copy whose journal was taken a moment before the file: those places get other taps.
  for (const durable of [
    [89, 55],
    [0, 0],
    [90, 40, 0],
  ]) {
    const anew = file.load(Float64Array.from(durable));
    expect([anew.positions, anew.sums.size]).toEqual([durable.map(() => 0), 0]);
  }
});
