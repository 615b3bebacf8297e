import { Kind } from '../../ingest/protocol/codes.ts';
import { bounceSeconds, defaults } from './defaults.ts';
import type { Pupil, School } from './model.ts';
import { lockerReader, type Wish } from './pupil-day.ts';
import type { Random } from './random.ts';
import { unknownUidFirstByte } from './school.ts';
import { dayMinuteToUtcMs } from './zones.ts';

/** A tap that a reader makes; `pupil` null for a card that nobody issued. */
export interface SchoolTap {
  readonly readerId: number;
  readonly atMs: number;
  readonly pupil: Pupil | null;
  readonly uid: string;
  readonly kind: number;
  readonly amountKop: number;
  readonly ref: number;
}

function bounceOf(kind: number): { window: number; from: number; to: number } {
  if (kind === Kind.gateIn || kind === Kind.gateOut) return bounceSeconds.gate;
  if (kind === Kind.meal || kind === Kind.buffet) return bounceSeconds.till;
  return kind === Kind.fare ? bounceSeconds.fare : bounceSeconds.locker;
}

/** Serves wishes in the order in which they come, each reader one at a time, and says when each became a tap. */
class Queues {
  readonly #freeAtMs = new Map<number, number>();
  readonly #turnstiles: readonly number[];
  readonly #locker: number;

  constructor(school: School) {
    const ids = (role: string): number[] => school.readers.filter((r) => r.role === role).map((r) => r.readerId);
    this.#turnstiles = ids('turnstile');
    this.#locker = ids('locker')[0];
  }

  serve(wish: Wish, wantedMs: number): SchoolTap {
    const readerId = wish.readerId ?? this.#shortestQueue();
    const atMs = Math.round(Math.max(wantedMs, this.#freeAtMs.get(readerId) ?? 0));
    const { pupil, kind, amountKop, ref } = wish;
    if (readerId !== lockerReader) this.#freeAtMs.set(readerId, atMs + this.#serviceMs(kind));
    return {
      readerId: readerId === lockerReader ? this.#locker : readerId,
      atMs,
      pupil,
      uid: pupil.uid,
      kind,
      amountKop,
      ref,
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

/** All taps of a school's day in order of time: queues kept, bounces and strangers' cards added. */
export function tapsOfDay(random: Random, school: School, day: string, wishes: readonly Wish[]): SchoolTap[] {
  const midnightMs = dayMinuteToUtcMs(day, 0, school.timeZone);
  const queues = new Queues(school);
  const ordered = [...wishes].sort((a, b) => a.minute - b.minute);
  const taps = ordered.flatMap((wish) => {
    const tap = queues.serve(wish, midnightMs + wish.minute * 60_000);
    return [tap, ...bounces(random, tap), ...strangers(random, tap)];
  });
  return taps.sort((a, b) => a.atMs - b.atMs || a.readerId - b.readerId);
}

function bounces(random: Random, tap: SchoolTap): SchoolTap[] {
  if (!random.chance(defaults.bounces)) return [];
  const { from, to } = bounceOf(tap.kind);
  return [{ ...tap, atMs: tap.atMs + Math.round(random.between(from, to) * 1000) }];
}

function strangers(random: Random, tap: SchoolTap): SchoolTap[] {
  if (!random.chance(defaults.unknownCards)) return [];
  const uid = Buffer.from(random.bytes(4));
  uid[0] = unknownUidFirstByte;
  const atMs = tap.atMs + random.integer(500, 2_000);
  return [{ ...tap, atMs, pupil: null, uid: uid.toString('hex').toUpperCase() }];
}
