/** Bounds of what is told about groups. */
export const disclosureLimits = {
  /** Pupils of the smallest group that is told, and of the smallest sum of groups that can be found by subtraction. */
  groupPupilsMin: 10,
  /** Groups that are hidden together at least: of one alone the rest of its sum would tell. */
  groupsMin: 2,
  /** Rosters of districts that are kept in memory, by their days and revision. */
  rostersMax: 64,
  /** The last roster before the days asked for is no part of their revision. */
  rostersAgeMs: 60_000,
} as const;
