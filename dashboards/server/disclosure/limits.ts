/** Bounds of what is told about groups. */
export const disclosureLimits = {
  /** Pupils of the smallest group that is told, and of the smallest sum of groups that can be found by subtraction. */
  groupPupilsMin: 10,
  /** Groups that are hidden together at least: of one alone the rest of its sum would tell. */
  groupsMin: 2,
  /** What is hidden of districts that is kept in memory, by their days and revision. */
  rostersMax: 64,
  /** Days of districts whose rosters are kept in memory: some fifty districts over a year. */
  rosterDaysMax: 20_000,
  /** The last roster before the days asked for is no part of their revision. */
  rostersAgeMs: 60_000,
} as const;
