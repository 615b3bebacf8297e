/** Money and meals of a school's day in the plainest way, and its sums: nothing is shared with the statements that derive them. */
import { type Cells, type DayInputs, placeKey, refusalKey, type TapRow, type TransferRow } from './rows.ts';

interface Sold {
  readonly kind: number;
  readonly purse: number;
  readonly item: number;
  n: number;
  kop: number;
  readonly eaters: Set<number>;
  readonly others: Set<number>;
}

/** Sales count 1, what was taken back on the day −1, as the sale that it takes back. */
export function spendingOf(inputs: DayInputs): Cells[] {
  const sums = new Map<string, Sold>();
  const backToday = new Set(inputs.transfers.filter(({ cause }) => cause === 4).map(({ reverses }) => reverses));
  for (const transfer of inputs.transfers) {
    const isBack = transfer.cause === 4;
    const sale = isBack ? inputs.elsewhere.sales.get(transfer.reverses) : transfer;
    if (sale === undefined || (sale.cause !== 1 && sale.cause !== 7)) continue;
    const { kind, item } = soldBy(inputs, sale);
    const key = `${kind}:${sale.purse}:${item}`;
    let sum = sums.get(key);
    if (sum === undefined) {
      sum = { kind, purse: sale.purse, item, n: 0, kop: 0, eaters: new Set(), others: new Set() };
      sums.set(key, sum);
    }
    sum.n += isBack ? -1 : 1;
    sum.kop += isBack ? -sale.kop : sale.kop;
    (!isBack && !backToday.has(sale.id) ? sum.eaters : sum.others).add(sale.pupil);
  }
  return [...sums.values()].map(({ eaters, others, ...sum }) => {
    const takenBack = [...others].filter((pupil) => !eaters.has(pupil));
    return { ...sum, eaters: listed([...eaters]), taken_back: listed(takenBack) };
  });
}

function listed(pupils: number[]): string {
  return pupils.sort((a, b) => a - b).join();
}

/** A sale is its tap's. One that an OUTCOME made is the pupil's newest refusal before it with its price, if there is one. */
function soldBy({ elsewhere }: DayInputs, sale: TransferRow): { kind: number; item: number } {
  const unnamed = sale.isFare === 1 ? 7 : sale.purse === 1 ? 3 : 4;
  if (sale.cause === 1) {
    const tap = elsewhere.taps.get(placeKey(sale.shard, sale.position));
    return { kind: tap?.kind ?? unnamed, item: tap?.item ?? 0 };
  }
  const refusals = elsewhere.refusals.get(refusalKey({ ...sale, isFare: sale.isFare === 1 }));
  const refused = refusals?.findLast(({ position }) => position < sale.position);
  return { kind: refused?.kind ?? unnamed, item: refused?.item ?? 0 };
}

export function isRefusal({ kind, code, deed }: TapRow): boolean {
  return [3, 4, 7].includes(kind) && code >= 40 && code <= 54 && (deed & 3) === 0;
}

interface Meals {
  readonly tapClass: number;
  readonly windows: Set<number>;
  newestAt: number;
  newestWindow: number;
  refused: number;
}

/** For each class and each window that pupils of its shift ate in: entitled, served, refused another meal, unclaimed. */
export function entitlementsOf(inputs: DayInputs): Cells[] {
  const meals = mealsOf(inputs);
  const roster = new Map(inputs.pupils.map((pupil) => [pupil.pupil, pupil]));
  const rows = new Map<string, Record<string, number>>();
  const add = (classId: number, window: number, column: string, by: number) => {
    const key = `${classId}:${window}`;
    let row = rows.get(key);
    if (row === undefined) {
      rows.set(key, (row = { class_id: classId, window, entitled: 0, served: 0, second_refused: 0, unclaimed: 0 }));
    }
    row[column] += by;
  };
  const windowsOfShift = new Map<number, Set<number>>();
  for (const [pupil, { tapClass, windows, newestWindow, refused }] of meals) {
    const expected = roster.get(pupil);
    const classId = expected?.class ?? tapClass;
    for (const window of windows) add(classId, window, 'served', 1);
    if (refused > 0) add(classId, newestWindow, 'second_refused', refused);
    if (expected === undefined) continue;
    const seen = windowsOfShift.get(expected.shift) ?? new Set<number>();
    windowsOfShift.set(expected.shift, new Set([...seen, ...windows]));
  }
  for (const { pupil, class: classId, shift, entitled } of inputs.isClosed ? [] : inputs.pupils) {
    if (entitled === 0) continue;
    for (const window of windowsOfShift.get(shift)?.size ? windowsOfShift.get(shift)! : [0]) {
      add(classId, window, 'entitled', 1);
      if (meals.get(pupil)?.windows.has(window) !== true) add(classId, window, 'unclaimed', 1);
    }
  }
  return [...rows.values()];
}

