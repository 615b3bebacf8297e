import type { SchoolDayChange } from '../registry/feed.ts';

type PastDays = SchoolDayChange['pastDays'];

/** Schools that changes of the registry concern, each once, with the span of past days. */
export class ConcernedSchools {
  #schools = new Map<number, PastDays>();

  get size(): number {
    return this.#schools.size;
  }

  add({ schoolIds, pastDays }: SchoolDayChange): void {
    for (const schoolId of schoolIds) {
      this.#schools.set(schoolId, union(this.#schools.get(schoolId) ?? null, pastDays));
    }
  }

  /** Gives them away. */
  take(): Map<number, PastDays> {
    const taken = this.#schools;
    this.#schools = new Map();
    return taken;
  }
}

function union(one: PastDays, other: PastDays): PastDays {
  if (one === null || other === null) return one ?? other;
  return [Math.min(one[0], other[0]), Math.max(one[1], other[1])];
}
