import { describe, expect, it } from 'vitest';
import { namedQueries } from '../../../analytics/queries/catalogue.ts';
import { count, id, kop, text } from '../../../analytics/queries/columns.ts';
import { defineQuery } from '../../../analytics/queries/define.ts';
import { someDays } from '../../../analytics/queries/parameters.ts';
import { chooseHidden, hiddenGroups, type Rosters } from './hidden-groups.ts';
import { hideSmallGroups, suppression, widen, type AskedGroups } from './hide.ts';
import { lookBackDays, policyOf } from './policy.ts';

const sizes = (...of: number[]) => new Map(of.map((pupils, index) => [index + 1, pupils]));
const hidden = (...of: number[]) => Object.fromEntries(chooseHidden(sizes(...of)).hidden);

describe('small groups', () => {
  it('are hidden with the smallest others until two groups and ten pupils are', () => {
    expect(hidden(10, 20)).toEqual({});
    expect(hidden(7, 20, 25)).toEqual({ 1: 'small', 2: 'beside' });
    expect(hidden(25, 9, 20, 20)).toEqual({ 2: 'small', 3: 'beside' });
    expect(hidden(9, 9, 20)).toEqual({ 1: 'small', 2: 'small' });
    expect(hidden(1, 2, 3, 30)).toEqual({ 1: 'small', 2: 'small', 3: 'small', 4: 'beside' });
    expect(chooseHidden(sizes(9)).isTooLittle).toBe(true);
    expect(chooseHidden(sizes(4, 5)).isTooLittle).toBe(true);
    expect(chooseHidden(sizes(10)).isTooLittle).toBe(false);
    expect(Object.fromEntries(chooseHidden(sizes(7, 20), { hidesBeside: false }).hidden)).toEqual({ 1: 'small' });
  });

  it('of a school without a roster on the day are those of its last one, and what is unknown is hidden', () => {
    const rosters: Rosters = new Map([
      [1, new Map([['2026-11-20', sizes(7, 20, 30)]])],
      [
        2,
        new Map([
          ['2026-11-20', sizes(30)],
          ['2026-11-23', sizes(30)],
        ]),
      ],
      [3, new Map([['2026-11-23', sizes(31)]])],
    ]);
    const groups = hiddenGroups(rosters, '2026-11-23');
    expect(Object.fromEntries(groups.classes)).toEqual({ '1:1': 'small', '1:2': 'beside' });
    const asked = (schoolId: number, classId?: number): AskedGroups => ({
      schools: [schoolId],
      classId,
      readerId: undefined,
      from: '2026-11-23',
      to: '2026-11-23',
    });
    expect(suppression(events, asked(1, 3), groups)).toBeUndefined();
    expect(suppression(events, asked(1, 2), groups)).toBe('beside');
    expect(suppression(events, asked(1, 9), groups)).toBe('small');
    expect(suppression(events, asked(4), groups)).toBe('small');
    expect(suppression(events, { ...asked(1), schools: [1, 2, 3] }, groups)).toBeUndefined();
    const alone = hiddenGroups(new Map([[1, new Map([['2026-11-23', sizes(7)]])]]), '2026-11-23');
    expect(suppression(events, { ...asked(1), schools: [1, 2] }, alone)).toBe('small');
  });
});

const events = defineQuery({
  name: 'events',
  subject: 'money',
  summary: 'Rows of what pupils did',
  parameters: someDays,
  columns: {
    school_id: id('where'),
    kind: text('what'),
    n: count('how often'),
    kop: kop('for how much'),
    eaters: count('by how many'),
  },
  source: 'derived',
  disclosure: {
    about: 'groups',
    schoolColumn: 'school_id',
    measures: ['n', 'kop', 'eaters'],
    sizeColumn: 'eaters',
    within: ['kind'],
  },
  sql: '',
});
const schools = [1, 2, 3, 4];
const known = hiddenGroups(
  new Map(schools.map((school) => [school, new Map([['2026-11-23', sizes(30)]])])),
  '2026-11-23',
);
const asked = (of: readonly number[]): AskedGroups => ({
  schools: of,
  classId: undefined,
  readerId: undefined,
  from: '2026-11-23',
  to: '2026-11-23',
});
const small = { hidden: 'small' };
const beside = { hidden: 'beside' };

