import { expect, test } from 'vitest';
import { seeded } from '../sink/memory-journal.suite.ts';
import { RowRing } from './row-ring.ts';

test('whatever is taken, given back and pushed meanwhile: the newest stay in order, and every row is accounted for', () => {
  const seed = Number(process.env['TAPLINE_SEED'] ?? 7);
  const random = seeded(seed);
  for (let run = 0; run < 300; run++) {
    const rowsMax = 1 + random(8);
    const ring = new RowRing<number>(rowsMax);
    let pushed = 0;
    const arrived: number[] = [];
    const push = (count: number) => {
      for (let rest = count; rest > 0; rest--) ring.push(pushed++);
      expect(ring.size, `seed ${seed}`).toBeLessThanOrEqual(rowsMax);
    };
    for (let step = 0; step < 40; step++) {
      push(random(10));
      const rows = ring.take(1 + random(6));
      push(random(4) === 0 ? 0 : random(12));
      if (random(2) === 0) {
        arrived.push(...rows);
        ring.arrived();
      } else ring.giveBack();
      expect(arrived.length + ring.size + ring.dropped, `seed ${seed}`).toBe(pushed);
    }
    const kept = ring.take(rowsMax);
    arrived.push(...kept);
    expect(arrived, `seed ${seed}`).toEqual(arrived.toSorted((a, b) => a - b));
    expect(new Set(arrived).size).toBe(arrived.length);
    if (kept.length > 0) expect(kept.at(-1)).toBe(pushed - 1);
  }
});
