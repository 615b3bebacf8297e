import { Kind } from '../../ingest/protocol/codes.ts';
import { defaults } from './defaults.ts';
import { withMishaps } from './mishaps.ts';
import type { School, SchoolTap } from './model.ts';
import { lockerReader, type Wish } from './pupil-day.ts';
import type { Random } from './random.ts';
import { dayMinuteToUtcMs } from './zones.ts';

/** Serves wishes in the order in which they come, each reader one at a time, and says when each became a tap. */
class Queues {
  readonly #freeAtMs = new Map<number, number>();
  readonly #turnstiles: readonly number[];
  readonly #locker: number;
  readonly #schoolId: number;

  constructor(school: School) {
    this.#schoolId = school.schoolId;
    const ids = (role: string): number[] => school.readers.filter((r) => r.role === role).map((r) => r.readerId);
    this.#turnstiles = ids('turnstile');
    this.#locker = ids('locker')[0];
  }

  serve(wish: Wish, wantedMs: number): SchoolTap {
    const readerId = wish.readerId ?? this.#shortestQueue();
    const atMs = Math.round(Math.max(wantedMs, this.#freeAtMs.get(readerId) ?? 0));
    const { pupil, kind, amountKop, ref, flags } = wish;
    if (readerId !== lockerReader) this.#freeAtMs.set(readerId, atMs + this.#serviceMs(kind));
    return {
      readerId: readerId === lockerReader ? this.#locker : readerId,
      schoolId: this.#schoolId,
      atMs,
      pupil,
      uid: pupil.uid,
      kind,
      amountKop,
      ref,
      flags,
    };
  }

  #shortestQueue(): number {
    const freeAt = (readerId: number): number => this.#freeAtMs.get(readerId) ?? 0;
    return this.#turnstiles.reduce((best, readerId) => (freeAt(readerId) < freeAt(best) ? readerId : best));
  }

  #serviceMs(kind: number): number {
    if (kind === Kind.gateIn || kind === Kind.gateOut) return defaults.turnstileSeconds * 1000;
    return (kind === Kind.fare ? defaults.boardingSeconds : defaults.tillSeconds) * 1000;
  }
}

/** All taps of a school's day in order of time: queues kept, mishaps added. */
export function tapsOfDay(random: Random, school: School, day: string, wishes: readonly Wish[]): SchoolTap[] {
  const midnightMs = dayMinuteToUtcMs(day, 0, school.timeZone);
  const queues = new Queues(school);
  const ordered = [...wishes].sort((a, b) => a.minute - b.minute);
  const taps = ordered.flatMap((wish) => {
    const tap = queues.serve(wish, midnightMs + wish.minute * 60_000);
    return withMishaps(random, school, tap);
  });
  return taps.sort((a, b) => a.atMs - b.atMs || a.readerId - b.readerId);
}
