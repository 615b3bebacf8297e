/** Answers of the queries of attendance and of pupils, computed from plain rows: nothing is shared with the SQL. */
import {
  naiveCoverage,
  naivePresence,
  naiveStudents,
  type RosterRow,
  type TapRow,
  type World,
} from '../../derive/naive.suite.ts';

const minuteMs = 60_000;
const isoDay = (day: number): string => new Date(day * 86_400_000).toISOString().slice(0, 10);
const isoTime = (ms: number): string => new Date(ms).toISOString();

/** Two decimals, halves to the even one. */
export function rounded(value: number): number {
  const scaled = value * 100;
  const below = Math.floor(scaled);
  const isUp = scaled - below > 0.5 || (scaled - below === 0.5 && below % 2 !== 0);
  return (isUp ? below + 1 : below) / 100;
}

const percent = (part: number, whole: number): number | null => (whole === 0 ? null : rounded((100 * part) / whole));

export type Student = ReturnType<typeof naiveStudents>[number] & { school_id: number; day: number };

interface DerivedDay {
  readonly schoolId: number;
  readonly day: number;
  readonly students: Student[];
  readonly aliveMs: number;
  readonly dueMs: number;
  readonly isClosed: boolean;
  readonly presence: { slot: number; inside: number }[];
}

const isExpected = ({ status }: Student): boolean => status !== 'excused' && status !== 'closed';
const hasArrived = ({ status }: Student): boolean => status === 'on_time' || status === 'late';

/** What has been derived, and the questions of it. */
export class NaiveAnswers {
  readonly #days: DerivedDay[] = [];
  readonly #world: World;

  constructor(world: World) {
    this.#world = world;
  }

  /** Derives a school's day as it is seen at a moment. */
  derive(schoolId: number, day: number, asOfMs: number): void {
    const ofTheDay = <T extends { schoolId: number; schoolDay: number }>(rows: T[]): T[] =>
      rows.filter((row) => row.schoolId === schoolId && row.schoolDay === day);
    const world = {
      ...this.#world,
      taps: ofTheDay<TapRow>(this.#world.taps),
      roster: ofTheDay<RosterRow>(this.#world.roster),
    };
    const windows = naiveCoverage(world, schoolId, day, asOfMs);
    this.#days.push({
      schoolId,
      day,
      students: naiveStudents(world, schoolId, day, asOfMs).map((row) => ({ ...row, school_id: schoolId, day })),
      aliveMs: windows.reduce((sum, window) => sum + window.alive_ms, 0),
      dueMs: windows.reduce((sum, window) => sum + window.due_ms, 0),
      isClosed: world.closed.has(`${schoolId}:${day}`),
      presence: naivePresence(world, schoolId, day),
    });
  }

