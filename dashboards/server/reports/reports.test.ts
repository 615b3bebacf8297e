import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { useMigratedEngine } from '../../../analytics/clickhouse/migrated-engine.suite.ts';
import { engineMissing, temporaryFolder } from '../../../analytics/clickhouse/testing.suite.ts';
import { AnswerDesk } from '../answer/desk.ts';
import { caller, dayTexts, insertDistrict, nowMs, ofDistrict, registry } from '../disclosure/small-district.suite.ts';
import { isHidden } from '../disclosure/hide.ts';
import { findQuery } from '../../../analytics/queries/catalogue.ts';
import { readCsv, readXlsx } from '../formats/outsider.suite.ts';
import type { Caller } from '../types.ts';
import { buildReport } from './build.ts';
import { reportNames, reports, type ReportName } from './definitions.ts';
import { encodeReport } from './encode.ts';

const missing = engineMissing();
const days = { from: dayTexts[0], to: dayTexts[4] };
/** Text of a PDF, as poppler reads it. */
const pages = (pdf: Uint8Array): string =>
  execFileSync('pdftotext', ['-layout', '-', '-'], { input: pdf, encoding: 'utf8' });
/** The right edge of the right-most word of all pages, in points. */
const rightEdge = (pdf: Uint8Array): number => {
  const boxes = execFileSync('pdftotext', ['-bbox', '-', '-'], { input: pdf, encoding: 'utf8' });
  return Math.max(...[...boxes.matchAll(/xMax="([\d.]+)"/g)].map(([, edge]) => Number(edge)));
};
const a4WidthPt = 595.28;
const hasPoppler = spawnSync('pdftotext', ['-v']).error === undefined;

