import { describe, expect, it } from 'vitest';
import { testSeed } from '../../../workers/random.suite.ts';
import { useMigratedEngine } from '../../clickhouse/migrated-engine.suite.ts';
import { engineMissing, temporaryFolder } from '../../clickhouse/testing.suite.ts';
import { dateOf } from '../../derive/world-rows.suite.ts';
import { decisionCodes } from '../../../workers/ledger/codes.ts';
import { kindNames } from '../../../workers/ledger/kinds.ts';
import type { NamedQuery } from '../define.ts';
import { askNamed } from '../query-engine.suite.ts';
import { derivedWorld, type DerivedWorld, grouped, type Movement, percentOf, summed } from './derived-world.suite.ts';
import { entitlementDaily } from './entitlement-daily.ts';
import { entitlementUse } from './entitlement-use.ts';
import { portionForecast } from './portion-forecast.ts';
import { refusals } from './refusals.ts';
import { schoolSpend } from './school-spend.ts';
import { spendDaily } from './spend-daily.ts';
import { topItems } from './top-items.ts';

const missing = engineMissing();
const firstDay = 20_600;
const kindText = (kind: number): string => kindNames[kind - 1];
const payers = ['entitlement', 'meal', 'buffet', 'transport', 'services'];

describe.skipIf(missing !== undefined)('queries of money, over random worlds', () => {
  const engine = useMigratedEngine(temporaryFolder());

  interface Asked {
    readonly schools: readonly number[];
    readonly from: number;
    readonly to: number;
  }
  const ask = (query: NamedQuery, { schools, from, to }: Asked, more: object = {}) =>
    askNamed(engine.client, query, { schools, from: dateOf(from), to: dateOf(to), ...more });
  const inRange =
    ({ schools, from, to }: Asked) =>
    (one: { schoolId: number; schoolDay: number }) =>
      schools.includes(one.schoolId) && one.schoolDay >= from && one.schoolDay <= to;

  function naiveDaily({ movements, days }: DerivedWorld, asked: Asked) {
    return grouped(movements.filter(inRange(asked)), (one) => [one.schoolDay, one.kind, one.purse]).map(
      ([key, ofKey]) => {
        const [day, kind, purse] = key;
        const isBefore = (one: Movement) => one.schoolDay === day - 7 && one.kind === kind && one.purse === purse;
        const before = summed(movements.filter((one) => asked.schools.includes(one.schoolId) && isBefore(one)));
        const { n, kop, eaters, pupils } = summed(ofKey);
        const least = before.pupils === 0 ? pupils : Math.min(pupils, before.pupils);
        const said = { school_day: dateOf(day), kind: kindText(kind), purse: payers[purse] };
        const prev_week_kop = days.includes(day - 7) ? before.kop : null;
        return { ...said, n, kop, prev_week_kop, eaters, pupils_least: least };
      },
    );
  }

  function naiveItems({ movements }: DerivedWorld, asked: Asked, onlyKind: number, limit: number) {
    const all = movements.filter(inRange(asked)).filter(({ kind }) => onlyKind === 0 || kind === onlyKind);
    const items = grouped(all, (one) => [one.kind, one.item]).map(([[kind, item], ofItem]) => {
      const { n, kop, eaters, pupils } = summed(ofItem);
      const pct = percentOf(kop, summed(all.filter((one) => one.kind === kind)).kop);
      return { kind: kindText(kind), item_id: item, n, kop, pct, eaters, pupils, order: kind };
    });
    items.sort((a, b) => b.kop - a.kop || a.order - b.order || a.item_id - b.item_id);
    return items.slice(0, limit).map(({ order: _, ...row }) => row);
  }

  function naiveSchools({ movements }: DerivedWorld, asked: Asked) {
    return grouped(movements.filter(inRange(asked)), (one) => [one.schoolId]).map(([[schoolId], ofSchool]) => {
      const { n, kop, eaters, pupils } = summed(ofSchool);
      const entitled = summed(ofSchool.filter(({ purse }) => purse === 0)).kop;
      const each = eaters === 0 ? null : Math.round(kop / eaters);
      return { school_id: schoolId, n, kop, entitled_kop: entitled, eaters, kop_per_eater: each, pupils };
    });
  }

  function naiveUse({ meals }: DerivedWorld, asked: Asked) {
    const rows = meals.filter(inRange(asked));
    return grouped(rows, (row) => [row.schoolId, row.window]).map(([[schoolId, window], ofWindow]) => {
      const sum = (name: 'entitled' | 'served' | 'second_refused' | 'unclaimed', of = ofWindow) =>
        of.reduce((total, row) => total + row[name], 0);
      const perDay = grouped(ofWindow, (row) => [row.schoolDay]).map(([, ofDay]) =>
        Math.max(sum('entitled', ofDay), sum('served', ofDay), Math.min(1, sum('second_refused', ofDay))),
      );
      const [entitled, served] = [sum('entitled'), sum('served')];
      const rest = {
        second_refused: sum('second_refused'),
        unclaimed: sum('unclaimed'),
        pupils_most: Math.max(...perDay),
      };
      return { school_id: schoolId, window, entitled, served, ...rest };
    });
  }

  function naiveMealDays({ meals }: DerivedWorld, asked: Asked) {
    const rows = meals.filter(inRange(asked));
    return grouped(rows, (row) => [row.schoolDay, row.window]).flatMap(([[schoolDay, window], of]) => {
      const sum = (name: 'entitled' | 'served' | 'second_refused' | 'unclaimed') =>
        of.reduce((total, row) => total + row[name], 0);
      const [entitled, served, second_refused] = [sum('entitled'), sum('served'), sum('second_refused')];
      if (entitled + served + second_refused === 0) return [];
      const counts = { entitled, served, second_refused, unclaimed: sum('unclaimed') };
      return [
        {
          school_day: dateOf(schoolDay),
          window,
          ...counts,
          pupils_most: Math.max(entitled, served, Math.min(1, second_refused)),
        },
      ];
    });
  }

  function naiveForecast(
    { movements, meals, days, expectedOf }: DerivedWorld,
    schools: readonly number[],
    day: number,
  ) {
    return schools.flatMap((schoolId) => {
      const before = [7, 14, 21, 28].map((ago) => day - ago).filter((on) => days.includes(on));
      const used = before.filter((on) => expectedOf(schoolId, on) > 0);
      if (used.length === 0) return [];
      const due = expectedOf(schoolId, days.includes(day) ? day : used[0]);
      const free = meals.filter((row) => row.schoolId === schoolId);
      const portionsOf = (window: number, on: number): number => {
        const served = free.filter((row) => row.schoolDay === on && row.window === window);
        const isPaid = (one: Movement) =>
          one.schoolId === schoolId && one.schoolDay === on && one.kind === 3 && one.purse > 0;
        const paid = window === 0 ? Math.max(0, summed(movements.filter(isPaid)).n) : 0;
        return served.reduce((sum, row) => sum + row.served, 0) + paid;
      };
      return [0, 1, 2].flatMap((window) => {
        const each = used.map((on) => ({ portions: portionsOf(window, on), expected: expectedOf(schoolId, on) }));
        const total = each.reduce((sum, { portions }) => sum + portions, 0);
        if (total === 0) return [];
        const expected = each.reduce((sum, one) => sum + one.expected, 0);
        const scaled = each.map((one) => (due * one.portions) / one.expected);
        const portions = Math.floor((due * total) / expected + 0.5);
        const range = { portions_low: Math.floor(Math.min(...scaled)), portions_high: Math.ceil(Math.max(...scaled)) };
        return [{ school_id: schoolId, kind: 'meal', window, portions, ...range, days_used: used.length }];
      });
    });
  }

  function naiveRefusals({ world }: DerivedWorld, asked: Asked, { kind = 0, classId = 0 }) {
    const refused = world.taps.filter((tap) => {
      if (!inRange(asked)(tap) || (kind !== 0 && tap.kind !== kind) || (classId !== 0 && tap.classId !== classId))
        return false;
      if (tap.code < 40 || tap.code > 54 || (tap.readerFlags & 1) === 1) return false;
      const isOpenExit = tap.kind === 2 && tap.code <= 45;
      return !isOpenExit || (tap.readerFlags & 2) === 2;
    });
    return grouped(refused, (tap) => [tap.kind, tap.code]).map(([[ofKind, code], taps]) => ({
      kind: kindText(ofKind),
      code,
      code_name: decisionCodes.find((one) => one.code === code)!.name,
      n: taps.length,
      distinct_pupils: new Set(taps.map(({ pupilId }) => pupilId).filter((pupil) => pupil !== 0)).size,
    }));
  }

  it.each([0, 1, 2])('are what plain rows say (%i)', async (round) => {
    const first = firstDay + 100 * round;
    const days = [0, 1, 7, 8, 14, 15, 21, 28, 29].map((after) => first + after);
    const derived = await derivedWorld({ client: engine.client, url: engine.engine.url }, round, days);
    const { schools } = derived;
    const whole = { schools, from: first, to: first + 40 };
    for (const asked of [whole, { ...whole, schools: [schools[1]] }, { schools, from: first + 8, to: first + 14 }]) {
      const where = `with TAPLINE_SEED=${testSeed}, ${JSON.stringify(asked)}`;
      expect(await ask(spendDaily, asked), where).toEqual(naiveDaily(derived, asked));
      expect(await ask(topItems, asked), where).toEqual(naiveItems(derived, asked, 0, Infinity));
      expect(await ask(topItems, asked, { kind: 'buffet', limit: 2 }), where).toEqual(naiveItems(derived, asked, 4, 2));
      expect(await ask(schoolSpend, asked), where).toEqual(naiveSchools(derived, asked));
      expect(await ask(entitlementUse, asked), where).toEqual(naiveUse(derived, asked));
      expect(await ask(entitlementDaily, asked), where).toEqual(naiveMealDays(derived, asked));
      expect(await ask(refusals, asked), where).toEqual(naiveRefusals(derived, asked, {}));
      const classId = asked.schools[0] * 100;
      const filtered = naiveRefusals(derived, asked, { kind: 1, classId });
      expect(await ask(refusals, asked, { kind: 'gate-in', class: classId }), where).toEqual(filtered);
    }
    for (const day of [first, first + 28, first + 29, first + 35, first + 60]) {
      const answer = await askNamed(engine.client, portionForecast, { schools, day: dateOf(day) });
      expect(answer, `with TAPLINE_SEED=${testSeed}, day ${day - first}`).toEqual(naiveForecast(derived, schools, day));
    }
    expect(naiveForecast(derived, schools, first + 28).length).toBeGreaterThan(2);
  });
});
