import type { Row } from '../../../analytics/queries/columns.ts';
import type { NamedQuery } from '../../../analytics/queries/define.ts';
import type { ShownCell } from '../types.ts';
import { classKey, type HiddenGroups, type Reason } from './hidden-groups.ts';
import { disclosureLimits } from './limits.ts';
import { policyOf, type Policy } from './policy.ts';

/** What was asked for, as far as it says whose figures an answer has. Days are of the question, without what it looks back to. */
export interface AskedGroups {
  readonly schools: readonly number[];
  readonly classId: number | undefined;
  readonly readerId: number | undefined;
  readonly from: string;
  readonly to: string;
}

export interface Hidden {
  readonly rows: readonly (readonly ShownCell[])[];
  /** Groups or rows that are not told; depends on rosters only where groups are. */
  readonly hiddenGroups: number;
}

const cell = (hidden: Reason): ShownCell => ({ hidden });

/**
 * Why nothing at all may be told of what was asked for, before it is asked; undefined where something may. An answer may only
 * be about groups none of which is a part of what is hidden together.
 */
export function suppression(query: NamedQuery, asked: AskedGroups, groups: HiddenGroups): Reason | undefined {
  if (policyOf(query) === undefined || asked.schools.length === 0) return undefined;
  if (groups.isAll) return 'small';
  const school = ofSchools(asked.schools, groups);
  if (school !== undefined || asked.classId === undefined) return school;
  const [schoolId] = asked.schools;
  const isKnown = [...(groups.rosters.get(schoolId)?.values() ?? [])].some((roster) => roster.has(asked.classId!));
  return isKnown ? groups.classes.get(classKey(schoolId, asked.classId)) : 'small';
}

/** Several schools are told when what is hidden is among them whole, or not at all; one school also has to be known. */
function ofSchools(asked: readonly number[], groups: HiddenGroups): Reason | undefined {
  if (asked.length === 1 && !groups.rosters.has(asked[0])) return 'small';
  const among = asked.filter((id) => groups.schools.has(id));
  if (among.length === 0 || among.length === groups.schools.size) return undefined;
  return among.some((id) => groups.schools.get(id) === 'small') ? 'small' : 'beside';
}

/** The whole answer where nothing may be told: one row, the same whatever the figures are. */
export function nothingTold(query: NamedQuery, reason: Reason): Hidden {
  return { rows: [Object.keys(query.columns).map(() => cell(reason))], hiddenGroups: 1 };
}

export interface Widened {
  readonly schools: readonly number[];
  readonly parameters: Readonly<Record<string, unknown>>;
}

/**
 * What is asked in place of the question, so that no filter changes what is hidden beside what: rows with a size are asked
 * of all the district's `schools` and readers, and all of them where only some are wanted. Hidden schools are not asked for
 * single readers at all.
 */
export function widen(query: NamedQuery, question: Widened, groups: HiddenGroups, all: readonly number[]): Widened {
  const policy = policyOf(query);
  if (policy === undefined) return question;
  const isWidened = policy.size !== undefined && policy.school !== undefined;
  const dropped = isWidened && 'reader_id' in query.columns ? ['limit', 'reader'] : ['limit'];
  const kept = Object.entries(question.parameters).filter(([name]) => !dropped.includes(name));
  const schools = isWidened ? all : question.schools;
  const told = policy.isByReader ? schools.filter((id) => isTold(groups, id)) : schools;
  return { schools: told, parameters: Object.fromEntries(kept) };
}

function isTold(groups: HiddenGroups, schoolId: number): boolean {
  return groups.rosters.has(schoolId) && !groups.schools.has(schoolId);
}

/**
 * The one step between rows and every format, for those who see groups only. What is hidden is told by rows that depend on
 * the rosters alone, behind the others: neither that a row is there nor its place says anything of its figures.
 */
export function hideSmallGroups(
  query: NamedQuery,
  rows: readonly Row[],
  asked: AskedGroups,
  groups: HiddenGroups,
): Hidden {
  const policy = policyOf(query);
  if (policy === undefined) return { rows, hiddenGroups: 0 };
  const names = Object.keys(query.columns);
  const told = hideGroups(policy, names, rows, asked, groups);
  const schoolAt = policy.school === undefined ? -1 : names.indexOf(policy.school);
  const readerAt = names.indexOf('reader_id');
  const isAskedFor = (row: readonly ShownCell[]) =>
    (schoolAt < 0 || asked.schools.includes(row[schoolAt] as number)) &&
    (readerAt < 0 || asked.readerId === undefined || asked.readerId === row[readerAt]);
  const events = hideEvents(policy, names, told.rows).filter(isAskedFor);
  const hiddenEvents = events.filter((row) => row.some(isHidden)).length;
  return { rows: [...events, ...told.hidden], hiddenGroups: told.count + hiddenEvents };
}

interface Told {
  readonly rows: readonly Row[];
  readonly hidden: readonly (readonly ShownCell[])[];
  readonly count: number;
}

