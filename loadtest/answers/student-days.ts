import type { RegionFiles, RosterPupil } from './region-files.ts';
import type { Fact, World } from './world.ts';

const minuteMs = 60_000;
const aliveMs = 90_000;
const watchedAfterBellMs = 30 * minuteMs;
const earlyBeforeEndMs = 15 * minuteMs;
const coveredShare = 0.95;

export type Status = 'on_time' | 'late' | 'out_only' | 'no_tap_covered' | 'no_tap_uncovered' | 'excused' | 'closed';

/** What a pupil's day must be told as. */
export interface StudentDay {
  readonly pupil: RosterPupil;
  readonly schoolId: number;
  readonly day: string;
  readonly isExcused: boolean;
  readonly doorsMs: number;
  readonly bellMs: number;
  readonly endMs: number;
  readonly status: Status;
  readonly firstInMs: number | null;
  readonly lastOutMs: number | null;
  readonly lateMinutes: number;
  readonly minutesInside: number;
  readonly leftEarly: boolean;
  readonly noExit: boolean;
  readonly manual: boolean;
  readonly clockDoubt: boolean;
}

export interface Coverage {
  readonly readers: number;
  readonly aliveMs: number;
  readonly dueMs: number;
}

/** A school's day as a whole. */
export interface SchoolDay {
  readonly schoolId: number;
  readonly day: string;
  readonly isClosed: boolean;
  readonly students: readonly StudentDay[];
  readonly coverage: Coverage;
  /** Inside at the end of each five minutes, by slot. */
  readonly presence: ReadonlyMap<number, number>;
}

/** Every day of every school, from the first played day to the last, as seen when all of them are over. */
export function schoolDays(world: World): SchoolDay[] {
  const passages = passagesBySchoolDay(world.facts);
  return world.days.flatMap((day) =>
    [...world.files.rosters.keys()].map((schoolId) =>
      schoolDay(world, schoolId, day, passages.get(`${schoolId} ${day}`) ?? new Map<number, Fact[]>()),
    ),
  );
}

type Passages = Map<number, Fact[]>;

/** Gate taps that went through, of known cards, by pupil, in order of time, an entry before an exit. */
function passagesBySchoolDay(facts: readonly Fact[]): Map<string, Passages> {
  const groups = new Map<string, Passages>();
  for (const fact of facts) {
    if (fact.kind > 2 || fact.pupilId === 0 || !fact.wentThrough) continue;
    const key = `${fact.schoolId} ${fact.day}`;
    let group = groups.get(key);
    if (group === undefined) groups.set(key, (group = new Map<number, Fact[]>()));
    const own = group.get(fact.pupilId);
    if (own === undefined) group.set(fact.pupilId, [fact]);
    else own.push(fact);
  }
  for (const group of groups.values()) {
    for (const own of group.values()) own.sort((a, b) => a.atMs - b.atMs || a.kind - b.kind);
  }
  return groups;
}

function schoolDay(world: World, schoolId: number, day: string, passages: Passages): SchoolDay {
  const { files } = world;
  const isClosed = files.isClosed(schoolId, day);
  const roster = files.rosters.get(schoolId) ?? [];
  const covered = new Map<number, Coverage>();
  for (const shift of new Set(roster.map((pupil) => pupil.shift))) {
    covered.set(shift, coverageOf(world, schoolId, shift, day));
  }
  const students = roster.map((pupil) =>
    studentDay(files, pupil, day, {
      own: passages.get(pupil.pupilId) ?? [],
      coverage: covered.get(pupil.shift)!,
      isClosed,
    }),
  );
  return {
    schoolId,
    day,
    isClosed,
    students,
    coverage: sumOf(distinct(files, schoolId, day, covered)),
    presence: presenceOf(passages),
  };
}

/** Shifts with the same doors and bell are one window. */
function distinct(files: RegionFiles, schoolId: number, day: string, covered: Map<number, Coverage>): Coverage[] {
  const windows = new Map<string, Coverage>();
  for (const [shift, coverage] of covered) {
    const { doorsMs, bellMs } = files.shiftDay(schoolId, shift, day);
    windows.set(`${doorsMs} ${bellMs}`, coverage);
  }
  return [...windows.values()];
}

function sumOf(parts: readonly Coverage[]): Coverage {
  return {
    readers: Math.max(0, ...parts.map(({ readers }) => readers)),
    aliveMs: parts.reduce((sum, part) => sum + part.aliveMs, 0),
    dueMs: parts.reduce((sum, part) => sum + part.dueMs, 0),
  };
}

