import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from 'pino';
import { errorLine } from '../../analytics/clickhouse/client.ts';
import { keyText, RosterStore, type SchoolDayKey } from '../../analytics/roster/roster-store.ts';
import { OperatorError } from '../../workers/errors.ts';
import type { FeedEntry } from '../registry/feed.ts';
import type { Registry } from '../registry/store.ts';
import { ConcernedSchools } from './concerned-schools.ts';
import { DayFreezer, type DayTask, type FrozenResult } from './day-freezer.ts';
import { Dimensions } from './dimensions.ts';
import * as limits from './limits.ts';
import { readSchools, type School } from './registry-days.ts';
import { WaitingDays } from './waiting-days.ts';

/** A school's day whose figures have to be derived anew, and why. */
export interface DirtyDay extends SchoolDayKey {
  readonly cause: 'roster' | 'calendar';
}

export interface RosterFeederOptions {
  readonly registry: Registry;
  readonly clickhouseUrl: string;
  readonly now: () => number;
  readonly log: Logger;
  /** Told after days are stored, again and again until it answers true. A start forgets what was not told. */
  readonly markDirty: (days: readonly DirtyDay[]) => Promise<boolean>;
  /** Default: `limits.ts`. */
  readonly dayCheckIntervalMs?: number;
}

export interface RosterStatus {
  /** Days that wait to be frozen. */
  readonly waitingDays: number;
  /** Freezes stored since the start. */
  readonly frozenDays: number;
  readonly lastError: string | undefined;
}

interface Asked {
  readonly resolve: (result: FrozenResult) => void;
  readonly reject: (error: OperatorError) => void;
}

/**
 * Keeps ClickHouse told of what the registry knows: schools, classes, readers, and for each school and day what the day is
 * and who is expected. It works in short slices on the loop that it was started on, one round at a time, waits while
 * ClickHouse is away, and nobody waits for it.
 */
export class RosterFeeder {
  readonly #options: RosterFeederOptions;
  readonly #store: RosterStore;
  readonly #freezer: DayFreezer;
  readonly #dimensions: Dimensions;
  readonly #waiting = new WaitingDays(limits.waitingDaysMax);
  readonly #concerned = new ConcernedSchools();
  /** Days that are stored and of which the derivation was not told, by `keyText`. */
  readonly #untold = new Map<string, DirtyDay>();
  readonly #asked = new Map<string, Asked[]>();
  readonly #stopping = new AbortController();
  #schools: ReadonlyMap<number, School> = new Map();
  /** The day until which days were asked to be frozen, by school. */
  readonly #begun = new Map<number, number>();
  #lastFrozen: ReadonlyMap<number, number> | undefined;
  #areTablesDue = true;
  #frozenDays = 0;
  #lastError: string | undefined;
  #running: Promise<void> | undefined;
  #wake: () => void = () => undefined;

  constructor(options: RosterFeederOptions) {
    const { registry, clickhouseUrl, now } = options;
    this.#options = options;
    this.#store = new RosterStore(clickhouseUrl, this.#stopping.signal);
    this.#freezer = new DayFreezer(registry, this.#store, now);
    this.#dimensions = new Dimensions(registry, this.#store);
  }

  start(): void {
    this.#running ??= this.#run();
  }

