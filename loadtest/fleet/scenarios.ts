import { usageError } from '../errors.ts';

/** How often things go wrong. Shares and rates in simulated time, unless a name says wall. */
export interface NoiseRates {
  readonly offlinePerHour: number;
  readonly offlineMinutes: number;
  readonly linkCutsPerDay: number;
  readonly linkCutMinutes: { readonly from: number; readonly to: number };
  readonly busesOffline: boolean;
  /** Mean wall time between two losses of a reader's connection; 0 for never. */
  readonly cutWallMsMean: number;
  /** Share of frames behind which the connection is cut at once. */
  readonly cutsInFlight: number;
  /** Share of acknowledged frames that are sent again. */
  readonly resends: number;
  readonly rebootsPerDay: number;
  /** Share of the clocks that are right to the millisecond; of the others, the shares that are off by so much. */
  readonly clocksRight: number;
  readonly driftWithin2s: number;
  readonly driftOver1min: number;
  /** Share of the readers that do not know the time at all. */
  readonly clocksUnset: number;
  /** Of what a reader decides offline, the share that it refuses. */
  readonly refusedOffline: number;
  /** Share of a till's sales for which the verdict comes too late: the till decides by itself, and tells so. */
  readonly lateVerdicts: number;
}

export interface Scenario {
  readonly about: string;
  readonly noise: NoiseRates;
  /** Each reader starts with so many taps made offline, and nothing else: 0 for the planned day. */
  readonly backlogTaps: number;
  /** The planned day is this many times as dense. */
  readonly density: number;
  /** A share of the schools loses its link at this part of the day, for so many minutes. */
  readonly outage: { readonly schools: number; readonly afterMinutes: number; readonly minutes: number } | null;
  /** The taps of one card go out in the order in which they were made, as far as their readers can be reached. */
  readonly ordered: boolean;
}

const usual: NoiseRates = {
  offlinePerHour: 0.01,
  offlineMinutes: 8,
  linkCutsPerDay: 0.02,
  linkCutMinutes: { from: 20, to: 240 },
  busesOffline: true,
  cutWallMsMean: 300_000,
  cutsInFlight: 0,
  resends: 0.005,
  rebootsPerDay: 0.005,
  clocksRight: 0,
  driftWithin2s: 0.8,
  driftOver1min: 0.05,
  clocksUnset: 0,
  refusedOffline: 0,
  lateVerdicts: 0,
};
const none: NoiseRates = {
  offlinePerHour: 0,
  offlineMinutes: 0,
  linkCutsPerDay: 0,
  linkCutMinutes: { from: 0, to: 0 },
  busesOffline: false,
  cutWallMsMean: 0,
  cutsInFlight: 0,
  resends: 0,
  rebootsPerDay: 0,
  clocksRight: 1,
  driftWithin2s: 1,
  driftOver1min: 0,
  clocksUnset: 0,
  refusedOffline: 0,
  lateVerdicts: 0,
};
/** So much goes wrong that every rule about it is met, and so little that most pupils notice nothing. */
const noisy: NoiseRates = {
  offlinePerHour: 0.03,
  offlineMinutes: 25,
  linkCutsPerDay: 0.2,
  linkCutMinutes: { from: 15, to: 40 },
  busesOffline: true,
  cutWallMsMean: 20_000,
  cutsInFlight: 0.01,
  resends: 0.1,
  rebootsPerDay: 0.5,
  clocksRight: 0.8,
  driftWithin2s: 0.3,
  driftOver1min: 0.3,
  clocksUnset: 0.08,
  refusedOffline: 0.15,
  lateVerdicts: 0.03,
};
const plain: Scenario = { about: '', noise: usual, backlogTaps: 0, density: 1, outage: null, ordered: false };

/** The one list of scenarios. */
export const scenarios: Readonly<Record<string, Scenario>> = {
  default: { ...plain, about: 'the planned day with the usual noise' },
  calm: { ...plain, about: 'the planned day as planned, to compare with the truth', noise: none, ordered: true },
  'noisy-day': {
    ...plain,
    about: 'everything goes wrong that readers promise to survive',
    noise: noisy,
    ordered: true,
  },
  'link-cut': {
    ...plain,
    about: 'half of the schools lose their link in the morning for 30 minutes and come back at once',
    outage: { schools: 0.5, afterMinutes: 60, minutes: 30 },
  },
  storm: { ...plain, about: 'every reader comes back at the same moment with 500 taps', noise: none, backlogTaps: 500 },
  'first-september': { ...plain, about: 'the day four times as dense, all at the door at once', density: 4 },
  'clock-chaos': {
    ...plain,
    about: 'most clocks are wrong by minutes',
    noise: { ...usual, driftWithin2s: 0.2, driftOver1min: 0.6, rebootsPerDay: 0.1 },
  },
};

export function scenarioByName(name: string): Scenario {
  if (Object.hasOwn(scenarios, name)) return scenarios[name];
  const known = Object.keys(scenarios).join(', ');
  throw usageError('SCENARIO_UNKNOWN', `there is no scenario "${name}"`, `Use one of ${known}`);
}