function mealsOf({ taps, transfers, elsewhere }: DayInputs): Map<number, Meals> {
  const back = new Set<string>();
  for (const { id, cause, purse, shard, position } of transfers) {
    if (cause === 1 && purse === 0 && elsewhere.takenBack.has(id)) back.add(placeKey(shard, position));
  }
  const byPupil = new Map<number, Meals>();
  for (const tap of taps) {
    const isServed = tap.code === 11 && (tap.deed & 3) !== 2;
    const isRefused = tap.code === 49 && (tap.deed & 1) === 0;
    if (tap.kind !== 3 || (!isServed && !isRefused)) continue;
    let meals = byPupil.get(tap.pupil);
    if (meals === undefined) {
      meals = { tapClass: tap.class, windows: new Set(), newestAt: -Infinity, newestWindow: 0, refused: 0 };
      byPupil.set(tap.pupil, meals);
    }
    if (isRefused) meals.refused += 1;
    else if (!back.has(placeKey(tap.shard, tap.position))) serve(meals, tap);
  }
  return byPupil;
}

function serve(meals: Meals, { at, window }: TapRow): void {
  meals.windows.add(window);
  if (at < meals.newestAt || (at === meals.newestAt && window < meals.newestWindow)) return;
  meals.newestAt = at;
  meals.newestWindow = window;
}

export interface DayRows {
  readonly student_day: readonly Cells[];
  readonly coverage_day: readonly Cells[];
  readonly presence_5m: readonly Cells[];
  readonly spend_day: readonly Cells[];
  readonly entitlement_day: readonly Cells[];
}

/** The school's line of the district, added up of its rows. */
export function districtDayOf(inputs: DayInputs, rows: DayRows): Cells {
  const count = (...statuses: string[]) =>
    rows.student_day.filter((row) => statuses.includes(String(row.status))).length;
  const sum = (list: readonly Cells[], column: string) => list.reduce((total, row) => total + Number(row[column]), 0);
  const spent = (kind: number) =>
    sum(
      rows.spend_day.filter((row) => row.kind === kind),
      'kop',
    );
  const flags = ['left_early', 'no_exit', 'manual', 'clock_doubt'];
  return {
    district_id: inputs.district,
    expected: rows.student_day.length - count('excused', 'closed'),
    arrived: count('on_time', 'late'),
    ...Object.fromEntries(
      ['late', 'out_only', 'no_tap_covered', 'no_tap_uncovered', 'excused', 'closed'].map((name) => [
        name,
        count(name),
      ]),
    ),
    ...Object.fromEntries(flags.map((flag) => [flag, sum(rows.student_day, flag)])),
    alive_ms: sum(rows.coverage_day, 'alive_ms'),
    due_ms: sum(rows.coverage_day, 'due_ms'),
    meals_kop: spent(3),
    buffet_kop: spent(4),
    fare_kop: spent(7),
    spend_kop: sum(rows.spend_day, 'kop'),
    entitled: sum(rows.entitlement_day, 'entitled'),
    served: sum(rows.entitlement_day, 'served'),
    is_closed: inputs.isClosed ? 1 : 0,
    roster_revision: inputs.rosterRevision,
    calendar_revision: inputs.calendarRevision,
  };
}
