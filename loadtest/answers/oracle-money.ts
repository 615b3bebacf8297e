import { kindNames } from '../../ingest/protocol/codes.ts';
import { flag } from '../oracle/model.ts';
import { type AnswerRow, type Asked, count, groupBy, percent, sum, type WorldIndex } from './index-of-world.ts';
import { isExpected } from './oracle-attendance.ts';
import { addDays, type Fact, isRefusal, type Movement } from './world.ts';

const kindName = (kind: number): string => kindNames[kind - 1];

/**
 * What movements come to. Eaters kept something that they bought; `pupils` are the eaters, or those of whom everything of
 * an item was taken back, whichever are more.
 */
function totals(moved: readonly Movement[]) {
  const kept = new Map<string, number>();
  for (const { schoolId, day, kind, purse, item, pupilId, sign } of moved) {
    const key = [schoolId, day, kind, purse, item, pupilId].join(' ');
    kept.set(key, (kept.get(key) ?? 0) + sign);
  }
  const different = (holds: (times: number) => boolean): number => {
    return new Set([...kept].filter(([, times]) => holds(times)).map(([key]) => key.split(' ')[5])).size;
  };
  const eaters = different((times) => times > 0);
  return {
    n: sum(moved, ({ sign }) => sign),
    kop: sum(moved, ({ sign, kop }) => sign * kop),
    eaters,
    pupils: Math.max(
      eaters,
      different((times) => times <= 0),
    ),
  };
}

function ofTheKind(moved: readonly Movement[], { kind }: Asked): readonly Movement[] {
  return kind === undefined ? moved : moved.filter((one) => kindName(one.kind) === kind);
}

export function spendDaily(index: WorldIndex, asked: Asked): AnswerRow[] {
  const moved = index.movements(asked, 7);
  const groups = groupBy(moved, ({ day, kind, purse }) => `${day} ${kind} ${purse}`);
  return [...groups].flatMap(([key, own]): AnswerRow[] => {
    const [day, kind, purse] = key.split(' ');
    if (day < asked.from!) return [];
    const { n, kop, eaters, pupils } = totals(own);
    const before = groups.get(`${addDays(day, -7)} ${kind} ${purse}`);
    const prev = before === undefined ? null : totals(before);
    const least = Math.min(pupils, prev?.pupils ?? pupils);
    const isKnown = index.schoolDays({ ...asked, day: addDays(day, -7) }).length > 0;
    const prev_week_kop = isKnown ? (prev?.kop ?? 0) : null;
    const row = { school_day: day, kind: kindName(Number(kind)), purse, n, kop, prev_week_kop };
    return [{ ...row, eaters, pupils_least: least }];
  });
}

export function topItems(index: WorldIndex, asked: Asked): AnswerRow[] {
  const moved = ofTheKind(index.movements(asked), asked);
  const ofKind = new Map([...groupBy(moved, ({ kind }) => kind)].map(([kind, own]) => [kind, totals(own).kop]));
  const rows = [...groupBy(moved, ({ kind, item }) => `${kind} ${item}`)].map(([key, own]) => {
    const [kind, item] = key.split(' ').map(Number);
    const { kop, ...rest } = totals(own);
    return { kind: kindName(kind), item_id: item, kop, ...rest, pct: percent(kop, ofKind.get(kind) ?? 0) };
  });
  const numberOf = ({ kind }: { kind: string }): number => kindNames.findIndex((name) => name === kind);
  rows.sort((a, b) => b.kop - a.kop || numberOf(a) - numberOf(b) || a.item_id - b.item_id);
  return rows.slice(0, asked.limit);
}

export function schoolSpend(index: WorldIndex, asked: Asked): AnswerRow[] {
  return [...groupBy(index.movements(asked), ({ schoolId }) => schoolId)].map(([school_id, own]) => {
    const { n, kop, eaters, pupils } = totals(own);
    const free = totals(own.filter(({ purse }) => purse === 'entitlement')).kop;
    const each = eaters === 0 ? null : Math.floor(kop / eaters + 0.5);
    return { school_id, n, kop, entitled_kop: free, eaters, kop_per_eater: each, pupils };
  });
}

