/** Attendance of a school's day in the plainest way: nothing is shared with the statements that derive it. */
import type { Cells, DayInputs, GateRow, PupilRow, TapRow } from './rows.ts';

const minuteMs = 60_000;
const aliveMs = 90_000;

function wentThrough({ kind, code, deed }: TapRow): boolean {
  if (code === 71) return false;
  if ((deed & 1) !== 0) return true;
  if ((deed & 2) !== 0) return false;
  return (code >= 10 && code < 40) || (kind === 2 && code >= 40 && code <= 45);
}

/** Each pupil's passages in order of time, an entry before an exit. */
export function passagesOf(taps: readonly TapRow[]): Map<number, TapRow[]> {
  const byPupil = new Map<number, TapRow[]>();
  for (const tap of taps) {
    if (tap.kind > 2 || tap.pupil === 0 || !wentThrough(tap)) continue;
    const own = byPupil.get(tap.pupil);
    if (own === undefined) byPupil.set(tap.pupil, [tap]);
    else own.push(tap);
  }
  for (const own of byPupil.values()) own.sort((a, b) => a.at - b.at || a.kind - b.kind || a.doubtful - b.doubtful);
  return byPupil;
}

/** Ms of the window in which the gate was alive: 90 s from each moment that it was heard of. */
function aliveIn(heard: readonly number[], fromMs: number, toMs: number): number {
  let sum = 0;
  let countedToMs = fromMs;
  for (const at of heard) {
    const [begin, end] = [Math.max(at, countedToMs), Math.min(at + aliveMs, toMs)];
    if (end > begin) sum += end - begin;
    countedToMs = Math.max(countedToMs, end);
  }
  return sum;
}

export interface CoverageRow {
  readonly doors: number;
  readonly bell: number;
  readonly readers: number;
  readonly due: number;
  readonly alive: number;
  /** By what was surely there when it was derived. */
  readonly aliveBefore: number;
}

/** One row for each window between doors and bell + 30 minutes that the roster has. */
export function coverageOf({ pupils, gates, asOf }: DayInputs): CoverageRow[] {
  const windows = new Map(pupils.map(({ doors, bell }) => [`${doors}:${bell}`, { doors, bell }]));
  return [...windows.values()].map(({ doors, bell }) => {
    const to = Math.max(doors, Math.min(bell + 30 * minuteMs, asOf));
    const sum = (heard: (gate: GateRow) => readonly number[]) =>
      gates.reduce((total, gate) => total + aliveIn(heard(gate), doors, to), 0);
    const [alive, aliveBefore] = [sum((gate) => gate.heard), sum((gate) => gate.heardBefore)];
    return { doors, bell, readers: gates.length, due: gates.length * (to - doors), alive, aliveBefore };
  });
}

/** `covered` tells of a window, by its doors and bell, whether its gates were alive for 95 % of it. */
export function studentsOf(inputs: DayInputs, covered: ReadonlyMap<string, boolean>): Cells[] {
  const passages = passagesOf(inputs.taps);
  return inputs.pupils.map((pupil) => studentOf(inputs, pupil, passages.get(pupil.pupil) ?? [], covered));
}

function studentOf(
  inputs: DayInputs,
  pupil: PupilRow,
  taps: readonly TapRow[],
  covered: ReadonlyMap<string, boolean>,
): Cells {
  const { isClosed, asOf } = inputs;
  const firstIn = taps.find(({ kind }) => kind === 1);
  const lastOut = taps.findLast(({ kind }) => kind === 2);
  const newest = taps.at(-1);
  const isCovered = covered.get(`${pupil.doors}:${pupil.bell}`) ?? false;
  const status = isClosed ? 'closed' : statusOf(pupil, firstIn, lastOut, isCovered);
  const isEarly = newest?.kind === 2 && newest.doubtful === 0 && newest.at < pupil.end - 15 * minuteMs;
  return {
    pupil_id: pupil.pupil,
    class_id: pupil.class,
    shift: pupil.shift,
    bell_at: pupil.bell,
    end_at: pupil.end,
    excused: pupil.excused,
    first_in_at: firstIn?.at ?? null,
    last_out_at: lastOut?.at ?? null,
    minutes_inside: minutesInside(taps, Math.min(pupil.end, asOf)),
    status,
    late_minutes: status === 'late' ? Math.ceil((firstIn!.at - pupil.bell) / minuteMs) : 0,
    left_early: !isClosed && isEarly ? 1 : 0,
    no_exit: !isClosed && newest?.kind === 1 && asOf >= pupil.end ? 1 : 0,
    manual: taps.some(({ code, flags }) => code === 14 || (flags & 256) !== 0) ? 1 : 0,
    clock_doubt: taps.some(({ doubtful }) => doubtful === 1) ? 1 : 0,
  };
}

function statusOf(
  { bell, excused }: PupilRow,
  firstIn: TapRow | undefined,
  lastOut: TapRow | undefined,
  isCovered: boolean,
): string {
  if (firstIn !== undefined) return firstIn.at > bell && firstIn.doubtful === 0 && excused === 0 ? 'late' : 'on_time';
  if (lastOut !== undefined) return 'out_only';
  if (excused === 1) return 'excused';
  return isCovered ? 'no_tap_covered' : 'no_tap_uncovered';
}

/** Whoever did not leave stays up to `untilMs`; what is after the newest passage counts only if that is. */
function minutesInside(taps: readonly TapRow[], untilMs: number): number {
  let insideMs = 0;
  let sinceMs: number | undefined;
  for (const { kind, at } of taps) {
    if (kind === 1) sinceMs ??= at;
    else if (sinceMs !== undefined) {
      insideMs += at - sinceMs;
      sinceMs = undefined;
    }
  }
  if (sinceMs !== undefined) insideMs += Math.max(taps.at(-1)!.at, untilMs) - sinceMs;
  return Math.floor(insideMs / minuteMs);
}

/** Pupils inside at the end of each five minutes, from the first change to the last. */
export function presenceOf({ taps }: DayInputs): Cells[] {
  const changes = new Map<number, number>();
  for (const own of passagesOf(taps).values()) {
    let isInside = false;
    for (const { kind, minute } of own) {
      if ((kind === 1) === isInside) continue;
      isInside = !isInside;
      const slot = Math.floor(minute / 5);
      changes.set(slot, (changes.get(slot) ?? 0) + (isInside ? 1 : -1));
    }
  }
  if (changes.size === 0) return [];
  const rows: Cells[] = [];
  let inside = 0;
  const last = Math.max(...changes.keys());
  for (let slot = Math.min(...changes.keys()); slot <= last; slot++) {
    inside += changes.get(slot) ?? 0;
    rows.push({ slot, inside: Math.max(0, inside) });
  }
  return rows;
}
