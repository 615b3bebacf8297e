import { Piscina } from 'piscina';
import { shardDirectory } from '../journal/cursor.ts';
import { segmentBytesDefault } from '../journal/limits.ts';
import type { CommandAnswer, LedgerCommand } from '../ledger/commands.ts';
import { ShardHost } from './host.ts';
import type { TimedBatch } from './messages.ts';

export interface PoolOptions {
  /** Folder of all journals. */
  readonly directory: string;
  readonly shards: number;
  readonly segmentBytes?: number;
  readonly onCrash?: (shard: number, error: unknown) => void;
}

const snapshotWorkerUrl = new URL('./snapshot-worker.ts', import.meta.url).href;

/** All shards of a service, each with its thread, and what is durable in each. */
export class ShardPool {
  readonly hosts: readonly ShardHost[];
  /** Last durable position by shard, in shared memory, so that the sink's thread sees it without a message. */
  readonly durablePositions: Float64Array<SharedArrayBuffer>;
  readonly #directory: string;
  readonly #snapshotWriter: Piscina;

  private constructor(options: PoolOptions) {
    this.#directory = options.directory;
    this.durablePositions = new Float64Array(new SharedArrayBuffer(options.shards * 8));
    this.hosts = Array.from(
      { length: options.shards },
      (_, shard) =>
        new ShardHost({
          shard,
          directory: shardDirectory(options.directory, shard),
          segmentBytes: options.segmentBytes ?? segmentBytesDefault,
          onCrash: (error) => options.onCrash?.(shard, error),
        }),
    );
    this.#snapshotWriter = new Piscina({
      filename: snapshotWorkerUrl,
      minThreads: 0,
      maxThreads: 1,
      recordTiming: false,
    });
  }

  /** Opens every shard; all are recovered when this resolves. Rejects with the first OperatorError. */
  static async open(options: PoolOptions): Promise<ShardPool> {
    const pool = new ShardPool(options);
    try {
      await Promise.all(
        pool.hosts.map(async (host) => {
          const opened = await host.open();
          pool.durablePositions[host.shard] = opened.lastPosition;
        }),
      );
    } catch (error) {
      await pool.close();
      throw error;
    }
    return pool;
  }

  /** The shard that owns a pupil. Where taps of unknown cards go is the gateway's choice. */
  shardOf(pupilId: number): number {
    return pupilId % this.hosts.length;
  }

  /** Decides a batch and makes it durable; the records then hold the answers. */
  async decide(shard: number, buffer: SharedArrayBuffer, count: number, nowMs: number): Promise<TimedBatch> {
    const host = this.hosts[shard];
    const result = await host.call({ type: 'batch', buffer, count, nowMs });
    this.durablePositions[shard] = result.lastPosition;
    if (result.wantsPrepare) void host.call({ type: 'prepare' }).catch(() => undefined);
    return result;
  }

  /** Executes commands and makes their outcomes durable. */
  async execute(shard: number, commands: readonly LedgerCommand[], nowMs: number): Promise<CommandAnswer[]> {
    const result = await this.hosts[shard].call({ type: 'commands', commands, nowMs });
    this.durablePositions[shard] = result.lastPosition;
    return result.answers;
  }

  /** Takes a snapshot of a shard and writes it beside its journal; batches go on meanwhile. */
  async saveSnapshot(shard: number): Promise<void> {
    const snapshot = await this.hosts[shard].call({ type: 'snapshot' });
    await this.#snapshotWriter.run({ directory: shardDirectory(this.#directory, shard), snapshot });
  }

  /** Ends all threads, after what was asked of them. */
  async close(): Promise<void> {
    await Promise.all(this.hosts.map((host) => host.close()));
    await this.#snapshotWriter.destroy();
  }
}
