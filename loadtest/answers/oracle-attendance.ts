import { type AnswerRow, type Asked, count, groupBy, percent, sum, type WorldIndex } from './index-of-world.ts';
import type { SchoolDay, StudentDay } from './student-days.ts';
import { addDays } from './world.ts';

const minuteMs = 60_000;

export const isExpected = ({ status }: StudentDay): boolean => status !== 'excused' && status !== 'closed';
export const hasArrived = ({ status }: StudentDay): boolean => status === 'on_time' || status === 'late';

function counts(students: readonly StudentDay[]) {
  const of = (status: string): number => count(students, (one) => one.status === status);
  const [expected, arrived] = [count(students, isExpected), count(students, hasArrived)];
  return {
    ...{ expected, arrived, late: of('late'), out_only: of('out_only'), excused: of('excused') },
    ...{ no_tap_covered: of('no_tap_covered'), no_tap_uncovered: of('no_tap_uncovered') },
    pct: percent(arrived, expected),
  };
}

export function coverageOf(days: readonly SchoolDay[]): number | null {
  return percent(
    sum(days, ({ coverage }) => coverage.aliveMs),
    sum(days, ({ coverage }) => coverage.dueMs),
  );
}

/** Whether gates were alive for 95 % of the time: then who was not seen was not there. */
function isCovered(days: readonly SchoolDay[]): boolean {
  const [alive, due] = [sum(days, ({ coverage }) => coverage.aliveMs), sum(days, ({ coverage }) => coverage.dueMs)];
  return due > 0 && alive * 100 >= due * 95;
}

/** The same question a week before. */
function weekBefore(asked: Asked, day: string): Asked {
  return { ...asked, day: addDays(day, -7) };
}

export function overviewToday(index: WorldIndex, asked: Asked): AnswerRow[] {
  const { expected, arrived, late, pct } = counts(index.students(asked));
  const before = counts(index.students(weekBefore(asked, asked.day!)));
  const coverage = coverageOf(index.schoolDays(asked));
  return [{ expected, arrived, late, pct, pct_prev_week: before.pct, coverage }];
}

export function schoolCompare(index: WorldIndex, asked: Asked): AnswerRow[] {
  const all = counts(index.students(asked)).pct;
  return index.schoolDays(asked).map((one) => {
    const { expected, arrived, late, pct } = counts(one.students);
    const weekAgo = index.schoolDay(one.schoolId, addDays(one.day, -7));
    const prev = counts(weekAgo?.students ?? []).pct;
    const coverage = coverageOf([one]);
    const less = (other: number | null): number | null => {
      return pct === null || other === null ? null : Math.round(100 * (pct - other)) / 100;
    };
    const diff = less(prev);
    const wasCovered = weekAgo !== undefined && (coverageOf([weekAgo]) ?? 0) >= 95;
    const isMarked = Math.abs(diff ?? 0) >= 3 && (coverage ?? 0) >= 95 && wasCovered;
    const figures = { expected, arrived, late, pct, pct_prev_week: prev, diff_pp: diff, deviation_pp: less(all) };
    return { school_id: one.schoolId, ...figures, coverage, is_marked: isMarked };
  });
}

export function attendanceDaily(index: WorldIndex, asked: Asked): AnswerRow[] {
  const byDay = groupBy(index.schoolDays(asked), ({ day }) => day);
  return [...byDay].map(([day, schools]) => {
    const on = { ...asked, day };
    const pctBefore = counts(index.students(weekBefore(asked, day))).pct;
    return { school_day: day, ...counts(index.students(on)), pct_prev_week: pctBefore, coverage: coverageOf(schools) };
  });
}

export function attendanceHeat(index: WorldIndex, asked: Asked): AnswerRow[] {
  return index.schoolDays(asked).map((one) => {
    const { expected, arrived, pct } = counts(one.students);
    const { schoolId: school_id, day: school_day, isClosed: is_closed } = one;
    return { school_id, school_day, expected, arrived, pct, coverage: coverageOf([one]), is_closed };
  });
}

export function classAttendance(index: WorldIndex, asked: Asked): AnswerRow[] {
  return [...groupBy(index.students(asked), ({ pupil }) => pupil.classId)].map(([class_id, students]) => {
    const { expected, arrived, late, excused, no_tap_covered, no_tap_uncovered, pct } = counts(students);
    const seen = { expected, arrived, late, excused, no_tap_covered, no_tap_uncovered, pct };
    return { school_id: students[0].schoolId, class_id, ...seen };
  });
}

