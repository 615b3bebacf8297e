import { beforeAll, describe, expect, it } from 'vitest';
import { useMigratedEngine } from '../../../analytics/clickhouse/migrated-engine.suite.ts';
import { engineMissing, temporaryFolder } from '../../../analytics/clickhouse/testing.suite.ts';
import { namedQueries } from '../../../analytics/queries/catalogue.ts';
import { count, day, flag, id, kop, number, percent, text, time } from '../../../analytics/queries/columns.ts';
import { nameColumnOf } from '../answer/names.ts';
import type { Answer, Language, ShownCell } from '../types.ts';
import { inertText } from './csv.ts';
import { encode, type Format } from './encode.ts';
import { headers } from './headers.ts';
import { answerObject } from './json.ts';
import { readArrow, readCsv, readParquet, readXlsx } from './outsider.suite.ts';

const small: ShownCell = { hidden: 'small' };
const beside: ShownCell = { hidden: 'beside' };
const answer: Answer = {
  head: {
    query: 'every_kind',
    parameters: { school: 7, from: '2026-11-01', to: '2026-11-24' },
    asOf: '2026-11-24T01:02:03.045Z',
    revision: '17-3',
    coveragePct: 99.5,
    rulesVersion: 4,
    timeZone: 'Asia/Yekaterinburg',
    hiddenGroups: 2,
  },
  columns: {
    at: time('a moment', { nullable: true }),
    school_day: day('a day'),
    pupil_id: id('a pupil', { names: 'pupil' }),
    pupil_name: text('its name', { nullable: true }),
    expected: count('a count'),
    kop: kop('kopecks'),
    pct: percent('a share', { nullable: true }),
    drift_ms: number('a number'),
    is_marked: flag('yes or no'),
    code_name: text('words'),
  },
  rows: [
    [
      '2026-11-23T20:30:05.000Z',
      '2026-11-24',
      4_294_967_295,
      '=1+1',
      12,
      -900_719_925_474,
      12.35,
      -0.5,
      true,
      'a;"b",\nc',
    ],
    [null, '2026-02-28', 1, null, 0, 0, null, 1_234_567.25, false, '# нет'],
    ['2026-11-24T00:00:00.000Z', '2026-11-24', 2, 'Ёлкина Ая', small, small, small, small, true, '+7'],
    ['2026-11-24T00:00:00.000Z', '2026-11-24', 3, 'Ы Э', beside, beside, beside, beside, true, '–'],
  ],
};
const json = answerObject(answer);
const names = Object.keys(answer.columns);
/** The first moment of the answer on the wall of its school, five hours east. */
const wall = '2026-11-24 01:30:05';

