import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, test } from 'vitest';
import { parseClock } from './clock.ts';

test('a clock that stands in a file shows what was written last; a file that is none is no clock', () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'clock-'));
  const file = path.join(folder, 'clock');
  const write = (ms: number) => writeFileSync(file, Buffer.from(new Float64Array([ms]).buffer), { flag: 'r+' });
  writeFileSync(file, Buffer.alloc(8));
  const clock = parseClock(`@${file}`)!;
  for (const ms of [Date.UTC(2026, 8, 1), Date.UTC(2026, 8, 1) + 1, 0]) {
    write(ms);
    expect(clock()).toBe(ms);
  }
  writeFileSync(file, 'short');
  expect(parseClock(`@${file}`)).toBeUndefined();
  expect(parseClock(`@${path.join(folder, 'none')}`)).toBeUndefined();
  rmSync(folder, { recursive: true });
});