  overview_today({ schools, day, class: classId }: Question) {
    const now = this.#students({ schools, day, class: classId });
    const before = this.#students({ schools, day: day - 7, class: classId });
    const { expected, arrived, late } = counted(now);
    const pct_prev_week = shareOf(before);
    return [{ expected, arrived, late, pct: shareOf(now), pct_prev_week, coverage: this.#coverage({ schools, day }) }];
  }

  arrival_curve({ schools, day, class: classId, nowMs }: Question) {
    const curve = (of: number) => {
      const students = this.#students({ schools, day: of, class: classId }).filter(isExpected);
      return Array.from({ length: 151 }, (_, index) => {
        const due = students.filter(({ bell_ms }) => bell_ms + (index - 90) * minuteMs <= nowMs);
        const come = due.filter((row) => hasArrived(row) && row.first_ms! <= row.bell_ms + (index - 90) * minuteMs);
        return percent(come.length, due.length);
      });
    };
    const before = Array.from({ length: 28 }, (_, index) => day - 1 - index).filter(
      (earlier) =>
        this.#students({ schools, day: earlier, class: classId }).some(isExpected) && this.#isCovered(schools, earlier),
    );
    const band = before.slice(0, 20).map((earlier) => curve(earlier));
    const [today, weekBefore] = [curve(day), curve(day - 7)];
    return today.map((pct, index) => {
      const sorted = band.map((values) => values[index]).filter((value) => value !== null);
      sorted.sort((a, b) => a - b);
      const quantile = (level: number) => sorted[Math.floor(level * sorted.length)] ?? null;
      return {
        ...{ minute_to_bell: index - 90, pct, prev_week: weekBefore[index] },
        ...{ p10: quantile(0.1), p90: quantile(0.9) },
      };
    });
  }

  school_compare({ schools, day }: Question) {
    const all = shareOf(this.#students({ schools, day }));
    return this.#of({ schools, day }).map(({ schoolId }) => {
      const students = this.#students({ schools: [schoolId], day });
      const pct = shareOf(students);
      const pct_prev_week = shareOf(this.#students({ schools: [schoolId], day: day - 7 }));
      const less = (other: number | null) => (pct === null || other === null ? null : rounded(pct - other));
      const coverage = this.#coverage({ schools: [schoolId], day });
      const diff_pp = less(pct_prev_week);
      const before = this.#coverage({ schools: [schoolId], day: day - 7 });
      const is_marked = Math.abs(diff_pp ?? 0) >= 3 && (coverage ?? 0) >= 95 && (before ?? 0) >= 95;
      const { expected, arrived, late } = counted(students);
      const differences = { pct, pct_prev_week, diff_pp, deviation_pp: less(all) };
      return { school_id: schoolId, expected, arrived, late, ...differences, coverage, is_marked };
    });
  }

  attendance_daily({ schools, from, to, class: classId }: Question) {
    return days(from, to)
      .filter((day) => this.#of({ schools, day }).length > 0)
      .map((day) => {
        const students = this.#students({ schools, day, class: classId });
        const pct_prev_week = shareOf(this.#students({ schools, day: day - 7, class: classId }));
        const coverage = this.#coverage({ schools, day });
        return { school_day: isoDay(day), ...counted(students), pct: shareOf(students), pct_prev_week, coverage };
      });
  }

  attendance_heat({ schools, from, to }: Question) {
    return schools.flatMap((school_id) =>
      days(from, to).flatMap((day) =>
        this.#of({ schools: [school_id], day }).map(({ students, isClosed }) => {
          const { expected, arrived } = counted(students);
          const coverage = this.#coverage({ schools: [school_id], day });
          const pct = shareOf(students);
          return { school_id, school_day: isoDay(day), expected, arrived, pct, coverage, is_closed: isClosed };
        }),
      ),
    );
  }

  class_attendance({ schools, day }: Question) {
    return byClass(this.#students({ schools, day })).map(({ school_id, class_id, members }) => {
      const { expected, arrived, late, no_tap_covered, no_tap_uncovered, excused } = counted(members);
      const unseen = { no_tap_covered, no_tap_uncovered, excused };
      return { school_id, class_id, expected, arrived, late, ...unseen, pct: shareOf(members) };
    });
  }

  attendance_by_school({ schools, from, to }: Question) {
    return schools.flatMap((school_id) => {
      const derived = days(from, to).filter((day) => this.#of({ schools: [school_id], day }).length > 0);
      if (derived.length === 0) return [];
      const onDay = (day: number) => this.#students({ schools: [school_id], day });
      const all = derived.flatMap(onDay);
      const days_open = derived.filter((day) => onDay(day).some(isExpected)).length;
      const alive = derived.flatMap((day) => this.#of({ schools: [school_id], day }));
      const sum = (of: 'aliveMs' | 'dueMs') => alive.reduce((total, one) => total + one[of], 0);
      const coverage = percent(sum('aliveMs'), sum('dueMs'));
      return [{ school_id, days_open, ...counted(all), pct: shareOf(all), coverage }];
    });
  }

  attendance_by_class({ schools, from, to, class: classId }: Question) {
    const all = days(from, to).flatMap((day) => this.#students({ schools, day, class: classId }));
    return byClass(all).map(({ school_id, class_id, members }) => ({
      ...{ school_id, class_id, ...counted(members), pct: shareOf(members) },
    }));
  }

  persistent_absence(question: Question) {
    return byClass(this.#missed(question)).map(({ school_id, class_id, members }) => {
      const pupils = members.filter(({ days_due }) => days_due > 0).length;
      const persistent = members.filter(isPersistent).length;
      return { school_id, class_id, pupils, persistent, pct: percent(persistent, pupils) };
    });
  }

  persistent_absentees(question: Question) {
    return listed(this.#missed(question).filter(isPersistent)).map((row) => ({
      ...row,
      pct: percent(row.days_missed, row.days_due),
    }));
  }

  presence_5m({ schools, day }: Question) {
    const slots = new Map<number, number>();
    for (const { slot, inside } of this.#of({ schools, day }).flatMap(({ presence }) => presence)) {
      slots.set(slot, (slots.get(slot) ?? 0) + inside);
    }
    const rows = [...slots].sort(([a], [b]) => a - b);
    return rows.map(([slot, inside]) => ({ slot, minute: (slot + 1) * 5, inside }));
  }

  not_arrived({ schools, day, class: classId, nowMs }: Question) {
    const missing = this.#students({ schools, day, class: classId }).filter(
      ({ status, first_ms, excused, bell_ms }) =>
        status !== 'closed' && first_ms === null && excused === 0 && bell_ms <= nowMs,
    );
    return listed(missing).map(({ school_id, class_id, pupil_id, bell_ms, end_ms, status }) => ({
      ...{ school_id, class_id, pupil_id, bell_at: isoTime(bell_ms) },
      minutes_past_bell: Math.floor((Math.min(nowMs, end_ms) - bell_ms) / minuteMs),
      ...{ is_covered: status === 'no_tap_covered', status },
    }));
  }

