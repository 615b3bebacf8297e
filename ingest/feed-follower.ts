import type { RegionChange, RegistryChange } from '../workers/ledger/changes.ts';
import type { FeedMark } from '../workers/ledger/command-types.ts';
import type { ShardPool } from '../workers/pool/pool.ts';
import { batchCommandsMax } from '../workers/shard/limits.ts';
import type { Directory } from './registry/directory.ts';
import type { FeedEntry } from './registry/feed.ts';
import type { Registry } from './registry/store.ts';

/** How often the registry is asked for changes: well within the 5 s in which a command takes effect. */
const pollIntervalMs = 250;

/** Entries taken at once; one place of a batch is the feed's mark. */
const entriesMax = batchCommandsMax - 1;

/**
 * Carries the registry's changes to where taps are decided: first into the shards' journals, then into the gateway's
 * view, so that a card never resolves before its shard knows it.
 */
export class FeedFollower {
  readonly #registry: Registry;
  readonly #pool: ShardPool;
  readonly #now: () => number;
  #applied: number;
  #timer: NodeJS.Timeout | undefined;
  #running: Promise<void> = Promise.resolve();
  #isStopped = false;

  constructor(registry: Registry, pool: ShardPool, now: () => number) {
    this.#registry = registry;
    this.#pool = pool;
    this.#now = now;
    this.#applied = Math.min(...pool.hosts.map((host) => host.opened?.registryChange ?? 0));
  }

  /** The last change that every shard has journaled. */
  get applied(): number {
    return this.#applied;
  }

  /** Applies what is waiting; `onEntries` is told after the shards have it. */
  async catchUp(onEntries?: (entries: readonly FeedEntry[]) => void): Promise<void> {
    for (;;) {
      const entries = await this.#registry.changesAfter(this.#applied, entriesMax);
      if (entries.length === 0) return;
      await this.#toShards(entries);
      this.#applied = entries[entries.length - 1].change;
      onEntries?.(entries);
    }
  }

  /** Follows the feed from now on; `onEntries` is told when shards and directory have them. */
  start(
    directory: Directory,
    onEntries: (entries: readonly FeedEntry[]) => void,
    onError: (error: unknown) => void,
  ): void {
    const apply = (entries: readonly FeedEntry[]) => {
      directory.follow(entries);
      onEntries(entries);
    };
    const poll = () => {
      this.#running = this.catchUp(apply).catch(onError);
      void this.#running.then(() => {
        if (!this.#isStopped) this.#timer = setTimeout(poll, pollIntervalMs);
      });
    };
    poll();
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    clearTimeout(this.#timer);
    await this.#running;
  }

  async #toShards(entries: readonly FeedEntry[]): Promise<void> {
    const commands: (RegistryChange | FeedMark)[][] = this.#pool.hosts.map(() => []);
    for (const { ledger } of entries) {
      if (ledger === null) continue;
      if (concernsAll(ledger)) commands.forEach((list) => list.push(ledger));
      else commands[this.#pool.shardOf(ledger.pupilId)].push(ledger);
    }
    const change = entries[entries.length - 1].change;
    await Promise.all(
      commands.map((list, shard) => this.#pool.execute(shard, [...list, { type: 'feed', change }], this.#now())),
    );
  }
}

function concernsAll(change: RegistryChange): change is RegionChange {
  return change.type === 'school' || change.type === 'rules';
}