/** Each class over the days, pupils counted on each day anew. */
export function attendanceByClass(index: WorldIndex, asked: Asked): AnswerRow[] {
  return [...groupBy(index.students(asked), ({ pupil }) => pupil.classId)].map(([class_id, students]) => {
    return { school_id: students[0].schoolId, class_id, ...counts(students) };
  });
}

export function attendanceBySchool(index: WorldIndex, asked: Asked): AnswerRow[] {
  return [...groupBy(index.schoolDays(asked), ({ schoolId }) => schoolId)].map(([school_id, days]) => {
    const open = count(days, ({ students }) => students.some(isExpected));
    const all = counts(days.flatMap(({ students }) => students));
    return { school_id, days_open: open, ...all, coverage: coverageOf(days) };
  });
}

/** Each pupil with the days that count, and those of them that it missed. */
function missed(index: WorldIndex, asked: Asked) {
  return [...groupBy(index.students(asked), ({ pupil }) => pupil)].map(([pupil, days]) => {
    const over = days.filter(({ endMs }) => endMs <= asked.nowMs);
    const due = count(over, ({ status }) => status !== 'closed' && status !== 'no_tap_uncovered');
    const missing = count(over, ({ status }) => status === 'no_tap_covered' || status === 'excused');
    return { pupil, due, missing, isPersistent: due > 0 && missing * 10 >= due };
  });
}

export function persistentAbsence(index: WorldIndex, asked: Asked): AnswerRow[] {
  return [...groupBy(missed(index, asked), ({ pupil }) => pupil.classId)].map(([class_id, of]) => {
    const pupils = count(of, ({ due }) => due > 0);
    const persistent = count(of, ({ isPersistent }) => isPersistent);
    return { school_id: of[0].pupil.schoolId, class_id, pupils, persistent, pct: percent(persistent, pupils) };
  });
}

export function persistentAbsentees(index: WorldIndex, asked: Asked): AnswerRow[] {
  return missed(index, asked)
    .filter(({ isPersistent }) => isPersistent)
    .map(({ pupil: { schoolId, classId, pupilId }, due, missing }) => {
      const who = { school_id: schoolId, class_id: classId, pupil_id: pupilId };
      return { ...who, days_due: due, days_missed: missing, pct: percent(missing, due) };
    });
}

export function presence5m(index: WorldIndex, asked: Asked): AnswerRow[] {
  const inside = new Map<number, number>();
  for (const { presence } of index.schoolDays(asked)) {
    for (const [slot, pupils] of presence) inside.set(slot, (inside.get(slot) ?? 0) + pupils);
  }
  return [...inside].map(([slot, pupils]) => ({ slot, minute: slot * 5 + 5, inside: pupils }));
}

const [firstMinute, lastMinute] = [-90, 60];
const bandDays = 20;

export function arrivalCurve(index: WorldIndex, asked: Asked): AnswerRow[] {
  const day = asked.day!;
  const curveOf = (on: string) => curve(index.students({ ...asked, day: on }).filter(isExpected), asked.nowMs);
  const earlier = Array.from({ length: 28 }, (_, place) => curveOf(addDays(day, -1 - place)));
  const isOfBand = (place: number): boolean => isCovered(index.schoolDays({ ...asked, day: addDays(day, -1 - place) }));
  const band = earlier.flatMap((one, place) => (one !== null && isOfBand(place) ? [one] : [])).slice(0, bandDays);
  const today = curveOf(day);
  return Array.from({ length: lastMinute - firstMinute + 1 }, (_, place) => ({
    minute_to_bell: firstMinute + place,
    pct: today?.[place] ?? null,
    prev_week: earlier[6]?.[place] ?? null,
    p10: quantile(0.1, band, place),
    p90: quantile(0.9, band, place),
  }));
}

/** Percent by minute, of those whose bell the minute has come for; null where nobody is expected. */
function curve(expected: readonly StudentDay[], nowMs: number): (number | null)[] | null {
  if (expected.length === 0) return null;
  const due = new Array<number>(lastMinute - firstMinute + 1).fill(0);
  const come = [...due];
  for (const student of expected) {
    const { bellMs, firstInMs } = student;
    for (let minute = firstMinute; minute <= lastMinute; minute++) {
      if (bellMs + minute * minuteMs > nowMs) break;
      due[minute - firstMinute]++;
      if (hasArrived(student) && firstInMs! <= bellMs + minute * minuteMs) come[minute - firstMinute]++;
    }
  }
  return due.map((whole, place) => percent(come[place], whole));
}

function quantile(level: number, band: readonly (readonly (number | null)[])[], place: number): number | null {
  const values = band.map((one) => one[place]).filter((value) => value !== null);
  values.sort((a, b) => a - b);
  return values.at(Math.min(values.length - 1, Math.floor(level * values.length))) ?? null;
}
