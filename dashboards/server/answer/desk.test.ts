import { beforeAll, describe, expect, it } from 'vitest';
import { openClickHouse } from '../../../analytics/clickhouse/client.ts';
import { useMigratedEngine } from '../../../analytics/clickhouse/migrated-engine.suite.ts';
import { engineMissing, temporaryFolder } from '../../../analytics/clickhouse/testing.suite.ts';
import { findQuery, namedQueries } from '../../../analytics/queries/catalogue.ts';
import type { NamedQuery } from '../../../analytics/queries/define.ts';
import {
  caller,
  dayTexts,
  insertDistrict,
  nowMs,
  ofDistrict,
  registry,
  schools,
} from '../disclosure/small-district.suite.ts';
import { encode, formats } from '../formats/encode.ts';
import { answerObject } from '../formats/json.ts';
import { readArrow, readCsv, readParquet, readXlsx } from '../formats/outsider.suite.ts';
import { dashboardRoles, type Answer, type Caller, type RegistryView } from '../types.ts';
import { AnswerDesk } from './desk.ts';
import { AnswerError } from './errors.ts';
import { mayAsk } from './roles.ts';

const query = (name: string): NamedQuery => findQuery(name)!;
const day = dayTexts[1];
const callers: Record<Caller['role'], Caller> = {
  admin: caller('admin'),
  district: ofDistrict,
  school: caller('school', { districtId: 1, schoolId: 2 }),
  class: caller('class', { districtId: 1, schoolId: 2, classId: 21 }),
  canteen: caller('canteen', { districtId: 1, schoolId: 2 }),
  operator: caller('operator', { schoolId: 2 }),
};
const reason = 'звонок родителя о пропаже';

/** What an error says to its reader, whole. */
async function refusal(work: Promise<unknown>): Promise<string> {
  const error = await work.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof AnswerError)) return error === undefined ? 'answered' : 'another error';
  return JSON.stringify({ status: error.status, code: error.code, message: error.message, remedy: error.remedy });
}
const code = async (work: Promise<unknown>) => /"code":"(\w+)"/.exec(await refusal(work))?.[1];

const missing = engineMissing();

