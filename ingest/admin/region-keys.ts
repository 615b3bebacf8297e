import type { ShardPool } from '../../workers/pool/pool.ts';
import type { Turns } from './turns.ts';

/** A command that has a key, and the shard that will execute it. */
export interface KeyedFor {
  readonly key: string;
  readonly shard: number;
}

/**
 * A payer's key means one command in the whole region, while each shard remembers only its own: before a keyed command is
 * executed, the other shards are asked. One request at a time, so that two cannot pass each other.
 */
export class RegionKeys {
  readonly #pool: ShardPool;
  readonly #turns: Turns;

  constructor(pool: ShardPool, turns: Turns) {
    this.#pool = pool;
    this.#turns = turns;
  }

  /** Runs `work` with, for each command, whether its key belongs to a command of another shard (or of one before it). */
  async run<T>(commands: readonly KeyedFor[], work: (isTaken: readonly boolean[]) => Promise<T>): Promise<T> {
    if (this.#pool.hosts.length === 1) return await work(commands.map(() => false));
    return await this.#turns.run(async () => await work(await this.#taken(commands)));
  }

  async #taken(commands: readonly KeyedFor[]): Promise<boolean[]> {
    const keys = [...new Set(commands.map(({ key }) => key).filter((key) => key !== ''))];
    const places = new Map(keys.map((key, place) => [key, place]));
    const held = await Promise.all(this.#pool.hosts.map((host) => host.call({ type: 'keys', keys })));
    const owners = new Map<string, number>();
    return commands.map(({ key, shard }) => {
      const place = places.get(key);
      if (place === undefined || held[shard][place]) return false;
      if (held.some((byShard) => byShard[place])) return true;
      if (!owners.has(key)) owners.set(key, shard);
      return owners.get(key) !== shard;
    });
  }
}
