/** Seeded randomness for tests. `TAPLINE_SEED` repeats a run; a failure names its seed. */
export const testSeed = Number(process.env.TAPLINE_SEED ?? Date.now() % 2 ** 31);

export type Random = (below: number) => number;

/** Mulberry32: whole numbers from 0 up to, not including, `below`. */
export function randomFrom(seed: number): Random {
  let state = seed | 0;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

/** Runs a test with random numbers; what it throws says how to repeat it. */
export function withRandom(work: (random: Random) => void): () => void {
  return () => {
    try {
      work(randomFrom(testSeed));
    } catch (error) {
      throw new Error(`with TAPLINE_SEED=${testSeed}`, { cause: error });
    }
  };
}
