/** The service's clock, ms since 1970 UTC. Everything that needs the time is given it. */
export type Clock = () => number;

export const systemClock: Clock = () => Date.now();

/**
 * `START_MS:WALL_MS:SPEED`: a clock that showed START_MS when the wall clock showed WALL_MS, and runs SPEED times as fast;
 * the demonstration's day passes in minutes, and the readers' simulator counts the same. Nothing given: the system's
 * clock. Undefined for anything else.
 */
export function parseClock(text: string | undefined): Clock | undefined {
  if (text === undefined) return systemClock;
  const match = /^(\d{1,15}):(\d{1,15}):(\d{1,6}(?:\.\d{1,6})?)$/.exec(text);
  if (match === null) return undefined;
  const [startMs, wallMs, speed] = match.slice(1).map(Number);
  return () => Math.round(startMs + (Date.now() - wallMs) * speed);
}