describe.skipIf(missing !== undefined)('reports', () => {
  const { folder, remove } = temporaryFolder();
  const engine = useMigratedEngine({ folder, remove });
  let desk: AnswerDesk;
  const build = (name: ReportName, who: Caller, said: Record<string, string> = {}) =>
    buildReport({ desk, registry }, name, who, { ...days, ...said });

  beforeAll(async () => {
    await insertDistrict(engine, { seed: 1 });
    const service = { ask: () => Promise.resolve([]) };
    desk = new AnswerDesk({ client: () => engine.client, registry, service, now: () => nowMs });
  });

  it('print columns that their queries have', () => {
    for (const { sections } of Object.values(reports)) {
      for (const { query, columns, sums = [], chart, share } of sections) {
        const known = Object.entries(findQuery(query)!.columns).flatMap(([name, { names }]) => {
          return names === undefined ? [name] : [name, name.replace(/_id$/, '_name')];
        });
        expect(known).toEqual(expect.arrayContaining([...columns]));
        const used = [...sums, ...(chart === undefined ? [] : [chart.by, chart.column])];
        if (share !== undefined) used.push(share.column, share.part, share.whole);
        expect(columns).toEqual(expect.arrayContaining(used));
      }
    }
  });

  it.each(reportNames)('%s: rows are those of the named queries, sums are of the rows', async (name) => {
    const report = await build(name, caller('admin'), { district: '1' });
    expect(report.scope).toMatchObject({ district: expect.any(String) as string, school: null, class: null });
    expect(report.tables.length).toBeGreaterThan(1);
    for (const { section, answer, total } of report.tables) {
      const query = findQuery(section.query)!;
      const said = { ...days, district: '1', ...section.said };
      const whole = await desk.answer(await desk.prepare(query, caller('admin'), said));
      const at = section.columns.map((column) => Object.keys(whole.columns).indexOf(column));
      expect(answer.rows).toEqual(whole.rows.map((row) => at.map((place) => row[place])));
      expect(answer.rows.length).toBeGreaterThan(0);
      for (const column of total === null ? [] : (section.sums ?? [])) {
        const place = section.columns.indexOf(column);
        expect(total![place]).toBe(answer.rows.reduce((sum, row) => sum + (row[place] as number), 0));
      }
    }
  });

  it('tells a district no small group, and no sum of what is hidden', async () => {
    const hasHidden = [];
    for (const name of reportNames) {
      for (const said of [{}, { school: '1' }, { class: '11' }, { school: '3' }]) {
        if ('class' in said && name !== 'attendance') continue;
        for (const { answer, total, section } of (await build(name, ofDistrict, said)).tables) {
          const hidden = answer.rows.some((row) => row.some(isHidden));
          if (hidden) expect(total).toBeNull();
          if (hidden) hasHidden.push(section.query);
        }
      }
    }
    expect(hasHidden).toContain('attendance_by_class');
    expect(hasHidden).toContain('attendance_by_school');
    const { head } = await build('attendance', ofDistrict, { school: '1' });
    expect(head.hiddenGroups).toBeGreaterThan(0);
  });

  it('name the district of a school, and a line of people adds up', async () => {
    const { scope, tables } = await build('attendance', caller('admin'), { school: '2' });
    expect(scope).toMatchObject({ district: expect.any(String) as string, school: 'Школа № 2', class: null });
    const { columns, rows } = tables[0].answer;
    const cell = (row: (typeof rows)[number], name: string) => Number(row[Object.keys(columns).indexOf(name)]);
    const parts = ['arrived', 'out_only', 'no_tap_covered', 'no_tap_uncovered'];
    for (const row of rows) {
      expect(parts.reduce((sum, name) => sum + cell(row, name), 0)).toBe(cell(row, 'expected'));
    }
  });

  it('say no share of all where the gates were silent', async () => {
    const silent = { ...desk, prepare: desk.prepare.bind(desk), answer: answerSilent } as unknown as AnswerDesk;
    async function answerSilent(...asked: Parameters<AnswerDesk['answer']>) {
      const answer = await desk.answer(...asked);
      return { ...answer, head: { ...answer.head, coveragePct: 94.9 } };
    }
    const share = (of: Awaited<ReturnType<typeof build>>) =>
      of.tables[0].total![of.tables[0].section.columns.indexOf('pct')];
    expect(share(await build('attendance', caller('admin')))).toBeGreaterThan(0);
    const dark = await buildReport({ desk: silent, registry }, 'attendance', caller('admin'), days);
    expect(share(dark)).toBeNull();
    for (const { sections } of Object.values(reports)) {
      for (const { title, sheet = title } of sections) expect(sheet.ru.length).toBeLessThanOrEqual(31);
    }
  });

  it('are CSV and XLSX with filters, data as of and coverage above', async () => {
    const report = await build('attendance', caller('admin'), { school: '2' });
    const csv = readCsv((await encodeReport(report, { format: 'csv', language: 'ru', table: 2 })).body, 'ru');
    expect(csv.header).toEqual(expect.arrayContaining(['Класс', 'Ожидалось', 'Пришло']));
    expect(csv.rows).toHaveLength(report.tables[1].answer.rows.length);
    const labels = csv.head.map(([label]) => label);
    expect(labels).toEqual(
      expect.arrayContaining(['# Посещаемость', '# Период', '# Школа', '# Данные на', '# Покрытие', '# Версия правил']),
    );
    expect(csv.head.find(([label]) => label === '# Школа')![1]).toBe('Школа № 2');
    const xlsx = await encodeReport(report, { format: 'xlsx', language: 'en', table: 1 });
    const first = await readXlsx(xlsx.body);
    expect(first.rows).toHaveLength(report.tables[0].answer.rows.length);
    expect(xlsx.fileName).toBe(`attendance_${days.from}_${days.to}.xlsx`);
    await expect(encodeReport(report, { format: 'csv', language: 'ru', table: 9 })).rejects.toMatchObject({
      code: 'PARAMETER_INVALID',
    });
  });

  it.skipIf(!hasPoppler)(
    `are pages in both languages${hasPoppler ? '' : ' (skipped: poppler-utils is not installed)'}`,
    async () => {
      const saved = process.env.TAPLINE_REPORTS_TO;
      for (const [name, who, said] of [
        ['attendance', caller('admin'), { district: '1' }],
        ['attendance', ofDistrict, { school: '1' }],
        ['spending', caller('admin'), {}],
        ['entitlements', caller('admin'), { school: '2' }],
      ] as const) {
        const report = await build(name, who, said);
        for (const language of ['ru', 'en'] as const) {
          const { body } = await encodeReport(report, { format: 'pdf', language, table: 1 });
          const text = pages(body);
          expect(text).toContain(reports[name].title[language]);
          expect(rightEdge(body), 'nothing stands in the margin').toBeLessThan(a4WidthPt - 39);
          for (const { section } of report.tables) expect(text).toContain(section.title[language]);
          expect(text).toContain(language === 'ru' ? 'Данные на' : 'Data as of');
          expect(text.includes('‹10')).toBe(who === ofDistrict);
          if (saved === undefined) continue;
          mkdirSync(saved, { recursive: true });
          writeFileSync(path.join(saved, `${name}-${who.role}-${language}.pdf`), body);
        }
      }
    },
  );
});