describe('formats read by others', () => {
  it('has a text above every column of every query in both languages', () => {
    const columns = namedQueries.flatMap(({ columns }) =>
      Object.entries(columns).flatMap(([name, { names }]) =>
        names === undefined || names === 'item' ? [name] : [name, nameColumnOf(name)],
      ),
    );
    const missing = [...new Set(columns)].filter((name) => !headers[name]?.ru || !headers[name]?.en);
    expect(missing).toEqual([]);
  });

  it('JSON says what was asked, its types, and hidden cells as text', () => {
    expect(json).toMatchObject({
      query: 'every_kind',
      revision: '17-3',
      hidden_groups: 2,
      row_count: 4,
      rules_version: 4,
    });
    expect(json.rows[2]).toMatchObject({ expected: '‹10', kop: '‹10', school_day: '2026-11-24' });
    expect(json.rows[3]).toMatchObject({ expected: '…' });
    expect(json.columns[1]).toEqual({ name: 'school_day', kind: 'day', nullable: false, about: 'a day' });
  });

  it.each(['ru', 'en'] as const)(
    'CSV in %s gives the cells of JSON, numbers as its spreadsheets read them',
    async (language) => {
      const { body, fileName } = await file('csv', language);
      expect(fileName).toBe('every_kind_2026-11-01_2026-11-24.csv');
      const { header, rows, head } = readCsv(body, language);
      expect(header).toEqual(names.map((name) => headers[name][language]));
      const mark = language === 'ru' ? ',' : '.';
      const yes = language === 'ru' ? ['да', 'нет'] : ['yes', 'no'];
      const expected = json.rows.map((row, at) =>
        names.map((name) => {
          const cell = row[name];
          if (name === 'at' && cell !== null) return at === 0 ? wall : '2026-11-24 05:00:00';
          if (typeof cell === 'number') return String(cell).replace('.', mark);
          if (typeof cell === 'boolean') return yes[cell ? 0 : 1];
          return inertText(cell ?? '');
        }),
      );
      expect(rows).toEqual(expected);
      expect(rows[0][3]).toBe("'=1+1");
      expect(head).toContainEqual([language === 'ru' ? '# Покрытие в %' : '# Coverage in %', `99${mark}5`]);
      expect(head.map(([, value]) => value)).toEqual(expect.arrayContaining(['17-3', '2026-11-24 06:02:03', '2']));
    },
  );

  it('CSV without a head begins with the table; no text of it is a formula', async () => {
    const { body } = await encode(answer, {
      format: 'csv',
      language: 'en',
      client: undefined as never,
      hasHead: false,
    });
    expect(Buffer.from(body).toString().split(',')[0]).toBe('\ufeffTime');
    for (const text of ['=1', '+1', '-1', '−1', '@a', '\ta', ' =1', '＝1', '\r=1'])
      expect(inertText(text)).toBe(`'${text}`);
    for (const text of ['1-2', '‹10', '…', 'a=b', '']) expect(inertText(text)).toBe(text);
  });

  it.each(['ru', 'en'] as const)(
    'XLSX in %s gives the cells of JSON with types, and the head on a second sheet',
    async (language) => {
      const { header, rows, about } = await readXlsx((await file('xlsx', language)).body);
      expect(header).toEqual(names.map((name) => headers[name][language]));
      const moment = (text: string) => new Date(`${text.replace(' ', 'T')}Z`);
      const expected = json.rows.map((row, at) =>
        names.map((name) => {
          if (name === 'at' && row[name] !== null) return moment(at === 0 ? wall : '2026-11-24 05:00:00');
          return name === 'school_day' ? moment(`${String(row[name])} 00:00:00`) : row[name];
        }),
      );
      expect(rows.map((row) => row.map(toSecond))).toEqual(expected);
      expect(about).toContainEqual([language === 'ru' ? 'Версия правил' : 'Rules version', 4]);
    },
  );
});

const missing = engineMissing();

describe.skipIf(missing !== undefined)('formats of ClickHouse', () => {
  const engine = useMigratedEngine(temporaryFolder());
  let expected: Record<string, unknown>[];

  beforeAll(() => {
    const reasons = ['', '', 'small', 'beside'];
    expected = json.rows.map(({ pupil_name: _, ...row }, at) => {
      const hidden = Object.entries(row).map(([name, cell]): [string, unknown] => [
        name,
        cell === '‹10' || cell === '…' ? null : cell,
      ]);
      return { ...Object.fromEntries(hidden), hidden: reasons[at] };
    });
  });

  it.each(['arrow', 'parquet'] as const)(
    '%s gives the cells of JSON with types, hidden ones as null, and no name of a pupil',
    async (format) => {
      const { body } = await encode(answer, { format, language: 'ru', client: engine.client });
      const rows = format === 'arrow' ? readArrow(body) : await readParquet(body);
      expect(rows.map(plain)).toEqual(expected);
      expect(Buffer.from(body).includes('Ёлкина')).toBe(false);
      const none = await encode({ ...answer, rows: [] }, { format, language: 'ru', client: engine.client });
      expect(format === 'arrow' ? readArrow(none.body) : await readParquet(none.body)).toEqual([]);
    },
  );

  it('leaves nothing behind, and cannot write', async () => {
    await encode(answer, { format: 'arrow', language: 'ru', client: engine.client });
    expect(await engine.ask(`SELECT name FROM system.tables WHERE name = 'answer'`)).toEqual([]);
  });
});

function file(format: Format, language: Language) {
  return encode(answer, { format, language, client: undefined as never });
}

/** A workbook's moments are fractions of days. */
function toSecond(cell: unknown): unknown {
  return cell instanceof Date ? new Date(Math.round(cell.getTime() / 1_000) * 1_000) : cell;
}

/** Cells of the libraries as JSON has them. */
function plain(row: Record<string, unknown>): Record<string, unknown> {
  const iso = (value: unknown) => new Date(value as number | Date).toISOString();
  return Object.fromEntries(
    Object.entries(row).map(([name, cell]) => {
      if (cell === null) return [name, null];
      if (name === 'at') return [name, iso(cell)];
      if (name === 'school_day') return [name, iso(cell).slice(0, 10)];
      return [name, typeof cell === 'bigint' ? Number(cell) : cell];
    }),
  );
}
