import { Piscina } from 'piscina';
import type { TapFacts } from '../../workers/ledger/command-types.ts';
import type { TapIdentity } from '../../workers/pool/messages.ts';
import type { ShardPool } from '../../workers/pool/pool.ts';
import type { ExplainedTap } from '../explain/shard-replay.ts';
import { identityKey } from './journal-search.ts';
import { threadIdleMs } from './limits.ts';
import { Rounds } from './rounds.ts';
import { storedPositions } from './stored-positions.ts';
import type { LookupAnswers, LookupRequest } from './worker.ts';

export interface FoundTap {
  readonly shard: number;
  readonly facts: TapFacts;
}

export interface TapLookupOptions {
  readonly pool: Pick<ShardPool, 'hosts' | 'durablePositions'>;
  /** Folder of all journals. */
  readonly journalDirectory: string;
  /** Where ClickHouse is just now; undefined or '' where it is not to be asked. */
  readonly clickhouseUrl?: () => string | undefined;
}

type Place = { readonly shard: number; readonly position: number } | undefined;

const workerUrl = new URL('./worker.ts', import.meta.url).href;

/**
 * Finds what the journal holds of a tap that was answered: decided, or refused with 93. The shards know where the newest
 * 8,192 of each reader are; of older ones ClickHouse may; else the journals are searched, the newest segments first. They
 * are read in a thread of their own, a segment at a time, so that quick questions pass between the slow ones; explanations
 * have another.
 */
export class TapLookup {
  readonly #options: TapLookupOptions;
  readonly #thread = openThread();
  /** An explanation replays what may be the whole journal: an OUTCOME must not wait for that. */
  readonly #explainThread = openThread();
  readonly #remembered = new Rounds<TapIdentity, FoundTap | undefined>((taps) => this.#findRemembered(taps));
  readonly #forgotten = new Rounds<TapIdentity, FoundTap | undefined>((taps) => this.#findForgotten(taps));

  readonly #explained = new Rounds<TapIdentity, ExplainedTap | undefined>((taps) => this.#explain(taps));

  constructor(options: TapLookupOptions) {
    this.#options = options;
  }

  /** Undefined for a tap that no journal holds. Rejects with LOOKUP_BUSY, or what keeps the journal from being read. */
  async find(identity: TapIdentity): Promise<FoundTap | undefined> {
    return (await this.#remembered.ask(identity)) ?? (await this.#forgotten.ask(identity));
  }

  /** Each as `find` finds it, in the same order. */
  async findMany(identities: readonly TapIdentity[]): Promise<(FoundTap | undefined)[]> {
    return await Promise.all(identities.map((identity) => this.find(identity)));
  }

  /** Everything that the journals know of a tap; what is asked for meanwhile is answered by one replay of the journal. */
  async explain(identity: TapIdentity): Promise<ExplainedTap | undefined> {
    return await this.#explained.ask(identity);
  }

  /** Ends the threads; what is still looked for is rejected. */
  async close(): Promise<void> {
    await Promise.all([this.#thread.destroy(), this.#explainThread.destroy()]);
  }

  async #findRemembered(taps: readonly TapIdentity[]): Promise<(FoundTap | undefined)[]> {
    const byShard = await Promise.all(this.#options.pool.hosts.map((host) => host.call({ type: 'locate', taps })));
    const places = taps.map((_, index) => {
      const shard = byShard.findIndex((positions) => positions[index] > 0);
      return shard < 0 ? undefined : { shard, position: byShard[shard][index] };
    });
    return await this.#read(taps, places);
  }

  async #findForgotten(taps: readonly TapIdentity[]): Promise<(FoundTap | undefined)[]> {
    const url = this.#options.clickhouseUrl?.() ?? '';
    const stored = url === '' ? new Map<string, Place>() : await storedPositions(url, taps);
    const found = await this.#read(
      taps,
      taps.map((tap) => stored.get(identityKey(tap))),
    );
    await this.#search(taps, found);
    return found;
  }

  async #explain(taps: readonly TapIdentity[]): Promise<(ExplainedTap | undefined)[]> {
    const { pool, journalDirectory: directory } = this.#options;
    const found = await this.findMany(taps);
    const known = taps.filter((_, index) => found[index] !== undefined);
    const places = found
      .filter((one) => one !== undefined)
      .map(({ shard, facts: { position } }) => ({ shard, position }));
    const durablePositions = [...pool.durablePositions];
    const explained = await this.#ask({ type: 'explain', directory, durablePositions, taps: known, places });
    return found.map((one) => (one === undefined ? undefined : explained.shift()));
  }

  /** Reads each shard's taps in one go. What lies elsewhere than it was said to is not found. */
  async #read(taps: readonly TapIdentity[], places: readonly Place[]): Promise<(FoundTap | undefined)[]> {
    const found = taps.map((): FoundTap | undefined => undefined);
    const { pool, journalDirectory: directory } = this.#options;
    for (const { shard } of pool.hosts) {
      const indexes = places.flatMap((place, index) => (place?.shard === shard ? index : []));
      if (indexes.length === 0) continue;
      const positions = indexes.map((index) => places[index]!.position);
      const read = await this.#ask({ type: 'read', directory, shard, positions });
      indexes.forEach((index, place) => {
        const facts = read[place];
        if (facts !== undefined && identityKey(facts) === identityKey(taps[index])) found[index] = { shard, facts };
      });
    }
    return found;
  }

  /** Fills in what is not found yet, from the durable part of the journals. */
  async #search(taps: readonly TapIdentity[], found: (FoundTap | undefined)[]): Promise<void> {
    const missing = () => taps.flatMap((_, index) => (found[index] === undefined ? index : []));
    const { pool, journalDirectory: directory } = this.#options;
    for (const { shard } of pool.hosts) {
      if (missing().length === 0) return;
      const durablePosition = pool.durablePositions[shard];
      const stretches = await this.#ask({ type: 'segments', directory, shard, durablePosition });
      for (const stretch of stretches.reverse()) {
        const indexes = missing();
        if (indexes.length === 0) return;
        const identities = indexes.map((index) => taps[index]);
        const facts = await this.#ask({ type: 'search', directory, stretch, identities });
        indexes.forEach((index, place) => {
          if (facts[place] !== undefined) found[index] = { shard, facts: facts[place] };
        });
      }
    }
  }

  async #ask<R extends LookupRequest>(request: R): Promise<LookupAnswers[R['type']]> {
    const thread = request.type === 'explain' ? this.#explainThread : this.#thread;
    return (await thread.run(request)) as LookupAnswers[R['type']];
  }
}

/** It begins with what it is first asked. */
function openThread(): Piscina<LookupRequest, unknown> {
  return new Piscina<LookupRequest, unknown>({
    filename: workerUrl,
    minThreads: 0,
    maxThreads: 1,
    idleTimeout: threadIdleMs,
    recordTiming: false,
  });
}