describe('rows of what pupils did', () => {
  const rows = [
    [2, 'meal', 40, 9_000, 30],
    [4, 'meal', 30, 8_000, 12],
    [1, 'meal', 20, 7_000, 4],
    [3, 'meal', 9, 0, 0],
    [1, 'buffet', 50, 100, 10],
    [2, 'fare', 1, 100, 1],
    [1, 'fare', 1, 100, 9],
    [3, 'fare', 1, 100, 40],
  ];

  it('are hidden under ten with the smallest others of the same sum, nobody is no company, and go behind the others', () => {
    const { rows: told, hiddenGroups: count } = hideSmallGroups(events, rows, asked(schools), known);
    expect(told).toEqual([
      [2, 'meal', 40, 9_000, 30],
      [3, 'meal', 9, 0, 0],
      [1, 'buffet', 50, 100, 10],
      [3, 'fare', 1, 100, 40],
      [1, 'fare', small, small, small],
      [1, 'meal', small, small, small],
      [2, 'fare', small, small, small],
      [4, 'meal', beside, beside, beside],
    ]);
    expect(count).toBe(4);
  });

  it('are hidden alike when only one school is asked for: a filter shows nothing of what is hidden beside', () => {
    const question = { schools: [4], parameters: { from: '2026-11-23', to: '2026-11-23', limit: 1 } };
    const widened = widen(events, question, known, schools);
    expect(widened).toEqual({ schools, parameters: { from: '2026-11-23', to: '2026-11-23' } });
    expect(hideSmallGroups(events, rows, asked([4]), known).rows).toEqual([[4, 'meal', beside, beside, beside]]);
  });

  it('of a hidden school are one row, whatever there was', () => {
    const rosters = new Map(
      [
        [1, 8],
        [2, 30],
        [3, 40],
        [4, 50],
      ].map(([school, pupils]) => [school, new Map([['2026-11-23', sizes(pupils)]])]),
    );
    const groups = hiddenGroups(rosters, '2026-11-23');
    const hiddenRows = [
      [1, small, small, small, small],
      [2, beside, beside, beside, beside],
    ];
    const { rows: told } = hideSmallGroups(events, [rows[0], [3, 'meal', 9, 9, 12]], asked(schools), groups);
    expect(told).toEqual([[3, 'meal', 9, 9, 12], ...hiddenRows]);
    expect(hideSmallGroups(events, [[3, 'meal', 9, 9, 12]], asked(schools), groups).rows).toEqual(told);
  });
});

describe('policies of the catalogue', () => {
  const groups = namedQueries.filter(({ disclosure }) => disclosure.about !== 'pupils');

  it('hide every figure of a group: what is no measure says nothing of pupils', () => {
    const harmless = new Set([
      'coverage',
      'minute_to_bell',
      'slot',
      'minute',
      'minutes',
      'lag_from_s',
      'lag_to_s',
      'days_used',
      'drift_ms',
      'gaps',
      'difference_n',
      'difference_kop',
    ]);
    for (const of of groups) {
      const policy = policyOf(of);
      if (policy === undefined) continue;
      for (const [name, { kind }] of Object.entries(of.columns)) {
        if (!['count', 'kop', 'percent', 'number'].includes(kind) || harmless.has(name)) continue;
        expect(policy.measures, `${of.name}.${name}`).toContain(name);
      }
    }
  });

  it('know how far back a query looks', () => {
    for (const of of groups) {
      const back = [...of.sql.matchAll(/\{(?:day|from):Date\} - (\d+)/g)].map(([, days]) => Number(days));
      expect(lookBackDays(of), of.name).toBeGreaterThanOrEqual(Math.max(0, ...back));
    }
  });

  it('take nothing for a thing of machines that counts what pupils did', () => {
    const untold = groups.filter((of) => policyOf(of) === undefined).map(({ name }) => name);
    expect(untold.sort()).toEqual(['coverage', 'fleet_health']);
    expect(policyOf({ ...events, disclosure: { about: 'system' } })).toMatchObject({
      school: 'school_id',
      measures: ['n', 'kop'],
    });
  });
});