  no_exit({ schools, day, class: classId }: Question) {
    const stayed = this.#students({ schools, day, class: classId }).filter(({ no_exit }) => no_exit === 1);
    return listed(stayed).map(({ school_id, class_id, pupil_id, first_ms, end_ms }) => ({
      ...{ school_id, class_id, pupil_id, first_in_at: isoTime(first_ms!), end_at: isoTime(end_ms) },
    }));
  }

  early_leavers({ schools, day, class: classId }: Question) {
    const left = this.#students({ schools, day, class: classId }).filter(({ left_early }) => left_early === 1);
    return listed(left).map(({ school_id, class_id, pupil_id, last_ms, end_ms }) => ({
      ...{ school_id, class_id, pupil_id, left_at: isoTime(last_ms!), end_at: isoTime(end_ms) },
      minutes_early: Math.floor((end_ms - last_ms!) / minuteMs),
    }));
  }

  pupil_days({ schools, from, to, pupil }: Question) {
    return days(from, to).flatMap((day) =>
      this.#students({ schools, day })
        .filter(({ pupil_id }) => pupil_id === pupil)
        .map((row) => ({
          ...{ school_day: isoDay(day), school_id: row.school_id, class_id: row.class_id, status: row.status },
          first_in_at: row.first_ms === null ? null : isoTime(row.first_ms),
          last_out_at: row.last_ms === null ? null : isoTime(row.last_ms),
          ...{ bell_at: isoTime(row.bell_ms), end_at: isoTime(row.end_ms) },
          ...{ late_minutes: row.late_minutes, minutes_inside: row.minutes_inside },
          ...{ left_early: row.left_early === 1, no_exit: row.no_exit === 1 },
          ...{ manual: row.manual === 1, clock_doubt: row.clock_doubt === 1 },
        })),
    );
  }

