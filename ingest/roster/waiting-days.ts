import { keyText, type SchoolDayKey } from '../../analytics/roster/roster-store.ts';
import type { DayTask } from './day-freezer.ts';

/** Days that wait, each once, in the order in which they came; at most `daysMax`. */
export class WaitingDays {
  readonly #daysMax: number;
  readonly #days = new Map<string, DayTask>();

  constructor(daysMax: number) {
    this.#daysMax = daysMax;
  }

  get size(): number {
    return this.#days.size;
  }

  has(key: SchoolDayKey): boolean {
    return this.#days.has(keyText(key));
  }

  /** False where there is no room. */
  add(key: SchoolDayKey, { isOnlyAgain = false } = {}): boolean {
    const text = keyText(key);
    const waiting = this.#days.get(text);
    if (waiting === undefined && this.#days.size >= this.#daysMax) return false;
    // Another object: whoever works on the one before must not take this one out.
    this.#days.set(text, {
      schoolId: key.schoolId,
      schoolDay: key.schoolDay,
      isOnlyAgain: isOnlyAgain && waiting?.isOnlyAgain !== false,
    });
    return true;
  }

  first(count: number): DayTask[] {
    const days: DayTask[] = [];
    for (const day of this.#days.values()) {
      if (days.length === count) break;
      days.push(day);
    }
    return days;
  }

  /** They are done, but for those that were added again meanwhile. */
  done(days: readonly DayTask[]): void {
    for (const day of days) if (this.#days.get(keyText(day)) === day) this.#days.delete(keyText(day));
  }
}
