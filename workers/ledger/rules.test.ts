import { describe, expect, it } from 'vitest';
import { decisionCodes } from './codes.ts';
import { holdRow, type TableRow } from './table.suite.ts';
import { fareRows } from './table-fares.suite.ts';
import { bounceRows, cardRows, gateRows, lockerRows } from './table-gates.suite.ts';
import { mealRows } from './table-meals.suite.ts';

/** Codes of the identity and of the reader: no rule of the table gives them (`repeats.test.ts`). */
const beforeTheRules = [70, 91, 93];
/** Never decided: the gateway and the pool answer it while there is no ledger to ask. */
const neverGiven = [90];

const tables: Record<string, readonly TableRow[]> = {
  'a card': cardRows,
  'a gate': gateRows,
  'a locker': lockerRows,
  'the same tap again': bounceRows,
  'a meal or a buffet sale': mealRows,
  'a fare': fareRows,
};

for (const [about, rows] of Object.entries(tables)) {
  describe(about, () => {
    for (const deed of ['online', 'let through', 'refused'] as const) {
      it.each(rows)(`${deed}: $what: $code`, (row) => holdRow(row, deed));
    }
  });
}

describe('the table', () => {
  it('has a row for every code that rules give', () => {
    const given = Object.values(tables).flatMap((rows) => rows.map(({ code }) => code));
    const all = new Set([...given, ...beforeTheRules, ...neverGiven]);
    expect([...all].sort()).toEqual(decisionCodes.map(({ code }) => code).sort());
  });

  it('names each of its rows once', () => {
    const names = Object.values(tables).flatMap((rows) => rows.map(({ what }) => what));
    expect(new Set(names).size).toBe(names.length);
  });
});
