import type { ClickHouseClient } from '../clickhouse/client.ts';
import { verifyLimits } from '../limits.ts';
import { rowsOf } from './stored.ts';

/** Positions from `from` to `to`, both included. */
export interface PositionRange {
  readonly from: number;
  readonly to: number;
}

/** Where table and journal differ; at most `verifyLimits.rangesMax` ranges of each kind. */
export interface PositionDifferences {
  readonly missing: readonly PositionRange[];
  readonly doubled: readonly PositionRange[];
  /** In the table, and no tap in the journal. */
  readonly unexpected: readonly PositionRange[];
  /** True when there are more than are named. */
  readonly cut: boolean;
}

/**
 * Compares the positions of a shard's taps in the journal (`expected`: ascending ranges without overlap) with table
 * `tap`, up to and including `upTo`. Windows whose sums agree are passed over.
 */
export async function comparePositions(
  client: ClickHouseClient,
  shard: number,
  expected: Iterable<PositionRange>,
  upTo: number,
): Promise<PositionDifferences> {
  const missing = new Ranges();
  const doubled = new Ranges();
  const unexpected = new Ranges();
  const all = [missing, doubled, unexpected];
  for (const window of windowsOf(expected, upTo)) {
    if (all.some((ranges) => ranges.isFull)) break;
    if (await agrees(client, shard, window)) continue;
    const stored = await storedCounts(client, shard, window);
    for (let position = window.from; position <= window.to; position++) {
      const count = stored.get(position) ?? 0;
      const wanted = window.expected.has(position);
      if (wanted && count === 0) missing.add(position);
      if (wanted && count > 1) doubled.add(position);
      if (!wanted && count > 0) unexpected.add(position);
    }
  }
  const [lists, cut] = [all.map((ranges) => ranges.list), all.some((ranges) => ranges.isFull)];
  return { missing: lists[0], doubled: lists[1], unexpected: lists[2], cut };
}

interface Window extends PositionRange {
  readonly expected: ReadonlySet<number>;
}

/** Cuts the expected positions into windows of equal width, without gaps between them. */
function* windowsOf(expected: Iterable<PositionRange>, upTo: number): Generator<Window> {
  const width = verifyLimits.windowPositions;
  let from = 1;
  let positions = new Set<number>();
  for (const range of expected) {
    for (let position = range.from; position <= Math.min(range.to, upTo); position++) {
      while (position >= from + width) {
        yield { from, to: from + width - 1, expected: positions };
        from += width;
        positions = new Set();
      }
      positions.add(position);
    }
  }
  for (; from <= upTo; from += width) {
    yield { from, to: Math.min(from + width - 1, upTo), expected: positions };
    positions = new Set();
  }
}

async function agrees(client: ClickHouseClient, shard: number, window: Window): Promise<boolean> {
  const [stored] = await rowsOf<{ count: number; sum: string; different: number }>(
    client,
    `SELECT toUInt32(count()) AS count, toUInt32(uniqExact(position)) AS different, toString(sum(toInt128(position))) AS sum
     FROM tap WHERE shard = ${shard} AND position BETWEEN ${window.from} AND ${window.to}`,
  );
  let sum = 0n;
  for (const position of window.expected) sum += BigInt(position);
  const count = window.expected.size;
  return stored.count === count && stored.different === count && BigInt(stored.sum) === sum;
}

async function storedCounts(
  client: ClickHouseClient,
  shard: number,
  window: PositionRange,
): Promise<Map<number, number>> {
  const rows = await rowsOf<{ id: string; count: number }>(
    client,
    `SELECT toString(position) AS id, toUInt32(count()) AS count FROM tap
     WHERE shard = ${shard} AND position BETWEEN ${window.from} AND ${window.to} GROUP BY position`,
  );
  return new Map(rows.map((row) => [Number(row.id), row.count]));
}

/** Joins ascending positions into ranges, up to a bound. */
class Ranges {
  readonly list: { from: number; to: number }[] = [];
  isFull = false;

  add(position: number): void {
    const last = this.list.at(-1);
    if (last?.to === position - 1) last.to = position;
    else if (this.list.length < verifyLimits.rangesMax) this.list.push({ from: position, to: position });
    else this.isFull = true;
  }
}