  #missed({ schools, from, to, class: classId, nowMs }: Question) {
    const pupils = new Map<string, Student[]>();
    for (const day of days(from, to)) {
      for (const student of this.#students({ schools, day })) {
        const key = `${student.school_id}:${student.pupil_id}`;
        pupils.set(key, [...(pupils.get(key) ?? []), student]);
      }
    }
    const rows = [...pupils.values()].map((row) => {
      const due = row.filter(
        ({ status, end_ms }) => end_ms <= nowMs && status !== 'closed' && status !== 'no_tap_uncovered',
      );
      const missed = due.filter(({ status }) => status === 'no_tap_covered' || status === 'excused');
      const { school_id, class_id, pupil_id } = row.at(-1)!;
      return { school_id, class_id, pupil_id, days_due: due.length, days_missed: missed.length };
    });
    return classId === undefined ? rows : rows.filter(({ class_id }) => class_id === classId);
  }

  #of({ schools, day }: { schools: readonly number[]; day: number }): DerivedDay[] {
    const of = this.#days.filter((derived) => derived.day === day && schools.includes(derived.schoolId));
    return of.sort((a, b) => a.schoolId - b.schoolId);
  }

  #students(of: { schools: readonly number[]; day: number; class?: number | undefined }): Student[] {
    const students = this.#of(of).flatMap((derived) => derived.students);
    return of.class === undefined ? students : students.filter(({ class_id }) => class_id === of.class);
  }

  #isCovered(schools: readonly number[], day: number): boolean {
    const sum = (name: 'aliveMs' | 'dueMs') => this.#of({ schools, day }).reduce((total, one) => total + one[name], 0);
    return sum('dueMs') > 0 && sum('aliveMs') * 100 >= sum('dueMs') * 95;
  }

  #coverage(of: { schools: readonly number[]; day: number }): number | null {
    const sums = this.#of(of);
    const sum = (name: 'aliveMs' | 'dueMs') => sums.reduce((total, derived) => total + derived[name], 0);
    return percent(sum('aliveMs'), sum('dueMs'));
  }
}

/** A question as a caller puts it; days since 1970. */
export interface Question {
  readonly schools: readonly number[];
  readonly day: number;
  readonly from: number;
  readonly to: number;
  readonly class?: number | undefined;
  readonly pupil?: number | undefined;
  readonly nowMs: number;
}

function days(from: number, to: number): number[] {
  return Array.from({ length: to - from + 1 }, (_, index) => from + index);
}

const shareOf = (students: Student[]): number | null =>
  percent(students.filter(hasArrived).length, students.filter(isExpected).length);

function counted(students: Student[]) {
  const of = (...statuses: string[]) => students.filter(({ status }) => statuses.includes(status)).length;
  return {
    expected: students.filter(isExpected).length,
    ...{ arrived: of('on_time', 'late'), late: of('late'), out_only: of('out_only'), excused: of('excused') },
    ...{ no_tap_covered: of('no_tap_covered'), no_tap_uncovered: of('no_tap_uncovered') },
  };
}

const isPersistent = ({ days_due, days_missed }: { days_due: number; days_missed: number }): boolean =>
  days_due > 0 && days_missed / days_due >= 0.1;

interface Pupil {
  readonly school_id: number;
  readonly class_id: number;
  readonly pupil_id: number;
}

function listed<T extends Pupil>(rows: T[]): T[] {
  return [...rows].sort((a, b) => a.school_id - b.school_id || a.class_id - b.class_id || a.pupil_id - b.pupil_id);
}

function byClass<T extends Pupil>(rows: T[]) {
  const classes = new Map<string, T[]>();
  for (const row of rows) {
    const key = `${row.school_id}:${row.class_id}`;
    classes.set(key, [...(classes.get(key) ?? []), row]);
  }
  return [...classes.values()]
    .map((members) => ({ school_id: members[0].school_id, class_id: members[0].class_id, members }))
    .sort((a, b) => a.school_id - b.school_id || a.class_id - b.class_id);
}
