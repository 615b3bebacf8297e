import { setImmediate } from 'node:timers/promises';
import { expect, test } from 'vitest';
import type { ShardPool } from '../../workers/pool/pool.ts';
import { RegionKeys } from './region-keys.ts';
import { Turns } from './turns.ts';

/** Shards that remember the keys which `work` writes into them. */
function shardsWith(...held: string[][]) {
  const shards = held.map((keys) => new Set(keys));
  const hosts = shards.map((keys) => ({
    call: async (request: { keys: readonly string[] }) => {
      await setImmediate();
      return request.keys.map((key) => keys.has(key));
    },
  }));
  return { shards, keys: new RegionKeys({ hosts } as unknown as ShardPool, new Turns()) };
}

test('a key belongs to the shard that has it, else to the first command of the request', async () => {
  const { keys } = shardsWith(['a', 'both'], ['b', 'both'], []);
  const asked = [
    { key: 'a', shard: 0 },
    { key: 'a', shard: 1 },
    { key: 'b', shard: 0 },
    { key: 'new', shard: 2 },
    { key: 'new', shard: 1 },
    { key: 'new', shard: 2 },
    { key: '', shard: 1 },
    // From before keys were the region's: each shard gives its own first outcome again.
    { key: 'both', shard: 0 },
    { key: 'both', shard: 1 },
    { key: 'both', shard: 2 },
  ];
  const taken = await keys.run(asked, (isTaken) => Promise.resolve([...isTaken]));
  expect(taken).toEqual([false, true, true, false, true, false, false, false, false, true]);
});

test('of requests at the same time with one key, one is done', async () => {
  const { shards, keys } = shardsWith([], [], []);
  const done = await Promise.all(
    [0, 1, 2, 1].map((shard) =>
      keys.run([{ key: 'k', shard }], async ([isTaken]) => {
        await setImmediate();
        if (!isTaken) shards[shard].add('k');
        return !isTaken;
      }),
    ),
  );
  expect(done).toEqual([true, false, false, false]);
});
