import { openJournalCursor } from '../../workers/journal/cursor.ts';
import type { JournalCursor } from '../../workers/journal/types.ts';
import { countBlock } from './day-sums.ts';
import type { Counted } from './sums-file.ts';

/** Counts what the shards' journals hold, up to what is durable, each block once. */
export class JournalCounter {
  readonly counted: Counted;
  readonly #directory: string;
  readonly #durablePositions: Float64Array;
  readonly #cursors: (JournalCursor | undefined)[] = [];

  constructor(counted: Counted, journalDirectory: string, durablePositions: Float64Array) {
    this.counted = counted;
    this.#directory = journalDirectory;
    this.#durablePositions = durablePositions;
  }

  get isBehind(): boolean {
    return this.counted.positions.some((position, shard) => position < this.#durablePositions[shard]);
  }

  /** Reads about `bytesMax` more of each shard; true when there may be more. */
  read(bytesMax: number): boolean {
    for (const shard of this.counted.positions.keys()) this.#readShard(shard, bytesMax);
    this.counted.sums.trim();
    return this.isBehind;
  }

  close(): void {
    for (const shard of this.#cursors.keys()) this.#close(shard);
  }

  #readShard(shard: number, bytesMax: number): void {
    const { positions, sums } = this.counted;
    const durable = this.#durablePositions[shard];
    if (positions[shard] >= durable) return;
    const cursor = (this.#cursors[shard] ??= openJournalCursor(this.#directory, shard, positions[shard]));
    // What was read ahead was not durable then, and may have been lost and written anew.
    cursor.refresh();
    let bytes = 0;
    while (positions[shard] < durable && bytes < bytesMax) {
      const block = cursor.next();
      if (block === undefined || block.lastPosition > durable) return this.#close(shard);
      countBlock(sums, block);
      positions[shard] = block.lastPosition;
      for (const section of block.sections) bytes += section.bytes.byteLength;
    }
  }

  #close(shard: number): void {
    this.#cursors[shard]?.close();
    this.#cursors[shard] = undefined;
  }
}
