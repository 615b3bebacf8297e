import { expect, test } from 'vitest';
import type { LedgerCommand } from '../workers/ledger/command-types.ts';
import type { ShardPool } from '../workers/pool/pool.ts';
import { FeedFollower } from './feed-follower.ts';
import { smallRegion, temporaryRegistry, writeFiles } from './registry/fixtures.suite.ts';
import { importDirectory } from './registry/import.ts';

/** Two shards that note what they are told: even pupils in shard 0, odd ones in shard 1. */
function notingPool(): { pool: ShardPool; told: LedgerCommand[][] } {
  const told: LedgerCommand[][] = [[], []];
  const pool = {
    hosts: [{ opened: { registryChange: 0 } }, { opened: { registryChange: 0 } }],
    shardOf: (pupilId: number) => pupilId % 2,
    execute: (shard: number, commands: readonly LedgerCommand[]) => {
      told[shard].push(...commands);
      return Promise.resolve([]);
    },
  };
  return { pool: pool as unknown as ShardPool, told };
}

test('every shard hears of schools and rules, and of its own pupils and their cards only', async () => {
  const registry = await temporaryRegistry();
  const rules = '{"region":{"closed_weekdays":[7]}}';
  expect(await importDirectory(registry, writeFiles({ ...smallRegion, 'rules.json': rules }))).toMatchObject({
    ok: true,
  });
  const { pool, told } = notingPool();
  const follower = new FeedFollower(registry, pool, () => 0);
  await follower.catchUp();
  expect(follower.applied).toBe(await registry.lastChange());
  for (const shard of [0, 1]) {
    const about = told[shard].map((command) => {
      if (command.type === 'school') return `school ${command.schoolId} of ${command.districtId}`;
      if (command.type === 'rules') return `rules ${command.version} ${JSON.stringify(command.document)}`;
      return 'pupilId' in command ? `${command.type} of ${command.pupilId}` : command.type;
    });
    const own = shard === 0 ? [2, 4] : [1, 3];
    expect(about).toEqual([
      ...['school 10 of 1', 'school 11 of 1', 'school 20 of 2'],
      ...own.map((pupilId) => `holder of ${pupilId}`),
      ...own.map((pupilId) => `card of ${pupilId}`),
      `rules 2 ${rules}`,
      'feed',
    ]);
    const changes = told[shard].map((command) => ('change' in command ? command.change : 0));
    expect(changes).toEqual([...changes].sort((one, other) => one - other));
  }
});