/** Let through by the reader, or an exit that opened: no refusal to anybody. */
function stoodStill(fact: Fact): boolean {
  const opened = fact.kind === 2 && fact.code <= 45 && (fact.readerFlags & flag.refused) === 0;
  return isRefusal(fact) && (fact.readerFlags & flag.letThrough) === 0 && !opened;
}

export function refusals(index: WorldIndex, asked: Asked): AnswerRow[] {
  const { files } = index.world;
  const refused = index.facts(asked).filter((fact) => {
    const isAsked = asked.kind === undefined || kindName(fact.kind) === asked.kind;
    const classId = files.classOfPupil.get(fact.pupilId)?.classId;
    return isAsked && (asked.class === undefined || classId === asked.class) && stoodStill(fact);
  });
  return [...groupBy(refused, ({ kind, code }) => `${kind} ${code}`)].map(([key, own]) => {
    const [kind, code] = key.split(' ').map(Number);
    const pupils = new Set(own.filter(({ pupilId }) => pupilId !== 0).map(({ pupilId }) => pupilId));
    return { kind: kindName(kind), code, n: own.length, distinct_pupils: pupils.size };
  });
}

interface Use {
  entitled: number;
  served: number;
  second_refused: number;
  unclaimed: number;
}

const workedOut = new WeakMap<WorldIndex, Map<string, ReadonlyMap<number, Use>>>();

/** A school's free meals of one day, by window. */
function entitlements(index: WorldIndex, schoolId: number, day: string): ReadonlyMap<number, Use> {
  const known = workedOut.get(index) ?? new Map<string, ReadonlyMap<number, Use>>();
  workedOut.set(index, known);
  const key = `${schoolId} ${day}`;
  const found = known.get(key) ?? freeMeals(index, schoolId, day);
  known.set(key, found);
  return found;
}

function freeMeals(index: WorldIndex, schoolId: number, day: string): Map<number, Use> {
  const uses = new Map<number, Use>();
  const use = (window: number): Use => {
    let found = uses.get(window);
    if (!found) uses.set(window, (found = { entitled: 0, served: 0, second_refused: 0, unclaimed: 0 }));
    return found;
  };
  const facts = index.facts({ schools: [schoolId], day, nowMs: 0 });
  const meals = groupBy(
    facts.filter(({ kind, pupilId }) => kind === 3 && pupilId !== 0),
    ({ pupilId }) => pupilId,
  );
  const eaten = new Map<number, Set<number>>();
  for (const [pupilId, own] of meals) {
    const served = own.filter(({ window }) => window !== 0).sort((a, b) => a.atMs - b.atMs || a.window - b.window);
    const windows = new Set(served.map(({ window }) => window));
    eaten.set(pupilId, windows);
    for (const window of windows) use(window).served++;
    const again = count(own, ({ code, readerFlags }) => code === 49 && (readerFlags & flag.letThrough) === 0);
    if (again > 0) use(served.at(-1)?.window ?? 0).second_refused += again;
  }
  const { isClosed, students } = index.schoolDay(schoolId, day)!;
  for (const ofShift of groupBy(students, ({ pupil }) => pupil.shift).values()) {
    const seen = new Set(ofShift.flatMap(({ pupil }) => [...(eaten.get(pupil.pupilId) ?? [])]));
    for (const { pupil } of ofShift) {
      if (!pupil.entitled || isClosed) continue;
      for (const window of seen.size === 0 ? [0] : seen) {
        use(window).entitled++;
        if (!eaten.get(pupil.pupilId)?.has(window)) use(window).unclaimed++;
      }
    }
  }
  return uses;
}

