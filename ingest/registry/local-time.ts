const dayMs = 86_400_000;
const minuteMs = 60_000;
/** Days whose offsets are remembered: late taps of one backlog and today. */
const daysMax = 1_024;
/** The zone database's rules hold here; outside, the nearest instant's offset is used. */
const rulesFromMs = Date.UTC(1880, 0, 1);
const rulesToMs = Date.UTC(2200, 0, 1);

/** A UTC day's offsets in ms: one before the change and one from it on; a day without a change has two equal ones. */
interface DayOffsets {
  readonly changeAtMs: number;
  readonly beforeMs: number;
  readonly afterMs: number;
}

/**
 * Wall-clock time of one IANA zone. The offset of the span asked last is at hand, so that a stream of taps makes no Intl
 * call; a UTC day seen for the first time costs two, and the day of a change some thirty more. Any number is accepted:
 * outside the years 1880 to 2200 the nearest known offset holds, and what is no number counts as 1970.
 */
export class LocalClock {
  private readonly format: Intl.DateTimeFormat;
  private readonly days = new Map<number, DayOffsets>();
  private fromMs = 0;
  private toMs = 0;
  private offsetMs = 0;

  /** Throws RangeError for a zone that Intl does not know. */
  constructor(timeZone: string) {
    this.format = new Intl.DateTimeFormat('en-US', {
      timeZone,
      calendar: 'gregory',
      numberingSystem: 'latn',
      hourCycle: 'h23',
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
      second: 'numeric',
    });
  }

  /** Minutes east of UTC; a fraction for local mean times before zones were rounded. */
  offsetMinutes(atMs: number): number {
    return this.offset(atMs) / minuteMs;
  }

  /** Days since 1970 of the local date. */
  schoolDay(atMs: number): number {
    return Math.floor(this.localMs(atMs) / dayMs);
  }

  /** Minute of the local day, 0 to 1,439. */
  localMinute(atMs: number): number {
    const localMs = this.localMs(atMs);
    return Math.floor((localMs - Math.floor(localMs / dayMs) * dayMs) / minuteMs);
  }

  /**
   * The instant, ms since 1970 UTC, at which the clock shows a minute (0 to 1,440) of a local day (days since 1970). A time
   * that the zone has twice is the first; one that it skips lies as far behind the change as it would have without it.
   */
  instantMs(schoolDay: number, minute: number): number {
    const localMs = schoolDay * dayMs + minute * minuteMs;
    // No offset reaches a day, so that a change near the local time lies between these two.
    const before = localMs - this.offset(localMs - dayMs);
    const after = localMs - this.offset(localMs + dayMs);
    return this.localMs(before) !== localMs && this.localMs(after) === localMs ? after : before;
  }

  private localMs(atMs: number): number {
    const offsetMs = this.offset(atMs);
    return Number.isFinite(atMs) ? atMs + offsetMs : offsetMs;
  }

  private offset(atMs: number): number {
    if (!(atMs >= this.fromMs && atMs < this.toMs)) this.seek(atMs);
    return this.offsetMs;
  }

  /** Moves the span at hand to the one that holds `atMs`. */
  private seek(atMs: number): void {
    const knownMs = Number.isFinite(atMs) ? Math.min(Math.max(atMs, rulesFromMs), rulesToMs) : 0;
    const day = Math.floor(knownMs / dayMs);
    const { changeAtMs, beforeMs, afterMs } = this.dayOffsets(day);
    const before = knownMs < changeAtMs;
    this.offsetMs = before ? beforeMs : afterMs;
    this.fromMs = before ? day * dayMs : changeAtMs;
    this.toMs = before ? changeAtMs : (day + 1) * dayMs;
  }

  private dayOffsets(day: number): DayOffsets {
    let offsets = this.days.get(day);
    if (offsets === undefined) {
      if (this.days.size >= daysMax) this.days.clear();
      offsets = this.computeDay(day);
      this.days.set(day, offsets);
    }
    return offsets;
  }

  /** No zone changes twice within a UTC day, so that bisection finds the change. */
  private computeDay(day: number): DayOffsets {
    let lowMs = day * dayMs;
    let highMs = lowMs + dayMs;
    const beforeMs = this.askIntl(lowMs);
    const afterMs = this.askIntl(highMs);
    if (beforeMs === afterMs) return { changeAtMs: lowMs, beforeMs, afterMs };
    while (highMs - lowMs > 1) {
      const middleMs = Math.floor((lowMs + highMs) / 2);
      if (this.askIntl(middleMs) === beforeMs) lowMs = middleMs;
      else highMs = middleMs;
    }
    return { changeAtMs: highMs, beforeMs, afterMs };
  }

  /** The offset in ms at an instant. */
  private askIntl(atMs: number): number {
    const parts: Partial<Record<Intl.DateTimeFormatPartTypes, number>> = {};
    for (const { type, value } of this.format.formatToParts(atMs)) parts[type] = Number(value);
    const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = parts;
    return Date.UTC(year, month - 1, day, hour, minute, second) - Math.floor(atMs / 1000) * 1000;
  }
}
