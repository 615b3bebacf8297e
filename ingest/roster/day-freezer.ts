import { encodeRoster, lastEndMs, pupilIdsOf, rosterRowBytes } from '../../analytics/roster/roster-rows.ts';
import { setRevision, withExcuses } from '../../analytics/roster/roster-rows.ts';
import { keyText, type Freeze, type FrozenDay } from '../../analytics/roster/roster-store.ts';
import type { RosterStore, SchoolDayKey } from '../../analytics/roster/roster-store.ts';
import { LocalClock } from '../registry/local-time.ts';
import type { Registry } from '../registry/store.ts';
import { readDay, readExcuses, type School } from './registry-days.ts';

/**
 * Why a day was frozen: it began; it was over before anybody froze it; the registry changed before the last lesson had
 * ended; excuses or the calendar changed afterwards.
 */
export type FreezeCause = 'frozen' | 'frozen late' | 'roster changed' | 'excused later';

export interface FrozenResult extends FrozenDay {
  readonly pupils: number;
  /** Null where the day was frozen like this already. */
  readonly cause: FreezeCause | null;
  /** Whether who is expected is as before, and only what the day is has changed. */
  readonly isOfCalendarOnly: boolean;
}

export interface DayTask extends SchoolDayKey {
  /** A day that was never frozen stays so. */
  readonly isOnlyAgain: boolean;
}

type Prepared = Freeze & Pick<FrozenResult, 'cause' | 'isOfCalendarOnly'>;

/**
 * Freezes school days: reads what the registry expects, holds it against what is stored, and stores what is other as the
 * next revision. Once the last lesson of a frozen day has ended its roster is history: only excuses and the calendar
 * may still change.
 */
export class DayFreezer {
  readonly #registry: Registry;
  readonly #store: RosterStore;
  readonly #now: () => number;
  /** By zone; there are some 600. */
  readonly #clocks = new Map<string, LocalClock>();

  constructor(registry: Registry, store: RosterStore, now: () => number) {
    this.#registry = registry;
    this.#store = store;
    this.#now = now;
  }

  clockOf(timeZone: string): LocalClock {
    let clock = this.#clocks.get(timeZone);
    if (clock === undefined) this.#clocks.set(timeZone, (clock = new LocalClock(timeZone)));
    return clock;
  }

  /** Freezes days, one insert a table; those that were never frozen and need not be are left out of the answer. */
  async freeze(tasks: readonly DayTask[], schools: ReadonlyMap<number, School>): Promise<FrozenResult[]> {
    const frozen = new Map((await this.#store.frozenDays(tasks)).map((day) => [keyText(day), day]));
    const revisions = await this.#store.rosterRevisions(tasks);
    const prepared: Prepared[] = [];
    for (const task of tasks) {
      const school = schools.get(task.schoolId);
      const before = frozen.get(keyText(task));
      if (school === undefined || (before === undefined && task.isOnlyAgain)) continue;
      prepared.push(await this.#prepare(school, task, before, revisions.get(keyText(task)) ?? 0));
    }
    await this.#store.putFreezes(prepared.filter(({ cause }) => cause !== null));
    return prepared.map(({ rows, ...day }) => ({ ...day, pupils: rows.length / rosterRowBytes }));
  }

  /** `rosterRevision`: of the day's rows. Above that of the calendar's line, a freeze was cut off in between. */
  async #prepare(
    school: School,
    { schoolId, schoolDay }: SchoolDayKey,
    before: FrozenDay | undefined,
    rosterRevision: number,
  ): Promise<Prepared> {
    const clock = this.clockOf(school.tz);
    const newest = Math.max(before?.revision ?? 0, rosterRevision);
    const stored = before && (await this.#store.roster(before, newest));
    const midnightMs = clock.instantMs(schoolDay + 1, 0);
    const isOver = (rows: Buffer): boolean => this.#now() >= (lastEndMs(rows) ?? midnightMs);
    const isHistory = stored !== undefined && isOver(stored);
    const day = isHistory
      ? await this.#excused(school, schoolDay, stored)
      : await this.#expected(school, clock, schoolDay);
    const { rows, isOpen, reason } = day;
    setRevision(rows, newest);
    const isOfCalendarOnly = before?.revision === newest && rows.equals(stored!);
    if (isOfCalendarOnly && before.isOpen === isOpen && before.reason === reason)
      return { ...before, rows, cause: null, isOfCalendarOnly };
    const revision = newest + 1;
    setRevision(rows, revision);
    const late = isOver(rows) ? 'frozen late' : 'frozen';
    const cause = before === undefined ? late : isHistory ? 'excused later' : 'roster changed';
    return { schoolId, schoolDay, isOpen, reason, revision, rows, cause, isOfCalendarOnly };
  }

  async #expected(school: School, clock: LocalClock, schoolDay: number) {
    const { pupils, ...kind } = await readDay(this.#registry, school, clock, schoolDay);
    return { ...kind, rows: encodeRoster(school.school_id, schoolDay, pupils) };
  }

  async #excused(school: School, schoolDay: number, stored: Buffer) {
    const { excused, ...kind } = await readExcuses(this.#registry, school, schoolDay, pupilIdsOf(stored));
    return { ...kind, rows: withExcuses(stored, excused) };
  }
}