export function entitlementUse(index: WorldIndex, asked: Asked): AnswerRow[] {
  const rows = new Map<string, Use & { school_id: number; window: number; pupils_most: number }>();
  for (const { schoolId, day } of index.schoolDays(asked)) {
    for (const [window, one] of entitlements(index, schoolId, day)) {
      const key = `${schoolId} ${window}`;
      const all = rows.get(key) ?? {
        ...{ school_id: schoolId, window, entitled: 0, served: 0, second_refused: 0, unclaimed: 0, pupils_most: 0 },
      };
      all.entitled += one.entitled;
      all.served += one.served;
      all.second_refused += one.second_refused;
      all.unclaimed += one.unclaimed;
      all.pupils_most = Math.max(all.pupils_most, one.entitled, one.served, Math.min(1, one.second_refused));
      rows.set(key, all);
    }
  }
  return [...rows.values()].map((row) => ({ ...row }));
}

export function entitlementDaily(index: WorldIndex, asked: Asked): AnswerRow[] {
  return [...groupBy(index.schoolDays(asked), ({ day }) => day)].flatMap(([school_day, schools]) => {
    const all = schools.flatMap(({ schoolId }) => [...entitlements(index, schoolId, school_day)]);
    return [...groupBy(all, ([window]) => window)].flatMap(([window, uses]) => {
      const of = (name: keyof Use): number => sum(uses, ([, use]) => use[name]);
      const [entitled, served, again] = [of('entitled'), of('served'), of('second_refused')];
      if (entitled + served + again === 0) return [];
      const row = { school_day, window, entitled, served, second_refused: again, unclaimed: of('unclaimed') };
      return [{ ...row, pupils_most: Math.max(entitled, served, Math.min(1, again)) }];
    });
  });
}

/** Meals of the same weekday one to four weeks before, for as many as are expected. */
export function portionForecast(index: WorldIndex, asked: Asked): AnswerRow[] {
  const day = asked.day!;
  const expectedOn = (schoolId: number, on: string): number | null => {
    const found = index.schoolDay(schoolId, on);
    return found === undefined ? null : count(found.students, isExpected);
  };
  return asked.schools.flatMap((schoolId) => {
    const used = [7, 14, 21, 28]
      .map((back) => addDays(day, -back))
      .map((on) => ({ on, expected: expectedOn(schoolId, on) ?? 0 }))
      .filter(({ expected }) => expected > 0);
    if (used.length === 0) return [];
    const due = expectedOn(schoolId, day) ?? used[0].expected;
    const served = used.map(({ on }) => portions(index, schoolId, on));
    const windows = [...new Set(served.flatMap((one) => [...one.keys()]))];
    return windows.flatMap((window) => {
      const days = used.map(({ expected }, place) => ({ expected, meals: served[place].get(window) ?? 0 }));
      const meals = sum(days, (one) => one.meals);
      if (meals === 0) return [];
      return [
        {
          ...{ school_id: schoolId, kind: 'meal', window, days_used: days.length },
          portions: Math.floor((due * meals) / sum(days, ({ expected }) => expected) + 0.5),
          portions_low: Math.min(...days.map((one) => Math.floor((due * one.meals) / one.expected))),
          portions_high: Math.max(...days.map((one) => Math.ceil((due * one.meals) / one.expected))),
        },
      ];
    });
  });
}

/** Free meals by their window; paid ones are of window 0. */
function portions(index: WorldIndex, schoolId: number, day: string): Map<number, number> {
  const served = new Map([...entitlements(index, schoolId, day)].map(([window, use]) => [window, use.served]));
  const moved = index.movements({ schools: [schoolId], day, nowMs: 0 });
  const paid = sum(
    moved.filter(({ kind, purse }) => kind === 3 && purse !== 'entitlement'),
    ({ sign }) => sign,
  );
  return served.set(0, (served.get(0) ?? 0) + Math.max(0, paid));
}