describe.skipIf(missing !== undefined)('the desk', () => {
  const engine = useMigratedEngine(temporaryFolder());
  let desk: AnswerDesk;
  const deskWith = (view: RegistryView) =>
    new AnswerDesk({
      client: () => engine.client,
      registry: view,
      service: { ask: () => Promise.resolve([]) },
      now: () => nowMs,
    });
  const prepare = (name: string, who: Caller, said: Record<string, string> = {}) =>
    desk.prepare(query(name), who, said);
  const ask = async (name: string, who: Caller, said: Record<string, string> = {}) =>
    desk.answer(await prepare(name, who, said));
  const cellsOf = ({ columns, rows }: Answer, name: string) =>
    rows.map((row) => row[Object.keys(columns).indexOf(name)]);

  beforeAll(async () => {
    await insertDistrict(engine, { seed: 1 });
    desk = deskWith(registry);
  });

  describe('roles', () => {
    it('may ask what is theirs, and are refused the rest as such', async () => {
      const expected: Record<Caller['role'], (of: NamedQuery) => boolean> = {
        admin: () => true,
        school: () => true,
        district: ({ disclosure, subject }) => disclosure.about !== 'pupils' || subject === 'pupil',
        class: ({ subject, parameters }) =>
          subject === 'pupil' || (subject === 'attendance' && 'class' in parameters.shape),
        canteen: ({ subject }) => subject === 'money',
        operator: ({ subject }) => subject === 'fleet' || subject === 'trust',
      };
      for (const role of dashboardRoles) {
        for (const of of namedQueries) {
          expect(mayAsk(role, of), `${role} ${of.name}`).toBe(expected[role](of));
          if (!expected[role](of)) expect(await code(desk.prepare(of, callers[role], {}))).toBe('ROLE_FORBIDDEN');
        }
      }
    });

    it('see the schools of their scope, and a class itself only', async () => {
      const schoolsFor = async (name: string, who: Caller, said = {}) => (await prepare(name, who, said)).schools;
      expect(await schoolsFor('overview_today', callers.admin)).toEqual([1, 2, 3, 4, 5, 9]);
      expect(await schoolsFor('overview_today', callers.admin, { district: '2' })).toEqual([9]);
      expect(await schoolsFor('overview_today', callers.district)).toEqual([1, 2, 3, 4, 5]);
      expect(await schoolsFor('overview_today', callers.district, { school: '4' })).toEqual([4]);
      expect(await schoolsFor('overview_today', callers.school)).toEqual([2]);
      expect(await schoolsFor('overview_today', callers.district, { class: '23' })).toEqual([2]);
      expect(await schoolsFor('coverage', caller('operator'))).toHaveLength(6);
      expect(await prepare('overview_today', callers.class, { day })).toMatchObject({
        schools: [2],
        parameters: { class: 21 },
      });
      const [one, own] = [
        await ask('overview_today', callers.school, { day, class: '21' }),
        await ask('overview_today', callers.class, { day }),
      ];
      expect(own.rows).toEqual(one.rows);
    });
  });

  describe('scope', () => {
    it("is refused to the same byte for what is another's and for what is not there", async () => {
      const asked: [string, Caller, Record<string, string>][] = [
        ['overview_today', callers.district, { school: '9' }],
        ['overview_today', callers.district, { school: '777' }],
        ['overview_today', callers.district, { district: '2' }],
        ['overview_today', callers.district, { district: '777' }],
        ['overview_today', callers.district, { class: '91' }],
        ['overview_today', callers.district, { class: '777' }],
        ['overview_today', callers.district, { school: '1', class: '21' }],
        ['overview_today', callers.school, { school: '1' }],
        ['overview_today', callers.school, { school: '777' }],
        ['overview_today', callers.class, { class: '22' }],
        ['overview_today', callers.class, { class: '777' }],
        ['coverage', callers.operator, { school: '777' }],
        ['coverage', caller('operator'), { school: '777' }],
        ['spend_daily', callers.canteen, { school: '1' }],
        ['pupil_days', callers.district, { pupil: '9101', reason }],
        ['pupil_days', callers.district, { pupil: '7777', reason }],
        ['pupil_days', callers.school, { pupil: '1101' }],
        ['pupil_days', callers.school, { pupil: '7777' }],
        ['pupil_days', callers.class, { pupil: '2201' }],
        ['pupil_days', callers.class, { pupil: '7777' }],
        ['overview_today', caller('school'), {}],
        ['overview_today', caller('district'), {}],
      ];
      const answers = await Promise.all(asked.map(([name, who, said]) => refusal(prepare(name, who, said))));
      expect(new Set(answers).size, answers.join('\n')).toBe(1);
      expect(answers[0]).toContain('"status":403,"code":"SCOPE_FORBIDDEN"');
    });

    it('tells an admin what does not exist', async () => {
      const admin = callers.admin;
      expect(await refusal(prepare('overview_today', admin, { school: '777' }))).toContain(
        '404,"code":"SCHOOL_UNKNOWN"',
      );
      expect(await code(prepare('overview_today', admin, { district: '777' }))).toBe('DISTRICT_UNKNOWN');
      expect(await code(prepare('overview_today', admin, { class: '777' }))).toBe('CLASS_UNKNOWN');
      expect(await code(prepare('pupil_days', admin, { pupil: '777' }))).toBe('PUPIL_UNKNOWN');
    });
  });

  describe('parameters', () => {
    it('that cannot be read are answered with what would have been right', async () => {
      const why = async (name: string, said: Record<string, string>) => refusal(prepare(name, callers.admin, said));
      expect(await why('pupil_days', {})).toContain('is missing');
      expect(await why('top_items', { kind: 'bread' })).toContain('is one of gate-in, gate-out, meal');
      expect(await why('top_items', { limit: '0' })).toContain('is 1 or more');
      expect(await why('top_items', { limit: '1000000000' })).toMatch(/is \d+ or less/);
      expect(await why('top_items', { limit: 'x' })).toContain('is no whole number');
    });

    it('that cannot be read are named, and never quoted', async () => {
      const wrong: [string, Record<string, string>][] = [
        ['overview_today', { day: 'Иванов' }],
        ['overview_today', { day: '2026-02-30' }],
        ['overview_today', { day: '0001-01-01' }],
        ['overview_today', { school: 'Иванов' }],
        ['overview_today', { school: '0' }],
        ['overview_today', { class: '1e3' }],
        ['overview_today', { Иванов: '1' }],
        ['overview_today', { from: day }],
        ['spend_daily', { class: '21' }],
        ['top_items', { limit: 'Иванов' }],
        ['top_items', { kind: 'Иванов' }],
        ['pupil_days', {}],
      ];
      for (const [name, said] of wrong) {
        const answer = await refusal(prepare(name, callers.admin, said));
        expect(answer, JSON.stringify(said)).toContain('400,"code":"PARAMETER_INVALID"');
        expect(answer).not.toContain('Иванов');
      }
      expect(await code(prepare('spend_daily', callers.admin, { from: '2026-11-02', to: '2026-11-01' }))).toBe(
        'DAYS_INVALID',
      );
      expect(await code(prepare('spend_daily', callers.admin, { from: '2020-11-02', to: '2026-11-01' }))).toBe(
        'DAYS_INVALID',
      );
      expect(await prepare('overview_today', callers.admin, { format: 'csv', lang: 'en', head: '0' })).toMatchObject({
        schools: [1, 2, 3, 4, 5, 9],
      });
    });

    it('have defaults: today in the zone of the first school, four weeks, or the one day that is said', async () => {
      const east: RegistryView = {
        ...registry,
        schools: () => Promise.resolve(schools.map((school) => ({ ...school, timeZone: 'Asia/Kamchatka' }))),
      };
      expect((await prepare('overview_today', callers.admin)).told).toEqual({ day: dayTexts[4] });
      const tomorrow = await deskWith(east).prepare(query('overview_today'), callers.admin, {});
      expect(tomorrow.told).toEqual({ day: '2026-11-27' });
      expect((await prepare('spend_daily', callers.admin)).told).toEqual({ from: '2026-10-30', to: '2026-11-26' });
      expect((await prepare('spend_daily', callers.admin, { day })).told).toEqual({ from: day, to: day });
      expect((await prepare('spend_daily', callers.admin, { school: '2', from: day })).told).toEqual({
        school: 2,
        from: day,
        to: '2026-11-26',
      });
    });
  });

  describe('pupils', () => {
    it('are shown to a district one by one, for a reason, and always with an audit', async () => {
      expect(await code(prepare('pupil_days', callers.district, { pupil: '1101' }))).toBe('REASON_REQUIRED');
      expect(await code(prepare('pupil_days', callers.district, { pupil: '1101', reason: '  коротко ' }))).toBe(
        'REASON_REQUIRED',
      );
      expect((await prepare('pupil_days', callers.district, { pupil: '1101', reason })).audit).toEqual({
        pupilId: 1101,
        reason,
      });
      expect((await prepare('pupil_days', callers.school, { pupil: '2101' })).audit).toEqual({
        pupilId: 2101,
        reason: null,
      });
      expect((await prepare('not_arrived', callers.school)).audit).toEqual({ pupilId: null, reason: null });
      expect((await prepare('not_arrived', callers.school)).cacheKey).toBeNull();
      expect((await prepare('overview_today', callers.school)).audit).toBeUndefined();
      const { rows } = await ask('pupil_days', callers.district, {
        pupil: '3101',
        reason,
        from: dayTexts[0],
        to: dayTexts[4],
      });
      // A pupil of a small group is shown whole: that is what the reason is for.
      expect(rows).toHaveLength(5);
      expect(rows.flat().some((cell) => typeof cell === 'object' && cell !== null)).toBe(false);
    });

    it('are named where they are listed, in the natural order of classes and of their names', async () => {
      const answer = await ask('not_arrived', callers.admin, { day: dayTexts[3], district: '1' });
      const names = cellsOf(answer, 'pupil_name');
      expect(names.length).toBeGreaterThan(5);
      expect(cellsOf(answer, 'pupil_id').map((id) => `Фамилия${id as number} Имя`)).toEqual(names);
      const order = ['2Б', '10А'].map((name) => cellsOf(answer, 'class_name').indexOf(name));
      const firstSchool = cellsOf(answer, 'class_name').slice(0, cellsOf(answer, 'school_id').lastIndexOf(1) + 1);
      expect(order[0]).toBeGreaterThanOrEqual(0);
      expect([...new Set(firstSchool)]).toEqual(['1В', '2Б', '10А'].filter((name) => firstSchool.includes(name)));
    });
  });

  it.each(['class_attendance', 'attendance_by_class', 'persistent_absence', 'persistent_absentees', 'not_arrived'])(
    'sorts the classes of %s by their names',
    async (name) => {
      const days =
        name.startsWith('class') || name === 'not_arrived' ? { day } : { from: dayTexts[0], to: dayTexts[4] };
      const answer = await ask(name, callers.admin, { ...days, school: '1' });
      const classes = [...new Set(cellsOf(answer, 'class_name'))];
      expect(classes.length).toBeGreaterThan(1);
      expect(classes).toEqual(['1В', '2Б', '10А'].filter((one) => classes.includes(one)));
    },
  );

  it('joins names behind the ids and sorts classes by them, hidden ones as well', async () => {
    const answer = await ask('class_attendance', callers.district, { day, school: '1' });
    expect(Object.keys(answer.columns).slice(0, 5)).toEqual([
      'school_id',
      'school_name',
      'class_id',
      'class_name',
      'expected',
    ]);
    expect(cellsOf(answer, 'class_name')).toEqual(['1В', '2Б', '10А']);
    expect(cellsOf(answer, 'expected')).toEqual([expect.any(Number), { hidden: 'beside' }, { hidden: 'small' }]);
    expect(answer.head).toMatchObject({
      hiddenGroups: 2,
      rulesVersion: 3,
      timeZone: 'Europe/Moscow',
      parameters: { day, school: 1 },
    });
    const whole = await ask('class_attendance', callers.school, { day });
    expect(cellsOf(whole, 'expected').every((cell) => typeof cell === 'number')).toBe(true);
  });

  it('hides as told: the small, and the smallest others beside them', async () => {
    const state = async (said: Record<string, string>) =>
      (await prepare('attendance_daily', callers.district, { from: day, to: day, ...said })).suppressed;
    expect(await state({ class: '21' })).toBe('small');
    expect(await state({ class: '22' })).toBe('beside');
    expect(await state({ class: '23' })).toBeUndefined();
    expect(await state({ school: '3' })).toBe('small');
    expect(await state({ school: '4' })).toBe('beside');
    expect(await state({ class: '41' })).toBe('beside');
    expect(await state({ school: '1' })).toBeUndefined();
    const heat = await ask('attendance_heat', callers.district, { from: day, to: day });
    expect(cellsOf(heat, 'school_id')).toEqual([1, 2, 5, 3, 4]);
    expect(cellsOf(heat, 'arrived').slice(3)).toEqual([{ hidden: 'small' }, { hidden: 'beside' }]);
    // Eleven now, but nine on an earlier day of the range.
    const later = { from: dayTexts[3], to: dayTexts[3] };
    expect(
      (await prepare('class_attendance', callers.district, { day: dayTexts[3] })).groups!.classes.has('2:21'),
    ).toBe(false);
    expect(
      (await prepare('persistent_absence', callers.district, { ...later, class: '21' })).suppressed,
    ).toBeUndefined();
    expect(
      (await prepare('persistent_absence', callers.district, { ...later, from: day, class: '21' })).suppressed,
    ).toBe('small');
    // The answer tells of the week before as well, when 52 was nine.
    expect((await prepare('overview_today', callers.district, { day, class: '52' })).suppressed).toBe('small');
    expect((await prepare('class_attendance', callers.district, { day })).groups!.classes.has('5:52')).toBe(false);
  });

  it('gives a cache key that changes with who asks, what, and what is derived', async () => {
    const key = async (who: Caller, said = {}) => (await prepare('overview_today', who, { day, ...said })).cacheKey;
    const keys = [
      await key(callers.admin),
      await key(callers.district),
      await key(callers.school),
      await key(callers.admin, { school: '2' }),
    ];
    expect(new Set([...keys, null]).size).toBe(5);
    expect(await key(callers.district)).toBe(keys[1]);
    const hidden = await key(callers.district, { school: '3' });
    await engine.client.command({
      query: `INSERT INTO derive_log SELECT * REPLACE (revision + 1 AS revision) FROM derive_log WHERE school_id = 3`,
    });
    expect(await key(callers.district)).not.toBe(keys[1]);
    expect(await key(callers.school)).toBe(keys[2]);
    // Whoever may see nothing of a school cannot see either when its pupils tap.
    expect(await key(callers.district, { school: '3' })).toBe(hidden);
  });

  it('says that ClickHouse is away, and what the service answers is told all the same', async () => {
    const nowhere = openClickHouse('http://127.0.0.1:9');
    const rows = [[2, 21, 2101, '2026-11-26T05:00:00.000Z']];
    const service = { ask: () => Promise.resolve(rows) };
    const cut = new AnswerDesk({ client: () => nowhere, registry, service, now: () => nowMs });
    await expect(cut.prepare(query('overview_today'), callers.school, {})).rejects.toMatchObject({
      code: 'CLICKHOUSE_UNREACHABLE',
    });
    await expect(cut.prepare(query('overview_today'), callers.district, {})).rejects.toMatchObject({
      code: 'CLICKHOUSE_UNREACHABLE',
    });
    const inside = await cut.answer(await cut.prepare(query('inside_now'), callers.school, {}));
    expect(inside.rows).toEqual([[2, 'Школа № 2', 21, '9А', 2101, 'Фамилия2101 Имя', '2026-11-26T05:00:00.000Z']]);
    const file = encode(inside, { format: 'parquet', language: 'ru', client: nowhere });
    await expect(file).rejects.toMatchObject({ code: 'CLICKHOUSE_UNREACHABLE' });
    await nowhere.close();
  });

  it.each(formats)('hides the same in %s as in JSON, for every query of a district', async (format) => {
    for (const of of namedQueries.filter((one) => mayAsk('district', one) && one.disclosure.about === 'groups')) {
      const reader = 'reader' in of.parameters.shape ? { reader: '10' } : {};
      const answer = await desk.answer(await desk.prepare(of, ofDistrict, { day, ...reader }));
      const { rows } = answerObject(answer);
      const { body } = await encode(answer, { format, language: 'en', client: engine.client });
      const cells = await hiddenCells(format, body);
      const expected = rows.map((row) => Object.values(row).filter((cell) => cell === '‹10' || cell === '…').length);
      expect(cells, of.name).toEqual(
        format === 'arrow' || format === 'parquet' ? expected.map((n) => n > 0) : expected,
      );
    }
  });
});

/** Hidden cells of each row; in the columnar formats whether a row has one. */
async function hiddenCells(format: (typeof formats)[number], body: Uint8Array): Promise<(number | boolean)[]> {
  const counted = (rows: readonly (readonly unknown[])[]) =>
    rows.map((row) => row.filter((cell) => cell === '‹10' || cell === '…').length);
  switch (format) {
    case 'json': {
      const { rows } = JSON.parse(Buffer.from(body).toString()) as { rows: Record<string, unknown>[] };
      return counted(rows.map((row) => Object.values(row)));
    }
    case 'csv':
      return counted(readCsv(body, 'en').rows);
    case 'xlsx':
      return counted((await readXlsx(body)).rows);
    case 'arrow':
    case 'parquet': {
      const rows = format === 'arrow' ? readArrow(body) : await readParquet(body);
      return rows.map((row) => row.hidden !== '');
    }
  }
}