  /** Cuts the round under way; what waits is looked for at the next start. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    this.#wake();
    await this.#running;
    for (const asked of this.#asked.values()) asked.forEach(({ reject }) => reject(stopped()));
    this.#asked.clear();
    await this.#store.close();
  }

  useUrl(clickhouseUrl: string): void {
    this.#store.useUrl(clickhouseUrl);
  }

  status(): RosterStatus {
    return { waitingDays: this.#waiting.size, frozenDays: this.#frozenDays, lastError: this.#lastError };
  }

  /** The registry changed. Only notes it. */
  changed(entries: readonly FeedEntry[]): void {
    for (const { schoolDay } of entries) {
      if (schoolDay === null) continue;
      this.#areTablesDue ||= schoolDay.isOfTables;
      this.#concerned.add(schoolDay);
    }
    if (this.#isChanged) this.#wake();
  }

  /**
   * Freezes a day of a school, today or before; one that is frozen already is history, of which only excuses and calendar may
   * change. Resolves when it is stored, however long ClickHouse is away. Throws SCHOOL_UNKNOWN, DAY_AHEAD, ROSTER_BUSY,
   * ROSTER_STOPPED.
   */
  async freeze(schoolId: number, schoolDay: number): Promise<FrozenResult> {
    const school = (await readSchools(this.#options.registry)).get(schoolId);
    if (school === undefined)
      throw new OperatorError('SCHOOL_UNKNOWN', `there is no school ${schoolId}`, 'Check its number.', 1);
    if (schoolDay > this.#today(school))
      throw new OperatorError('DAY_AHEAD', 'the day has not begun at the school', 'Ask for today or a day before.', 1);
    if (this.#stopping.signal.aborted) throw stopped();
    const key = { schoolId, schoolDay };
    this.#schools = new Map([...this.#schools, [schoolId, school]]);
    if (!this.#waiting.add(key))
      throw new OperatorError(
        'ROSTER_BUSY',
        'too many days wait to be frozen',
        'See why ClickHouse does not take them.',
      );
    this.#wake();
    return await new Promise((resolve, reject) => {
      const text = keyText(key);
      this.#asked.set(text, [...(this.#asked.get(text) ?? []), { resolve, reject }]);
    });
  }

  async #run(): Promise<void> {
    let delayMs = limits.retryDelayMinMs;
    while (!this.#stopping.signal.aborted) {
      try {
        await this.#turn();
        if (this.#lastError !== undefined) this.#options.log.info('days are frozen again');
        this.#lastError = undefined;
        delayMs = limits.retryDelayMinMs;
        await this.#rest();
      } catch (error) {
        if (this.#stopping.signal.aborted) return;
        if (this.#lastError === undefined)
          this.#options.log.warn({ failure: errorLine(error) }, 'days could not be frozen; it is tried again');
        this.#lastError = errorLine(error);
        await this.#pause(delayMs);
        delayMs = Math.min(delayMs * 2, limits.retryDelayMaxMs);
      }
    }
  }

  /** Until something changes or a new day may have begun; changes are gathered for a moment. */
  async #rest(): Promise<void> {
    if (this.#waiting.size > 0) return;
    if (!this.#isChanged) await this.#untilWoken();
    if (this.#isChanged) await this.#pause(limits.changeSettleMs);
  }

  async #untilWoken(): Promise<void> {
    const woken = new Promise<void>((resolve) => (this.#wake = resolve));
    const over = new AbortController();
    const { dayCheckIntervalMs = limits.dayCheckIntervalMs } = this.#options;
    await Promise.race([woken, this.#pause(dayCheckIntervalMs, over.signal)]);
    over.abort();
    this.#wake = () => undefined;
  }

  get #isChanged(): boolean {
    return this.#areTablesDue || this.#concerned.size > 0;
  }

  async #pause(delayMs: number, signal = this.#stopping.signal): Promise<void> {
    await sleep(delayMs, undefined, { signal }).catch(() => undefined);
  }

  async #turn(): Promise<void> {
    this.#lastFrozen ??= await this.#store.lastFrozenDays();
    if (this.#areTablesDue) {
      // What comes while they are stored makes them due again.
      this.#areTablesDue = false;
      await this.#putTables().catch((error: unknown) => {
        this.#areTablesDue = true;
        throw error;
      });
    }
    this.#beginDays(this.#lastFrozen);
    this.#freezeConcerned();
    const days = this.#waiting.first(limits.daysPerRoundMax);
    if (days.length > 0) await this.#round(days);
    await this.#tell();
  }

  async #tell(): Promise<void> {
    if (this.#untold.size === 0) return;
    const told = await this.#options.markDirty([...this.#untold.values()]);
    if (told) this.#untold.clear();
  }

  async #putTables(): Promise<void> {
    this.#schools = await readSchools(this.#options.registry);
    await this.#dimensions.put();
  }

  /** Lets the days begin that began since they were looked at last; after a start, those that were missed as well. */
  #beginDays(lastFrozen: ReadonlyMap<number, number>): void {
    for (const [schoolId, school] of this.#schools) {
      const today = this.#today(school);
      const begun = this.#begun.get(schoolId);
      if (begun === today) continue;
      const last = begun ?? lastFrozen.get(schoolId) ?? today;
      for (let schoolDay = Math.max(last + 1, today - limits.pastDaysMax); schoolDay < today; schoolDay++)
        this.#add({ schoolId, schoolDay });
      this.#add({ schoolId, schoolDay: today });
      this.#begun.set(schoolId, today);
    }
  }

  #freezeConcerned(): void {
    // The schools themselves are read again first: they may have another zone.
    if (this.#areTablesDue) return;
    for (const [schoolId, pastDays] of this.#concerned.take()) {
      const school = this.#schools.get(schoolId);
      if (school === undefined) continue;
      const today = this.#today(school);
      this.#add({ schoolId, schoolDay: today });
      if (pastDays === null) continue;
      const last = Math.min(pastDays[1], today - 1);
      for (let schoolDay = Math.max(pastDays[0], today - limits.pastDaysMax); schoolDay <= last; schoolDay++)
        this.#add({ schoolId, schoolDay }, { isOnlyAgain: true });
    }
  }

  #add(key: SchoolDayKey, how?: { isOnlyAgain: boolean }): void {
    if (!this.#waiting.add(key, how)) this.#options.log.error(key, 'too many days wait to be frozen: this one is left');
  }

  async #round(days: readonly DayTask[]): Promise<void> {
    const results = await this.#freezer.freeze(days, this.#schools);
    this.#waiting.done(days);
    const stored = results.filter(({ cause }) => cause !== null);
    this.#frozenDays += stored.length;
    this.#note(stored);
    for (const { schoolId, schoolDay, isOfCalendarOnly } of stored) {
      const key = { schoolId, schoolDay };
      if (this.#untold.size < limits.waitingDaysMax)
        this.#untold.set(keyText(key), { ...key, cause: isOfCalendarOnly ? 'calendar' : 'roster' });
    }
    // What was asked for again meanwhile is answered by the next round.
    for (const result of results) if (!this.#waiting.has(result)) this.#answer(result);
  }

  #note(results: readonly FrozenResult[]): void {
    for (const { schoolId, schoolDay, revision, cause } of results) {
      const fields = { schoolId, schoolDay, revision, reason: cause };
      if (cause === 'frozen late')
        this.#options.log.warn(fields, 'a day that was over is frozen from what is known now');
      else if (cause === 'excused later') this.#options.log.info(fields, 'a day that was over has other excuses');
    }
  }

  #answer(result: FrozenResult): void {
    const text = keyText(result);
    this.#asked.get(text)?.forEach(({ resolve }) => resolve(result));
    this.#asked.delete(text);
  }

  #today({ tz }: School): number {
    return this.#freezer.clockOf(tz).schoolDay(this.#options.now());
  }
}

function stopped(): OperatorError {
  return new OperatorError('ROSTER_STOPPED', 'the service is ending', 'Ask again when it runs.');
}
