import type { Cell, Columns } from '../../analytics/queries/columns.ts';

/** Who may see what: `admin` the whole region, the others their district, school, class, canteen or readers. */
export const dashboardRoles = ['admin', 'district', 'school', 'class', 'canteen', 'operator'] as const;
export type DashboardRole = (typeof dashboardRoles)[number];

/** Who asks. A scope that is null is not bound by it; `class` has its school as well. */
export interface Caller {
  readonly name: string;
  readonly role: DashboardRole;
  readonly districtId: number | null;
  readonly schoolId: number | null;
  readonly classId: number | null;
}

export const languages = ['ru', 'en'] as const;
export type Language = (typeof languages)[number];

/** A cell that is not told: of a group under ten, or hidden so that such a group cannot be found by subtraction. */
export type HiddenCell = { readonly hidden: 'small' | 'beside' };
export type ShownCell = Cell | HiddenCell;

/** What a file or a page says above its figures. */
export interface AnswerHead {
  readonly query: string;
  /** As they were asked for, defaults filled in. */
  readonly parameters: Readonly<Record<string, string | number>>;
  /** ISO 8601; null where nothing of it is derived yet. */
  readonly asOf: string | null;
  /** Changes when the figures do. */
  readonly revision: string;
  readonly coveragePct: number | null;
  readonly rulesVersion: number;
  /** IANA zone of the schools; null where they have several. */
  readonly timeZone: string | null;
  /** Groups whose figures are not told. */
  readonly hiddenGroups: number;
}

/** An answer, ready for any format: what its caller may not see is not in it any more. */
export interface Answer {
  readonly head: AnswerHead;
  readonly columns: Columns;
  readonly rows: readonly (readonly ShownCell[])[];
}

/** A school as the registry has it. */
export interface SchoolEntry {
  readonly schoolId: number;
  readonly districtId: number;
  readonly name: string;
  readonly timeZone: string;
}

/** What the API needs of the registry; answered from memory or in a query or two. */
export interface RegistryView {
  districts(): Promise<readonly { readonly districtId: number; readonly name: string }[]>;
  schools(): Promise<readonly SchoolEntry[]>;
  classes(
    schoolId: number,
  ): Promise<readonly { readonly classId: number; readonly name: string; readonly shift: number }[]>;
  /** The school that a class belongs to; undefined for no such class. */
  classSchool(classId: number): Promise<number | undefined>;
  /** Names of classes by their ids. */
  classNames(ids: readonly number[]): Promise<ReadonlyMap<number, string>>;
  /** Names of pupils, for the one answer that was asked for: never for a log. */
  pupilNames(
    ids: readonly number[],
  ): Promise<ReadonlyMap<number, { readonly lastName: string; readonly firstName: string }>>;
  /** Where a pupil is now; undefined for none. */
  pupil(id: number): Promise<{ readonly classId: number; readonly schoolId: number } | undefined>;
  rulesVersion(): Promise<number>;
}

/** Answers of the queries that ClickHouse is not asked: by the name of the query; rows in the order of its columns. */
export interface ServiceAnswers {
  ask(
    query: string,
    asked: { readonly parameters: Readonly<Record<string, unknown>>; readonly schools: readonly number[] },
  ): Promise<readonly (readonly Cell[])[]>;
}
