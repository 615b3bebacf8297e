const formatters = new Map<string, Intl.DateTimeFormat>();
const offsetsByHour = new Map<string, number>();
const offsetsCachedMax = 100_000;

function formatter(timeZone: string): Intl.DateTimeFormat {
  let found = formatters.get(timeZone);
  if (!found) {
    found = new Intl.DateTimeFormat('en-CA-u-hc-h23', {
      timeZone,
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
      second: 'numeric',
    });
    formatters.set(timeZone, found);
  }
  return found;
}

/** What a clock in the zone shows at a UTC instant, as if it were UTC (milliseconds). */
function localAsUtcMs(utcMs: number, timeZone: string): number {
  const part: Record<string, number> = {};
  for (const { type, value } of formatter(timeZone).formatToParts(utcMs)) part[type] = Number(value);
  return Date.UTC(part['year'], part['month'] - 1, part['day'], part['hour'], part['minute'], part['second']);
}

/** The zone's distance from UTC at an instant, in milliseconds. Zones change at full hours only. */
function offsetMs(utcMs: number, timeZone: string): number {
  const hourMs = Math.floor(utcMs / 3_600_000) * 3_600_000;
  const key = `${timeZone} ${hourMs}`;
  let offset = offsetsByHour.get(key);
  if (offset === undefined) {
    offset = localAsUtcMs(hourMs, timeZone) - hourMs;
    if (offsetsByHour.size >= offsetsCachedMax) offsetsByHour.clear();
    offsetsByHour.set(key, offset);
  }
  return offset;
}

/**
 * The UTC instant (milliseconds) of a local time given as if it were UTC. A time that the zone skips is taken after the
 * jump; one that it has twice is the first.
 */
export function localToUtcMs(localMs: number, timeZone: string): number {
  const before = localMs - offsetMs(localMs - 86_400_000, timeZone);
  const after = localMs - offsetMs(localMs + 86_400_000, timeZone);
  if (before + offsetMs(before, timeZone) === localMs) return before;
  if (after + offsetMs(after, timeZone) === localMs) return after;
  return before;
}

/** The UTC instant of `YYYY-MM-DDTHH:MM[:SS]` in a zone; NaN where the text is no such time. */
export function localTextToUtcMs(text: string, timeZone: string): number {
  const localMs = Date.parse(`${text}Z`);
  return Number.isNaN(localMs) ? localMs : localToUtcMs(localMs, timeZone);
}

/** The day (`YYYY-MM-DD`) and the minute after midnight that a clock in the zone shows. */
export function localDayMinute(utcMs: number, timeZone: string): { day: string; minute: number } {
  const local = new Date(utcMs + offsetMs(utcMs, timeZone));
  return { day: local.toISOString().slice(0, 10), minute: local.getUTCHours() * 60 + local.getUTCMinutes() };
}

/** The UTC instant of a minute of a school day (`YYYY-MM-DD`) in a zone. */
export function dayMinuteToUtcMs(day: string, minute: number, timeZone: string): number {
  return localToUtcMs(Date.parse(`${day}T00:00:00Z`) + minute * 60_000, timeZone);
}
