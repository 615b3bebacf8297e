import { findQuery } from '../../../analytics/queries/catalogue.ts';
import type { Columns } from '../../../analytics/queries/columns.ts';
import type { AnswerDesk, Prepared } from '../answer/desk.ts';
import { isHidden } from '../disclosure/hide.ts';
import type { Answer, AnswerHead, Caller, RegistryView, ShownCell } from '../types.ts';
import { reports, type ReportName, type Section } from './definitions.ts';

/** A section's table: the answer with the printed columns alone, and the sums below it. */
export interface ReportTable {
  readonly section: Section;
  readonly answer: Answer;
  /** Null where a cell is hidden, so that no sum tells it, or where there is nothing to sum. */
  readonly total: readonly ShownCell[] | null;
}

/** What the figures are of, by name: null for all that the caller may see. */
export interface ReportScope {
  readonly district: string | null;
  readonly school: string | null;
  readonly class: string | null;
}

export interface Report {
  readonly name: ReportName;
  readonly scope: ReportScope;
  readonly head: AnswerHead;
  readonly tables: readonly [ReportTable, ...ReportTable[]];
}

interface Sources {
  readonly desk: AnswerDesk;
  readonly registry: RegistryView;
}

/**
 * Asks everything that a report has, as its caller may see it: each table goes the way of its named query, small groups
 * hidden. Throws what the desk throws.
 */
export async function buildReport(
  { desk, registry }: Sources,
  name: ReportName,
  caller: Caller,
  said: Readonly<Record<string, string>>,
): Promise<Report> {
  const [first, ...others] = reports[name].sections;
  const prepared = await prepare(desk, first, caller, said);
  const of = whatOf(prepared);
  const table = await tableOf(desk, first, prepared);
  const rest: ReportTable[] = [];
  for (const section of others) {
    if (!section.of.includes(of)) continue;
    rest.push(await tableOf(desk, section, await prepare(desk, section, caller, said)));
  }
  const tables: Report['tables'] = [table, ...rest];
  const hiddenGroups = Math.max(...tables.map(({ answer }) => answer.head.hiddenGroups));
  return { name, scope: await scopeOf(registry, prepared), head: { ...table.answer.head, hiddenGroups }, tables };
}

function prepare(desk: AnswerDesk, section: Section, caller: Caller, said: Readonly<Record<string, string>>) {
  const query = findQuery(section.query);
  if (query === undefined) throw new Error(`no named query ${section.query}`);
  return desk.prepare(query, caller, { ...said, ...section.said });
}

function whatOf({ schools, parameters }: Prepared): Section['of'][number] {
  if (parameters.class !== undefined) return 'class';
  return schools.length === 1 ? 'school' : 'schools';
}

async function tableOf(desk: AnswerDesk, section: Section, prepared: Prepared): Promise<ReportTable> {
  const whole = await desk.answer(prepared);
  const names = Object.keys(whole.columns);
  const places = section.columns.map((name) => names.indexOf(name));
  const columns: Columns = Object.fromEntries(section.columns.map((name) => [name, whole.columns[name]]));
  const rows = whole.rows.map((row) => places.map((place) => row[place]));
  return { section, answer: { ...whole, columns, rows }, total: totalOf(section, rows, whole.head) };
}

/** Below this the gates were silent for so long that a share of all would say who was not seen, and not who was not there. */
export const coverageMinPct = 95;

/** Sums of the rows that are shown; of hidden cells nothing is summed at all. */
function totalOf(section: Section, rows: Answer['rows'], { coveragePct }: AnswerHead): readonly ShownCell[] | null {
  const { columns, sums = [], share } = section;
  if (sums.length === 0 || rows.length < 2 || rows.some((row) => row.some(isHidden))) return null;
  const sumOf = (name: string): number => {
    const place = columns.indexOf(name);
    return rows.reduce((sum, row) => sum + Number(row[place]), 0);
  };
  return columns.map((name) => {
    if (sums.includes(name)) return sumOf(name);
    if (name !== share?.column) return null;
    const whole = sumOf(share.whole);
    const isCovered = coveragePct === null || coveragePct >= coverageMinPct;
    return whole === 0 || !isCovered ? null : Math.round((10_000 * sumOf(share.part)) / whole) / 100;
  });
}

async function scopeOf(registry: RegistryView, { entries, told, parameters, caller }: Prepared): Promise<ReportScope> {
  const classId = parameters.class as number | undefined;
  const isOneSchool = entries.length === 1 && (told.school ?? classId ?? caller.schoolId ?? null) !== null;
  const districts = new Set(entries.map(({ districtId }) => districtId));
  const isOneDistrict = districts.size === 1 && (isOneSchool || told.district !== undefined || caller.role !== 'admin');
  const district = isOneDistrict
    ? (await registry.districts()).find(({ districtId }) => districts.has(districtId))
    : undefined;
  const names = classId === undefined ? undefined : await registry.classNames([classId]);
  return {
    district: district?.name ?? null,
    school: isOneSchool ? entries[0].name : null,
    class: (classId === undefined ? undefined : names?.get(classId)) ?? null,
  };
}
