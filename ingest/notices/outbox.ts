import { setImmediate as turn, setTimeout as sleep } from 'node:timers/promises';
import type { JournalBlock } from '../../workers/journal/types.ts';
import { formatCursor } from './cursor.ts';
import { noticesIn } from './in-block.ts';
import { JournalTail } from './journal-tail.ts';
import { cursorIntervalMs, noticesPerSliceMax, pollIntervalMs } from './limits.ts';
import type { Notice } from './notice.ts';

export interface OutboxOptions {
  /** Folder of all journals. */
  readonly journalDirectory: string;
  /** By shard. */
  readonly durablePositions: ArrayLike<number>;
  /** By shard: what lies behind these is passed on. */
  readonly from: readonly number[];
  /** False: ends when what is durable now has been passed on. */
  readonly isFollowing: boolean;
}

/** Who takes notices. */
export interface Subscriber {
  notice(notice: Notice): void;
  /** Everything up to here was passed on, or was no notice. */
  cursor(cursor: string): void;
  /** Resolves when it has room again; false: it takes nothing more. */
  hasRoom(): Promise<boolean>;
}

/**
 * Passes the notices of all journals on, in the order of each: at least once, if the subscriber comes back with the cursor
 * of the last that it kept. Reads only what is durable, a block a turn, and gives other work its turn in between.
 */
export async function passOn(options: OutboxOptions, subscriber: Subscriber): Promise<void> {
  const { journalDirectory, durablePositions, from, isFollowing } = options;
  const tails = from.map((position, shard) => new JournalTail(journalDirectory, shard, position));
  const cursor = () => formatCursor(tails.map(({ position }) => position));
  const until = isFollowing ? durablePositions : Array.from(durablePositions);
  let toldAtMs = performance.now();
  let told = cursor();
  subscriber.cursor(told);
  try {
    for (;;) {
      const isMore = await passRound(tails, until, subscriber, cursor);
      if (!(await subscriber.hasRoom())) return;
      if (isMore) continue;
      const isOver = !isFollowing && tails.every(({ position }, shard) => position >= until[shard]);
      const isDue = isOver || performance.now() - toldAtMs >= cursorIntervalMs;
      if (isDue && cursor() !== told) {
        subscriber.cursor((told = cursor()));
        toldAtMs = performance.now();
      }
      if (isOver) return;
      await sleep(pollIntervalMs);
    }
  } finally {
    for (const tail of tails) tail.close();
  }
}

/** A block of each shard that has one; false if none has. */
async function passRound(
  tails: readonly JournalTail[],
  until: ArrayLike<number>,
  subscriber: Subscriber,
  cursor: () => string,
): Promise<boolean> {
  let isMore = false;
  for (const [shard, tail] of tails.entries()) {
    const block = tail.next(until[shard]);
    if (block === undefined) continue;
    isMore = true;
    if (block.lastPosition > tail.position && !(await passBlock(tail, block, subscriber, cursor))) return false;
    await turn();
  }
  return isMore;
}

/** False if the subscriber takes nothing more. */
async function passBlock(
  tail: JournalTail,
  block: JournalBlock,
  subscriber: Subscriber,
  cursor: () => string,
): Promise<boolean> {
  let passed = 0;
  for (const derived of noticesIn(block, tail.position)) {
    tail.position = derived.position;
    const { id, ...rest } = derived;
    subscriber.notice({ id, cursor: cursor(), ...rest });
    passed += 1;
    if (passed % noticesPerSliceMax !== 0) continue;
    if (!(await subscriber.hasRoom())) return false;
    await turn();
  }
  tail.position = block.lastPosition;
  return true;
}
