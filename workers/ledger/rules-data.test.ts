import { describe, expect, it } from 'vitest';
import { TapFlag } from './kinds.ts';
import type { RuleLayer } from './rule-set.ts';
import { RuleBook } from './rules/rule-book.ts';
import { monthOfDay } from './state/rides.ts';
import { buffet, send, type TableTap, TableWorld } from './table.suite.ts';
import { noon } from './taps.suite.ts';

/** What a tap costs by the price list, by the price of its item. */
function priced(world: TableWorld, ref: number, schoolId: number): number {
  const seq = world.position;
  return send(world, { kind: buffet, ref, schoolId, seq, at: noon + seq * 60_000, readerFlags: 2 }).amountKop;
}

describe('layers of rules', () => {
  it('go from the region over the district to the school, field by field, prices by item', () => {
    const world = new TableWorld();
    const prices = (list: Record<string, number>): RuleLayer => ({ prices: list });
    const districts = { 1: prices({ 2: 21, 3: 31 }), 2: prices({ 1: 102 }) };
    world.rules(prices({ 1: 1, 2: 2, 3: 3 }), { districts, schools: { 9: prices({ 3: 39, 4: 49 }) } });
    expect([1, 2, 3, 4].map((item) => priced(world, item, 9))).toEqual([1, 21, 39, 49]);
    expect([1, 2, 3, 4].map((item) => priced(world, item, 10))).toEqual([1, 21, 31, 0]);
    expect([1, 2, 3, 4].map((item) => priced(world, item, 11))).toEqual([102, 2, 3, 0]);
    expect([1, 2].map((item) => priced(world, item, 12))).toEqual([1, 2]);
  });

  it('replace one field of a kind and leave the others', () => {
    const world = new TableWorld();
    const region: RuleLayer = { buffet: { bounce_s: 60, daily_limit_kop: 100 } };
    world.rules(region, { schools: { 9: { buffet: { bounce_s: 20 } } } });
    const sale: TableTap = { kind: buffet, amountKop: 60 };
    expect(send(world, sale).code).toBe(10);
    expect(send(world, { ...sale, at: noon + 19_999 }).code).toBe(71);
    expect(send(world, { ...sale, at: noon + 20_000 }).code).toBe(47);
  });

  it('replace closed days whole, and a null undoes what is above', () => {
    const world = new TableWorld();
    const region: RuleLayer = { closed_days: ['2026-09-21'], closed_weekdays: [1], buffet: { daily_limit_kop: 0 } };
    world.rules(region, { schools: { 9: { closed_days: [], buffet: { daily_limit_kop: null } } } });
    const sale: TableTap = { kind: buffet, amountKop: 1 };
    expect(send(world, sale).code).toBe(50);
    world.rules(region, { districts: { 1: { closed_weekdays: [] } }, schools: { 9: { closed_days: [] } } });
    expect(send(world, { ...sale, amountKop: 2 }).code).toBe(47);
    expect(send(world, { ...sale, amountKop: 4, schoolId: 10 }).code).toBe(50);
    world.rules(region, {
      schools: { 9: { closed_days: [], closed_weekdays: [], buffet: { daily_limit_kop: null } } },
    });
    expect(send(world, { ...sale, amountKop: 3 }).code).toBe(10);
  });

  it('are those of the district a school belongs to now, and whole by each change', () => {
    const world = new TableWorld();
    world.rules({}, { districts: { 1: { prices: { 1: 11 } }, 2: { prices: { 1: 12 } } } });
    expect(priced(world, 1, 9)).toBe(11);
    world.school(9, 2);
    expect([priced(world, 1, 9), priced(world, 1, 10)]).toEqual([12, 11]);
    world.rules({ prices: { 2: 5 } });
    expect([priced(world, 1, 9), priced(world, 2, 9)]).toEqual([0, 5]);
  });

  it('are read once for all schools of a district that have none of their own', () => {
    const book = new RuleBook();
    for (const schoolId of [9, 10, 11]) book.setDistrict(schoolId, 1);
    book.setDistrict(12, 2);
    book.replace(2, { region: { prices: { 1: 5 } }, schools: { 11: { prices: { 1: 6 } } } });
    expect(book.of(10)).toBe(book.of(9));
    expect([11, 12].map((schoolId) => book.of(schoolId).prices.get(1))).toEqual([6, 5]);
    expect(book.of(12)).toMatchObject({ districtId: 2 });
    book.replace(3, { region: { prices: { 1: 7 } } });
    expect([9, 11, 12].map((schoolId) => book.of(schoolId).prices.get(1))).toEqual([7, 7, 7]);
  });

  it('are those of the reader’s school, not of the pupil’s', () => {
    const world = new TableWorld();
    world.rules({}, { schools: { 9: { buffet: { daily_limit_kop: 0 } } } });
    expect(send(world, { card: 'foreign', kind: buffet, amountKop: 1 }).code).toBe(47);
    expect(send(world, { card: 'foreign', kind: buffet, amountKop: 1, schoolId: 10, readerId: 8 }).code).toBe(10);
  });
});

describe('the month of a school day', () => {
  it('is that of the calendar, for every day that a record can hold', () => {
    for (let day = 0; day < 2 ** 16; day++) {
      const date = new Date(day * 86_400_000);
      const month = (date.getUTCFullYear() - 1970) * 12 + date.getUTCMonth();
      if (monthOfDay(day) !== month) throw new Error(`day ${day}: month ${monthOfDay(day)}, not ${month}`);
    }
  });
});

describe('stale rules', () => {
  it('are told of a tap decided offline by a reader that knows an older version only', () => {
    const world = new TableWorld();
    world.rules({});
    for (const [readerFlags, toldRules, isStale] of [
      [1, 1, true],
      [2, 1, true],
      [1, 2, false],
      [0, 1, false],
      [8, 1, false],
      [1, 0, true],
    ] as const) {
      const seq = world.position;
      const { flags } = send(world, { seq, readerFlags, toldRules, at: noon + seq * 60_000 });
      expect((flags & TapFlag.staleRules) !== 0).toBe(isStale);
    }
  });
});