function hideGroups(
  policy: Policy,
  names: readonly string[],
  rows: readonly Row[],
  asked: AskedGroups,
  groups: HiddenGroups,
): Told {
  if (policy.school === undefined) return { rows, hidden: [], count: 0 };
  const schoolAt = names.indexOf(policy.school);
  const classAt = policy.class === undefined ? -1 : names.indexOf(policy.class);
  const told = rows.filter((row) => {
    const schoolId = row[schoolAt] as number;
    if (!isTold(groups, schoolId)) return false;
    return classAt < 0 || isToldClass(groups, schoolId, row[classAt] as number);
  });
  const hidden = hiddenKeys(policy, asked, groups);
  const keyed = hidden.map(({ reason, ...key }) =>
    names.map((name) => {
      if (name === policy.school) return key.schoolId;
      if (name === policy.class) return key.classId;
      return name === policy.day ? key.day : cell(reason);
    }),
  );
  const count = new Set(hidden.map(({ schoolId, classId }) => classKey(schoolId, classId))).size;
  return { rows: told, hidden: keyed, count };
}

function isToldClass(groups: HiddenGroups, schoolId: number, classId: number): boolean {
  if (groups.classes.has(classKey(schoolId, classId))) return false;
  return [...groups.rosters.get(schoolId)!.values()].some((roster) => roster.has(classId));
}

interface HiddenKey {
  readonly schoolId: number;
  /** 0 for the whole school. */
  readonly classId: number;
  /** Empty where rows have no day. */
  readonly day: string;
  readonly reason: Reason;
}

/** The groups that are hidden of what was asked for, once for each day that they were on a roster. */
function hiddenKeys(
  policy: Policy,
  { schools, classId: only, from, to }: AskedGroups,
  groups: HiddenGroups,
): HiddenKey[] {
  const keys = new Map<string, HiddenKey>();
  for (const schoolId of [...schools].sort((a, b) => a - b)) {
    const ofSchool = groups.schools.get(schoolId);
    for (const [rosterDay, roster] of groups.rosters.get(schoolId) ?? []) {
      if (rosterDay < from || rosterDay > to) continue;
      for (const classId of policy.class === undefined ? [0] : [...roster.keys()].sort((a, b) => a - b)) {
        const reason = ofSchool ?? groups.classes.get(classKey(schoolId, classId));
        if (reason === undefined || (only !== undefined && only !== classId)) continue;
        const day = policy.day === undefined ? '' : rosterDay;
        keys.set(`${schoolId}:${classId}:${day}`, { schoolId, classId, day, reason });
      }
    }
  }
  return [...keys.values()];
}

/** Rows of what pupils did: those of fewer than ten pupils, and the smallest others of the same sum until ten are hidden. */
function hideEvents(policy: Policy, names: readonly string[], rows: readonly Row[]): Hidden['rows'] {
  if (policy.size === undefined) return rows;
  const sizeAt = names.indexOf(policy.size);
  const within = (policy.within ?? []).map((name) => names.indexOf(name));
  const sums = new Map<string, Row[]>();
  for (const row of rows) {
    // Where no sum is told there is nothing to subtract from: each row is for itself.
    const key = policy.within === undefined ? String(sums.size) : JSON.stringify(within.map((at) => row[at]));
    sums.set(key, [...(sums.get(key) ?? []), row]);
  }
  const reasons = new Map<Row, Reason>();
  for (const of of sums.values()) {
    for (const [row, reason] of smallEvents(of, sizeAt, policy.within)) reasons.set(row, reason);
  }
  const hidden = [...reasons].map(([row, reason]) =>
    names.map((name, at) => (policy.measures.includes(name) ? cell(reason) : row[at])),
  );
  return [...rows.filter((row) => !reasons.has(row)), ...hidden.sort(byKeys)];
}

function smallEvents(rows: readonly Row[], sizeAt: number, within: Policy['within']): Map<Row, Reason> {
  const { groupPupilsMin, groupsMin } = disclosureLimits;
  const size = (row: Row) => (row[sizeAt] ?? 1) as number;
  const reasons = new Map<Row, Reason>();
  let together = 0;
  // Nobody is no company to hide in: a row of nobody stays as it is.
  for (const row of rows.filter((of) => size(of) > 0).sort((a, b) => size(a) - size(b))) {
    const isSmall = size(row) < groupPupilsMin;
    const isEnough =
      within === undefined || reasons.size === 0 || (reasons.size >= groupsMin && together >= groupPupilsMin);
    if (!isSmall && isEnough) break;
    reasons.set(row, isSmall ? 'small' : 'beside');
    together += size(row);
  }
  return reasons;
}

function byKeys(a: readonly ShownCell[], b: readonly ShownCell[]): number {
  const text = (row: readonly ShownCell[]) => JSON.stringify(row.map((of) => (isHidden(of) ? null : of)));
  return text(a) < text(b) ? -1 : 1;
}

export function isHidden(of: ShownCell): of is { readonly hidden: Reason } {
  return typeof of === 'object' && of !== null;
}
