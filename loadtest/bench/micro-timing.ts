/** One part and its floor, in nanoseconds a tap. */
export interface MicroFigure {
  readonly name: string;
  readonly ns_per_tap: number;
  readonly floor_name: string;
  readonly floor_ns_per_tap: number;
  readonly ratio_to_floor: number;
}

export interface Pair {
  readonly name: string;
  readonly floorName: string;
  /** Taps that one call of `part` or `floor` deals with. */
  readonly taps: number;
  /** Done before each call of `part`, and not timed. */
  readonly prepare?: () => void;
  readonly part: () => unknown;
  readonly floor: () => unknown;
  readonly windowMs: number;
}

/** Windows of the part and the floor alternate; the first of each is the warm-up and does not count. */
const windows = 6;

/** Times both by turns and takes the medians of their windows. */
export function measurePair({ name, floorName, taps, prepare, part, floor, windowMs }: Pair): MicroFigure {
  const parts: number[] = [];
  const floors: number[] = [];
  for (let window = 0; window < windows; window++) {
    parts.push(nanosPerCall(part, windowMs, prepare));
    floors.push(nanosPerCall(floor, windowMs));
  }
  const nsPerTap = middle(parts.slice(1)) / taps;
  const floorNsPerTap = middle(floors.slice(1)) / taps;
  return {
    name,
    ns_per_tap: nsPerTap,
    floor_name: floorName,
    floor_ns_per_tap: floorNsPerTap,
    ratio_to_floor: nsPerTap / floorNsPerTap,
  };
}

function nanosPerCall(work: () => unknown, windowMs: number, prepare?: () => void): number {
  let spentMs = 0;
  let calls = 0;
  const giveUpMs = performance.now() + windowMs * 20;
  while (spentMs < windowMs && performance.now() < giveUpMs) {
    prepare?.();
    const begin = performance.now();
    work();
    spentMs += performance.now() - begin;
    calls++;
  }
  return (spentMs * 1e6) / calls;
}

function middle(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1];
}
