import { beforeAll, describe, expect, it } from 'vitest';
import { useMigratedEngine } from '../../../analytics/clickhouse/migrated-engine.suite.ts';
import { engineMissing, temporaryFolder } from '../../../analytics/clickhouse/testing.suite.ts';
import { findQuery } from '../../../analytics/queries/catalogue.ts';
import type { Row } from '../../../analytics/queries/columns.ts';
import { testSeed } from '../../../workers/random.suite.ts';
import { AnswerDesk } from '../answer/desk.ts';
import type { ServiceAnswers } from '../types.ts';
import { isHidden } from './hide.ts';
import { policyOf } from './policy.ts';
import { ask, askAll, questions, type Told } from './questions.suite.ts';
import {
  caller,
  dayTexts,
  days,
  insertDistrict,
  nowMs,
  pupilDays,
  registry,
  schoolOfClass,
  schools,
} from './small-district.suite.ts';
import { deriveOnly, type Sum } from './span.suite.ts';

const missing = engineMissing();
const day = (text: string) => Date.parse(text) / 86_400_000;
/** Ten seconds an engine and a thousand questions on a busy machine. */
const slowMs = 300_000;

/** Pupils by `school:class:day`. */
const pupils = new Map<string, number>();
for (const of of pupilDays()) {
  const key = `${schoolOfClass(of.classId)}:${of.classId}:${of.day}`;
  pupils.set(key, (pupils.get(key) ?? 0) + 1);
}
const atoms = [...pupils.keys()];
const partsOf = (atom: string) => atom.split(':').map(Number);

/** What nothing may be found of by itself: each small class on its days, and the small school. */
const guarded = new Map<string, Set<string>>();
for (const atom of atoms) {
  const [schoolId, classId] = partsOf(atom);
  const groups = [
    ...(schoolId === 3 ? ['school 3'] : []),
    ...(pupils.get(atom)! < 10 && schoolId !== 9 ? [`class ${classId}`] : []),
  ];
  for (const name of groups) guarded.set(name, (guarded.get(name) ?? new Set()).add(atom));
}

describe.skipIf(missing !== undefined)(`small groups of a district (TAPLINE_SEED=${testSeed})`, () => {
  const engine = useMigratedEngine(temporaryFolder());
  const twin = useMigratedEngine(temporaryFolder());
  const told: Told[] = [];
  const deskOf = (of: typeof engine, hidesBeside = true) =>
    new AnswerDesk({ client: () => of.client, registry, service, now: () => nowMs, hiding: { hidesBeside } });

  beforeAll(async () => {
    await insertDistrict(engine, { seed: testSeed });
    await insertDistrict(twin, { seed: testSeed, isSwapped: true });
    told.push(...(await askAll(deskOf(engine), questions())));
  }, slowMs);

  it('are there to be found: the groups that the test is about', () => {
    expect([...guarded.keys()].sort()).toEqual(['class 11', 'class 21', 'class 31', 'class 52', 'school 3']);
    expect(guarded.get('class 52')!.size).toBe(1);
    expect(guarded.get('class 21')!.size).toBe(3);
    expect(told.length).toBeGreaterThan(500);
  });

  it('cannot be found from all that is told, whatever is subtracted from what, if any told cell told a sum', () => {
    const sets = distinct(told.flatMap((of) => setsTold(of)));
    for (const [name, cells] of guarded) {
      expect(
        deriveOnly(
          sets.map((of) => ({ cells: of, value: 0 })),
          cells,
        ).map(({ cells: of }) => [...of.keys()]),
        name,
      ).toEqual([]);
    }
  });

  it('cannot be found for some days together either, where days do not add up', () => {
    const byDays = new Map<string, Told[]>();
    for (const one of told) {
      const { from, to } = one.prepared.days;
      byDays.set(`${from} ${to}`, [...(byDays.get(`${from} ${to}`) ?? []), one]);
    }
    for (const of of byDays.values()) {
      const sets = distinct(
        of
          .flatMap((one) => setsTold(one))
          .map((cells) => [...new Set(cells.map((atom) => partsOf(atom).slice(0, 2).join(':')))]),
      );
      for (const [name, cells] of guarded) {
        const { from, to } = of[0].prepared.days;
        const inDays = [...cells].filter((atom) => partsOf(atom)[2] >= day(from) && partsOf(atom)[2] <= day(to));
        const wanted = new Set(inDays.map((atom) => partsOf(atom).slice(0, 2).join(':')));
        expect(
          deriveOnly(
            sets.map((cells) => ({ cells, value: 0 })),
            wanted,
          ),
          `${name}, ${from} to ${to}`,
        ).toEqual([]);
      }
    }
  });

  it(
    'would be found by subtraction without a second group that is hidden beside',
    async () => {
      const desk = deskOf(engine, false);
      const query = findQuery('class_attendance')!;
      const daily = findQuery('attendance_daily')!;
      const said = { day: dayTexts[1] };
      const sums = [
        ...(await arrivedTold(await ask(desk, query, said))),
        ...(await arrivedTold(await ask(desk, daily, { ...said, school: '1' }))),
      ];
      const wanted = new Set([`1:11:${days[1]}`]);
      const [found] = deriveOnly(sums, wanted);
      const admin = new AnswerDesk({ client: () => engine.client, registry, service, now: () => nowMs });
      const truth = await admin.answer(await admin.prepare(daily, caller('admin'), { ...said, class: '11' }));
      expect(found.value).toBe(truth.rows[0][Object.keys(truth.columns).indexOf('arrived')]);
      const hiding = deskOf(engine);
      const guardedSums = [
        ...(await arrivedTold(await ask(hiding, query, said))),
        ...(await arrivedTold(await ask(hiding, daily, { ...said, school: '1' }))),
      ];
      expect(deriveOnly(guardedSums, wanted)).toEqual([]);
      const additive = new Set(['class_attendance', 'attendance_daily', 'school_compare']);
      const everything = await askAll(
        desk,
        [...questions()].filter(({ query: of }) => additive.has(of.name)),
      );
      const sets = distinct(everything.flatMap((of) => setsTold(of))).map((cells) => ({ cells, value: 0 }));
      for (const [name, cells] of guarded) expect(deriveOnly(sets, cells), name).not.toEqual([]);
    },
    slowMs,
  );

  it(
    'answers the same to the byte, in the same order, whoever of the groups hidden together did what',
    async () => {
      const desk = deskOf(twin);
      const some = told.filter((_, index) => index % 3 === testSeed % 3);
      const saidOf = ({ prepared }: Told) =>
        Object.fromEntries(Object.entries(prepared.told).map(([name, value]) => [name, String(value)]));
      const others = await askAll(
        desk,
        some.map((of) => ({ query: of.prepared.query, said: saidOf(of) })),
      );
      for (const [index, one] of some.entries()) {
        const what = `${one.prepared.query.name} ${JSON.stringify(saidOf(one))}`;
        expect(withoutRevisions(others[index]), what).toEqual(withoutRevisions(one));
      }
      const admin = (of: typeof engine) =>
        new AnswerDesk({ client: () => of.client, registry, service, now: () => nowMs });
      const question = [
        findQuery('attendance_daily')!,
        caller('admin'),
        { class: '11', from: dayTexts[0], to: dayTexts[4] },
      ] as const;
      const [one, two] = [admin(engine), admin(twin)];
      const rows = [
        await one.answer(await one.prepare(...question)),
        await two.answer(await two.prepare(...question)),
      ].map((of) => of.rows);
      // The worlds do differ, for those who may see it.
      expect(rows[0]).not.toEqual(rows[1]);
    },
    slowMs,
  );

  it('tells nothing of a hidden group by freshness, cache key or number of rows', () => {
    const hidden = told.filter(({ prepared }) => prepared.suppressed !== undefined);
    expect(hidden.length).toBeGreaterThan(50);
    for (const { prepared, answer } of hidden) {
      expect(answer.rows).toHaveLength(1);
      expect(answer.rows[0].every(isHidden)).toBe(true);
      expect(answer.head).toMatchObject({ asOf: null, revision: '0', coveragePct: null, hiddenGroups: 1 });
      expect(prepared.freshness).toBeUndefined();
    }
  });
});

