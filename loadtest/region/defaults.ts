/**
 * How a school day goes, as shares, minutes, rubles and seconds. The figures are those of `analytics.md` of the contract;
 * the ones marked "assumed" have no source there.
 */
export const defaults = {
  firstBells: [8 * 60, 8 * 60 + 30],
  secondShiftBells: [13 * 60 + 30, 14 * 60],
  secondShiftSchools: 0.15,
  secondShiftGrades: [2, 3, 6, 7],
  doorsBeforeBellMinutes: 90,
  lessonMinutes: 45,
  breakMinutes: [10, 20, 20, 20, 10, 10],
  /** Lessons a day by grade, grade 1 first (assumed). */
  lessonsByGrade: [4, 4, 5, 5, 6, 6, 6, 6, 7, 7, 7],

  pupilsPerClass: 24.5,
  pupilsPerTurnstile: 500,
  turnstileSeconds: 60 / 25,
  pupilsPerTill: 300,
  tillSeconds: 6,
  ridersPerBus: 45,
  boardingSeconds: 2,

  arrivalUsual: 0.85,
  arrivalUsualMinutes: { mean: -14, deviation: 7 },
  arrivalEarly: 0.12,
  arrivalEarlyMinutes: { from: -60, to: -30 },
  /** The remaining 3 % are late (spread assumed). */
  arrivalLateMinutes: { from: 1, to: 40 },
  cardForgotten: 0.03,
  /** Of who stays away, the share that is excused; of who comes, those that were excused all the same (assumed). */
  absenceExcused: 0.45,
  presenceExcused: 0.003,
  leavesEarly: 0.02,
  leavesWithoutTap: 0.04,
  leavingMinutesMean: 9,

  oneMeal: 0.54,
  twoMeals: 0.26,
  breakfastRubles: { from: 77, to: 84 },
  lunchRubles: { from: 86, to: 93 },
  entitledGradeMax: 4,
  entitledAbove: 0.22,
  buffetShare: 0.25,
  buffetRublesMedian: 85,
  buffetSpread: 0.45,
  buffetRubles: { from: 15, to: 250 },
  busShare: 0.2,
  fareRubles: 28,
  lockerShare: 0.15,
  /** Pupils with a locker whose reservation is missing, or over (assumed). */
  lockersNotReserved: 0.03,
  lockersExpired: 0.04,

  bounces: 0.03,
  unknownCards: 0.002,
  cardsBlocked: 0.003,
  cardsExpired: 0.003,
  /** What people and tills do beside the rules, as shares of the taps concerned (assumed). */
  triesForSecondMeal: 0.01,
  triesBeforeWindow: 0.004,
  oldPrices: 0.005,
  pricesLeftToList: 0.05,
  enteredByHand: 0.005,
  passbacks: 0.005,
  visitsToNeighbour: 0.015,
  ridesWithChange: 0.1,
  ridesOnTrust: 0.9,
  /** Pupils whose purses hold next to nothing, and those whose purses run out under way (assumed). */
  pursesEmpty: 0.02,
  pursesShort: 0.03,
  /** Lengths of UIDs in bytes, with their shares (assumed). */
  uidBytes: [
    { bytes: 4, share: 0.7 },
    { bytes: 7, share: 0.28 },
    { bytes: 10, share: 0.02 },
  ],
} as const;

/** Seconds within which the same card at the same reader is the same tap, and how late a planned second tap comes. */
export const bounceSeconds = {
  gate: { window: 5, from: 0.8, to: 4.2 },
  till: { window: 10, from: 1, to: 8.5 },
  locker: { window: 2, from: 0.5, to: 1.6 },
  fare: { window: 600, from: 1, to: 540 },
} as const;

export const sizes = {
  small: { districts: 2, schools: 3, pupils: 1_380 },
  medium: { districts: 8, schools: 46, pupils: 21_000 },
  large: { districts: 40, schools: 400, pupils: 400_000 },
} as const;
export type RegionSize = keyof typeof sizes;

/** Zones of the districts, by turns: one region rarely spans more. */
export const zones = ['Europe/Moscow', 'Asia/Yekaterinburg', 'Europe/Moscow', 'Europe/Samara'] as const;
