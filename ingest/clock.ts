import { openSync, readSync } from 'node:fs';

/** The service's clock, ms since 1970 UTC. Everything that needs the time is given it. */
export type Clock = () => number;

export const systemClock: Clock = () => Date.now();

/**
 * `START_MS:WALL_MS:SPEED`: a clock that showed START_MS when the wall clock showed WALL_MS, and runs SPEED times as fast;
 * the demonstration's day passes in minutes, and the readers' simulator counts the same. `@FILE`: a clock that stands at
 * what the file says until somebody writes another time into it: one float64 (little-endian), ms since 1970 UTC. Nothing
 * given: the system's clock. Undefined for anything else.
 */
export function parseClock(text: string | undefined): Clock | undefined {
  if (text === undefined) return systemClock;
  if (text.startsWith('@')) return fileClock(text.slice(1));
  const match = /^(\d{1,15}):(\d{1,15}):(\d{1,6}(?:\.\d{1,6})?)$/.exec(text);
  if (match === null) return undefined;
  const [startMs, wallMs, speed] = match.slice(1).map(Number);
  return () => Math.round(startMs + (Date.now() - wallMs) * speed);
}

function fileClock(path: string): Clock | undefined {
  const bytes = Buffer.alloc(Float64Array.BYTES_PER_ELEMENT);
  try {
    const descriptor = openSync(path, 'r');
    const read = (): number => readSync(descriptor, bytes, 0, bytes.length, 0);
    if (read() !== bytes.length) return undefined;
    return () => {
      read();
      return Math.round(bytes.readDoubleLE());
    };
  } catch {
    return undefined;
  }
}
