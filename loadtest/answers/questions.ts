import type { AnswerRow, Asked, WorldIndex } from './index-of-world.ts';
import * as attendance from './oracle-attendance.ts';
import * as fleet from './oracle-fleet.ts';
import * as money from './oracle-money.ts';
import * as pupils from './oracle-pupils.ts';
import { addDays } from './world.ts';

/** One named query: what it must answer, what a row is known by, and what is said to it. */
export interface Question {
  readonly name: string;
  readonly oracle: (index: WorldIndex, asked: Asked) => AnswerRow[];
  readonly key: readonly string[];
  readonly takes: 'day' | 'days' | 'pupil' | 'reader-day' | 'now';
  readonly takesClass?: true;
  readonly kinds?: readonly string[];
  readonly takesReader?: true;
  /** The order of rows is part of the answer. */
  readonly isOrdered?: true;
  /** Which of the rows the oracle speaks of. */
  readonly among?: (rows: readonly AnswerRow[]) => AnswerRow[];
}

const perSchool = ['school_id'];
const perSchoolDay = ['school_id', 'school_day'];
const perPupil = ['pupil_id'];

export const questions: readonly Question[] = [
  { name: 'overview_today', oracle: attendance.overviewToday, key: [], takes: 'day', takesClass: true },
  { name: 'arrival_curve', oracle: attendance.arrivalCurve, key: ['minute_to_bell'], takes: 'day', takesClass: true },
  { name: 'school_compare', oracle: attendance.schoolCompare, key: perSchool, takes: 'day' },
  {
    name: 'attendance_daily',
    oracle: attendance.attendanceDaily,
    key: ['school_day'],
    takes: 'days',
    takesClass: true,
  },
  { name: 'attendance_heat', oracle: attendance.attendanceHeat, key: perSchoolDay, takes: 'days' },
  { name: 'class_attendance', oracle: attendance.classAttendance, key: ['school_id', 'class_id'], takes: 'day' },
  {
    ...{ name: 'persistent_absence', oracle: attendance.persistentAbsence, key: ['class_id'], takes: 'days' },
    takesClass: true,
  },
  { name: 'attendance_by_school', oracle: attendance.attendanceBySchool, key: perSchool, takes: 'days' },
  {
    ...{ name: 'attendance_by_class', oracle: attendance.attendanceByClass, key: ['class_id'], takes: 'days' },
    takesClass: true,
  },
  { name: 'presence_5m', oracle: attendance.presence5m, key: ['slot'], takes: 'day' },
  { name: 'not_arrived', oracle: pupils.notArrived, key: perPupil, takes: 'day', takesClass: true },
  { name: 'inside_now', oracle: pupils.insideNow, key: perPupil, takes: 'now', takesClass: true },
  { name: 'no_exit', oracle: pupils.noExit, key: perPupil, takes: 'day', takesClass: true },
  { name: 'early_leavers', oracle: pupils.earlyLeavers, key: perPupil, takes: 'day', takesClass: true },
  {
    ...{ name: 'persistent_absentees', oracle: attendance.persistentAbsentees, key: perPupil, takes: 'days' },
    takesClass: true,
  },
  { name: 'pupil_timeline', oracle: pupils.pupilTimeline, key: ['reader_id', 'boot_epoch', 'seq'], takes: 'pupil' },
  { name: 'pupil_days', oracle: pupils.pupilDays, key: ['school_day'], takes: 'pupil' },
  { name: 'spend_daily', oracle: money.spendDaily, key: ['school_day', 'kind', 'purse'], takes: 'days' },
  {
    ...{ name: 'top_items', oracle: money.topItems, key: ['kind', 'item_id'], takes: 'days' },
    kinds: ['meal', 'buffet', 'fare'],
    isOrdered: true,
  },
  { name: 'entitlement_use', oracle: money.entitlementUse, key: ['school_id', 'window'], takes: 'days' },
  { name: 'entitlement_daily', oracle: money.entitlementDaily, key: ['school_day', 'window'], takes: 'days' },
  {
    ...{ name: 'refusals', oracle: money.refusals, key: ['kind', 'code'], takes: 'days', takesClass: true },
    kinds: ['gate-in', 'meal', 'buffet', 'locker-open', 'fare'],
  },
  { name: 'portion_forecast', oracle: money.portionForecast, key: ['school_id', 'window'], takes: 'day' },
  { name: 'school_spend', oracle: money.schoolSpend, key: perSchool, takes: 'days' },
  { name: 'coverage', oracle: fleet.coverage, key: perSchoolDay, takes: 'days' },
  { name: 'fleet_health', oracle: fleet.fleetHealth, key: ['reader_id'], takes: 'now' },
  { name: 'reader_timeline', oracle: fleet.readerTimeline, key: ['minute_at'], takes: 'reader-day' },
  { name: 'late_arrivals', oracle: fleet.lateArrivals, key: ['lag_from_s'], takes: 'days' },
  { name: 'tap_rate', oracle: fleet.tapRate, key: ['minute_at', 'kind'], takes: 'days' },
  {
    ...{ name: 'gate_flow', oracle: fleet.gateFlow, key: ['school_day', 'reader_id'], takes: 'days' },
    takesReader: true,
  },
  { name: 'aggregate_changes', oracle: fleet.published, key: perSchoolDay, takes: 'days', among: newestOfEachDay },
  { name: 'reconcile', oracle: fleet.reconciled, key: perSchoolDay, takes: 'days', among: withTaps },
];

