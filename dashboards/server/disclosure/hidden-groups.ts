import { disclosureLimits } from './limits.ts';

/** Why a group is not told: it is under ten, or it is hidden so that such a group cannot be found by subtraction. */
export type Reason = 'small' | 'beside';

/** Pupils by class. */
export type Roster = ReadonlyMap<number, number>;
/** By school and day, `YYYY-MM-DD`. */
export type Rosters = ReadonlyMap<number, ReadonlyMap<string, Roster>>;

/** What is not told of a district, for some days together. What is not known by `rosters` is not told either. */
export interface HiddenGroups {
  readonly rosters: Rosters;
  /** The district has not the pupils or the schools to hide anything beside: nothing of it is told. */
  readonly isAll: boolean;
  readonly schools: ReadonlyMap<number, Reason>;
  /** By `classKey`; classes of a hidden school are not among them. */
  readonly classes: ReadonlyMap<string, Reason>;
}

export function classKey(schoolId: number, classId: number): string {
  return `${schoolId}:${classId}`;
}

export interface HidingOptions {
  /** False hides small groups alone, so that a test can see the subtraction that the second group prevents. */
  readonly hidesBeside?: boolean;
}

interface Choice {
  readonly hidden: ReadonlyMap<number, Reason>;
  /** Nothing is left to hide beside: whatever these groups make up is too small itself. */
  readonly isTooLittle: boolean;
}

/** Of groups that make up a sum (pupils by id) those that are hidden: the small ones, and the smallest others, ties by id. */
export function chooseHidden(sizes: Roster, { hidesBeside = true }: HidingOptions = {}): Choice {
  const { groupPupilsMin, groupsMin } = disclosureLimits;
  const ascending = [...sizes].sort(([a, pupilsA], [b, pupilsB]) => pupilsA - pupilsB || a - b);
  const hidden = new Map<number, Reason>();
  let together = 0;
  for (const [id, pupils] of ascending) {
    const isSmall = pupils < groupPupilsMin;
    const isEnough = hidden.size === 0 || (hidden.size >= groupsMin && together >= groupPupilsMin);
    if (!isSmall && (isEnough || !hidesBeside)) break;
    hidden.set(id, isSmall ? 'small' : 'beside');
    together += pupils;
  }
  const isTooLittle = hidden.size > 0 && (hidden.size < groupsMin || together < groupPupilsMin);
  return { hidden, isTooLittle: hidesBeside && isTooLittle };
}

/** Of one roster, which may be that of many days. */
interface Chosen {
  readonly pupils: number;
  readonly hidden: ReadonlyMap<number, Reason>;
}

/**
 * What is hidden on any day from `from` on (`YYYY-MM-DD`). A day without a roster of its own counts twice: as the nobody that
 * was expected, and with the school's last roster, because taps are told of it all the same.
 */
export function hiddenGroups(rosters: Rosters, from: string, options: HidingOptions = {}): HiddenGroups {
  const schools = new Map<number, Reason>();
  const classes = new Map<string, Reason>();
  let isAll = false;
  const chosen = new Map<Roster, Chosen>();
  const choiceOf = (roster: Roster): Chosen => {
    const known = chosen.get(roster) ?? { pupils: sum(roster), hidden: chooseHidden(roster, options).hidden };
    chosen.set(roster, known);
    return known;
  };
  const hide = (day: ReadonlyMap<number, Roster>) => {
    const sizes = new Map([...day].map(([schoolId, roster]) => [schoolId, choiceOf(roster).pupils]));
    const { hidden, isTooLittle } = chooseHidden(sizes, options);
    isAll ||= isTooLittle;
    for (const [id, reason] of hidden) add(schools, id, reason);
    for (const [schoolId, roster] of day) {
      for (const [id, reason] of choiceOf(roster).hidden) add(classes, classKey(schoolId, id), reason);
    }
  };
  const newest = new Map<number, Roster>();
  const days = new Set([from, ...[...rosters.values()].flatMap((of) => [...of.keys()])]);
  for (const day of [...days].sort()) {
    const own = new Map<number, Roster>();
    for (const [schoolId, of] of rosters) if (of.has(day)) own.set(schoolId, of.get(day)!);
    for (const [schoolId, roster] of own) newest.set(schoolId, roster);
    if (day < from) continue;
    hide(own);
    if (own.size < newest.size) hide(newest);
  }
  return { rosters, isAll, schools, classes };
}

/** A group that is small on one day and hidden beside on another is small. */
function add<K>(reasons: Map<K, Reason>, key: K, reason: Reason): void {
  if (reasons.get(key) !== 'small') reasons.set(key, reason);
}

function sum(roster: Roster): number {
  return [...roster.values()].reduce((total, pupils) => total + pupils, 0);
}