/** Time that the school's gates were alive between doors and bell + 30 min: 90 s from each sign of life. */
function coverageOf(world: World, schoolId: number, shift: number, day: string): Coverage {
  const { doorsMs: fromMs, bellMs } = world.files.shiftDay(schoolId, shift, day);
  const toMs = bellMs + watchedAfterBellMs;
  const gates = world.files.readers.filter(
    (reader) => reader.schoolId === schoolId && reader.kinds.some((kind) => kind.startsWith('gate')),
  );
  let sumMs = 0;
  for (const { readerId } of gates) {
    let untilMs = fromMs;
    for (const atMs of world.alive.get(readerId) ?? []) {
      const beginMs = Math.max(atMs, untilMs);
      const endMs = Math.min(atMs + aliveMs, toMs);
      if (endMs <= beginMs) continue;
      sumMs += endMs - beginMs;
      untilMs = endMs;
    }
  }
  return { readers: gates.length, aliveMs: sumMs, dueMs: gates.length * (toMs - fromMs) };
}

interface PupilDaySource {
  readonly own: readonly Fact[];
  readonly coverage: Coverage;
  readonly isClosed: boolean;
}

function studentDay(files: RegionFiles, pupil: RosterPupil, day: string, source: PupilDaySource): StudentDay {
  const { own, coverage, isClosed } = source;
  const { pupilId, schoolId, shift } = pupil;
  const times = files.shiftDay(schoolId, shift, day);
  const { bellMs, endMs } = times;
  const isExcused = files.isExcused(pupilId, day);
  const firstIn = own.find(({ kind }) => kind === 1) ?? null;
  const lastOut = own.findLast(({ kind }) => kind === 2) ?? null;
  const newest = own.at(-1) ?? null;
  const isLate = firstIn !== null && firstIn.atMs > bellMs && firstIn.quality !== 'D' && !isExcused && !isClosed;
  const isExit = newest?.kind === 2;
  return {
    ...{ pupil, schoolId, day, isExcused, ...times },
    status: statusOf({ isClosed, isLate, isExcused, firstIn, lastOut, coverage }),
    firstInMs: firstIn?.atMs ?? null,
    lastOutMs: lastOut?.atMs ?? null,
    lateMinutes: isLate ? Math.ceil((firstIn.atMs - bellMs) / minuteMs) : 0,
    minutesInside: minutesInside(own, endMs),
    leftEarly: !isClosed && isExit && newest.quality !== 'D' && newest.atMs < endMs - earlyBeforeEndMs,
    noExit: !isClosed && newest !== null && !isExit,
    manual: own.some(({ code, readerFlags }) => code === 14 || (readerFlags & 8) !== 0),
    clockDoubt: own.some(({ quality }) => quality === 'D'),
  };
}

interface StatusSource {
  readonly isClosed: boolean;
  readonly isLate: boolean;
  readonly isExcused: boolean;
  readonly firstIn: Fact | null;
  readonly lastOut: Fact | null;
  readonly coverage: Coverage;
}

function statusOf({ isClosed, isLate, isExcused, firstIn, lastOut, coverage }: StatusSource): Status {
  if (isClosed) return 'closed';
  if (firstIn !== null) return isLate ? 'late' : 'on_time';
  if (lastOut !== null) return 'out_only';
  if (isExcused) return 'excused';
  const { aliveMs: alive, dueMs } = coverage;
  return dueMs > 0 && alive >= coveredShare * dueMs ? 'no_tap_covered' : 'no_tap_uncovered';
}

/** From each entry to what follows it; an open stay up to the end of lessons. */
function minutesInside(own: readonly Fact[], endMs: number): number {
  let sumMs = 0;
  own.forEach(({ kind, atMs }, place) => {
    const untilMs = own.at(place + 1)?.atMs ?? Math.max(atMs, endMs);
    if (kind === 1 && place + 1 <= own.length) sumMs += untilMs - atMs;
  });
  return Math.floor(sumMs / minuteMs);
}

/** From the first passage of the school's day to the last. */
function presenceOf(passages: Passages): Map<number, number> {
  const inside = new Map<number, number>();
  const moves: { slot: number; by: number }[] = [];
  for (const own of passages.values()) {
    let isIn = false;
    for (const { kind, minute } of own) {
      const goesIn = kind === 1;
      if (goesIn !== isIn) moves.push({ slot: Math.floor(minute / 5), by: goesIn ? 1 : -1 });
      isIn = goesIn;
    }
  }
  if (moves.length === 0) return inside;
  const slots = moves.map(({ slot }) => slot);
  const last = slots.reduce((most, slot) => Math.max(most, slot));
  const bySlot = new Map<number, number>();
  for (const { slot, by } of moves) bySlot.set(slot, (bySlot.get(slot) ?? 0) + by);
  let count = 0;
  for (let slot = slots.reduce((least, one) => Math.min(least, one)); slot <= last; slot++) {
    count += bySlot.get(slot) ?? 0;
    inside.set(slot, Math.max(0, count));
  }
  return inside;
}