/** The two worlds are derived one after the other. */
function withoutRevisions({ answer }: Told) {
  const at = Object.keys(answer.columns).indexOf('revision');
  return {
    rows: answer.rows.map((row) => row.toSpliced(at, at < 0 ? 0 : 1)),
    head: { ...answer.head, asOf: '', revision: '' },
  };
}

/** Cells of the sums that an answer tells: of each row with a shown measure, and of the days that it is compared with. */
function setsTold({ prepared, answer }: Told): string[][] {
  const policy = policyOf(prepared.query);
  if (policy === undefined) return [];
  const names = Object.keys(answer.columns);
  // Said apart from what hides it: figures of the same weekday before.
  const isOfBefore = names.some((name) => /prev_week|diff_pp|p10|portions/.test(name));
  return answer.rows.flatMap((row) => {
    if (!names.some((name, at) => policy.measures.includes(name) && !isHidden(row[at]) && row[at] !== null)) return [];
    const value = (name: string | undefined) => (name === undefined ? undefined : row[names.indexOf(name)]);
    const cells = (back: number) =>
      cellsOf(prepared, { schoolId: value(policy.school), classId: value(policy.class), day: value(policy.day) }, back);
    return (isOfBefore ? [0, 7] : [0]).map(cells).filter((of) => of.length > 0);
  });
}

function cellsOf(
  { schools: asked, parameters, days: { from, to } }: Told['prepared'],
  row: Record<'schoolId' | 'classId' | 'day', unknown>,
  back: number,
): string[] {
  const [first, last] = [row.day ?? from, row.day ?? to].map((text) => day(text as string) - back);
  return atoms.filter((atom) => {
    const [schoolId, classId, of] = partsOf(atom);
    if (of < first || of > last) return false;
    const isSchool = row.schoolId === undefined ? asked.includes(schoolId) : row.schoolId === schoolId;
    const wanted = row.classId ?? parameters.class;
    return isSchool && (wanted === undefined || wanted === classId);
  });
}

function arrivedTold({ prepared, answer }: Told): Promise<Sum[]> {
  const at = Object.keys(answer.columns).indexOf('arrived');
  const one = (rows: Row[]): Told => ({ prepared, answer: { ...answer, rows } });
  const sums = answer.rows.flatMap((row) =>
    setsTold(one([row as Row])).map((cells) => ({ cells, value: row[at] as number })),
  );
  // Of what is compared with a week before only the day itself is wanted.
  return Promise.resolve(
    sums.filter(({ cells }) => cells.every((atom) => partsOf(atom)[2] === day(prepared.days.from))),
  );
}

function distinct(sets: readonly (readonly string[])[]): string[][] {
  return [...new Set(sets.map((cells) => [...cells].sort().join(' ')))].map((text) => text.split(' '));
}

/** Sums of schools, as the service would answer them. */
const service: ServiceAnswers = {
  ask: (_query, { schools: asked }) =>
    Promise.resolve(
      schools
        .filter(({ schoolId }) => asked.includes(schoolId))
        .map(({ schoolId }) => [dayTexts[1], schoolId, 1, 1, 1, 1, 1, 1, 0, 0]),
    ),
};