/** The last derivation of each day is what is published now. */
function newestOfEachDay(rows: readonly AnswerRow[]): AnswerRow[] {
  const newest = new Map<string, AnswerRow>();
  for (const row of rows) {
    const key = `${row['school_id']} ${row['school_day']}`;
    const other = newest.get(key);
    if (other === undefined || Number(row['revision']) > Number(other['revision'])) newest.set(key, row);
  }
  return [...newest.values()].filter(
    ({ after_expected: expected, after_spend_kop: kop }) => expected !== 0 || kop !== 0,
  );
}

/** Days without a tap may have money that no tap moved. */
function withTaps(rows: readonly AnswerRow[]): AnswerRow[] {
  return rows.filter((row) => row['journal_n'] !== 0 || row['difference_n'] !== 0 || row['difference_kop'] !== 0);
}

/** What is said in an address, beside the schools as they are meant. */
export interface Said {
  readonly parameters: Readonly<Record<string, string>>;
  readonly asked: Asked;
}

/** Of what there are very many (classes, pupils, readers) as many are asked for, spread over all. */
export const samplesDefault = 60;

/** Everything that is asked of one query: each day, ranges, each district and school, classes, pupils, readers. */
export function whatToAsk(question: Question, index: WorldIndex, nowMs: number, samplesMax = samplesDefault): Said[] {
  const { world } = index;
  const sample = <T>(items: readonly T[]): T[] => spread(items, samplesMax);
  const all = [...world.files.rosters.keys()].sort((a, b) => a - b);
  const days = world.days;
  const dayOf = (place: number): string => world.playedDays[place % world.playedDays.length];
  const whole = { from: days[0], to: days[days.length - 1] };
  const said = (more: Partial<Asked>, schools: readonly number[], scope: Record<string, string> = {}): Said => {
    const parameters = Object.fromEntries(Object.entries(more).map(([name, value]) => [name, String(value)]));
    return { parameters: { ...parameters, ...scope }, asked: { schools, nowMs, ...more } };
  };
  const atSchool = (more: Partial<Asked>, school: number): Said => said(more, [school], { school: String(school) });
  const scoped = (moreOf: (place: number) => Partial<Asked>): Said[] => [
    ...all.map((school, place) => atSchool(moreOf(place), school)),
    ...districts(index).map(([district, schools], place) => {
      return said(moreOf(place + 1), schools, { district: String(district) });
    }),
  ];
  const { classOfPupil, readers } = world.files;
  const classes = question.takesClass ? sample(distinctClasses([...classOfPupil.values()])) : [];
  const ofClass = (moreOf: (place: number) => Partial<Asked>): Said[] =>
    classes.map(({ classId, schoolId }, place) => atSchool({ ...moreOf(place), class: classId }, schoolId));
  const one = (place: number): Partial<Asked> => ({ day: dayOf(place) });
  const range = (): Partial<Asked> => whole;
  switch (question.takes) {
    case 'day':
      return [...days.map((day) => said({ day }, all)), ...scoped(one), ...ofClass(one)];
    case 'days':
      return [
        said(whole, all),
        ...days.map((day) => said({ from: day, to: day }, all)),
        ...(days.length > 1 ? [said({ from: addDays(whole.from, 1), to: whole.to }, all)] : []),
        ...scoped(range),
        ...ofClass(range),
        ...(question.kinds ?? []).map((kind) => said({ ...whole, kind }, all)),
        ...(question.isOrdered ? [said({ ...whole, limit: 10 }, all)] : []),
        ...(question.takesReader ? sample(readers) : []).map(({ readerId, schoolId }) => {
          return atSchool({ ...whole, reader: readerId }, schoolId);
        }),
      ];
    case 'pupil':
      return sample([...classOfPupil.values()]).map(({ pupilId }) => said({ ...whole, pupil: pupilId }, all));
    case 'reader-day':
      return sample(readers).map(({ readerId, schoolId }, place) =>
        atSchool({ ...one(place), reader: readerId }, schoolId),
      );
    case 'now':
      return [said({}, all), ...scoped(() => ({})), ...ofClass(() => ({}))];
  }
}

function spread<T>(all: readonly T[], samplesMax: number): T[] {
  const step = Math.max(1, all.length / samplesMax);
  return Array.from({ length: Math.min(all.length, samplesMax) }, (_, place) => all[Math.floor(place * step)]);
}

function distinctClasses<T extends { readonly classId: number }>(pupils: readonly T[]): T[] {
  return [...new Map(pupils.map((pupil) => [pupil.classId, pupil])).values()];
}

function districts({ world }: WorldIndex): [number, number[]][] {
  const found = new Map<number, number[]>();
  for (const [school, { districtId }] of world.files.schools) {
    const schools = found.get(districtId);
    if (schools === undefined) found.set(districtId, [school]);
    else schools.push(school);
  }
  return [...found];
}
