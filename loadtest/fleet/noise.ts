import { Random } from '../region/random.ts';
import type { ReaderPlan } from '../region/model.ts';
import type { NoiseRates, Scenario } from './scenarios.ts';

/** A stretch of simulated time, in UTC milliseconds. */
export interface Interval {
  readonly fromMs: number;
  readonly toMs: number;
}

/** What goes wrong with one reader on one day. */
export interface ReaderNoise {
  readonly driftMs: number;
  /** The reader knows its clock to be worth nothing, and says so with every tap. */
  readonly isClockUnset: boolean;
  /** Without a connection; ascending, may overlap. */
  readonly offline: readonly Interval[];
  /** The reader starts anew as soon as its queue is empty after this time; Infinity for never. */
  readonly rebootAtMs: number;
  readonly cutWallMsMean: number;
  readonly cutsInFlight: number;
  readonly resends: number;
  readonly refusedOffline: number;
  readonly lateVerdicts: number;
  /** For whatever is drawn while the reader runs. */
  readonly random: Random;
  /** For what is drawn for each tap when it is made, so that it does not depend on the machine's speed. */
  readonly deeds: Random;
}

const hourMs = 3_600_000;
const minuteMs = 60_000;
/** A school day as the rates mean it. */
const dayHours = 12;

/** A clock that was never set begins with the epoch of its chip. */
const unsetDriftMs = -20 * 365 * 86_400_000;

function driftMs(random: Random, { clocksRight, driftWithin2s, driftOver1min }: NoiseRates): number {
  if (random.chance(clocksRight)) return 0;
  const sign = random.chance(0.5) ? 1 : -1;
  const draw = random.next();
  if (draw < driftWithin2s) return sign * random.integer(0, 2_000);
  if (draw < 1 - driftOver1min) return sign * random.integer(2_001, 60_000);
  return sign * random.integer(60_001, 600_000);
}

function outages(random: Random, rates: NoiseRates, day: Interval): Interval[] {
  const intervals: Interval[] = [];
  for (let fromMs = day.fromMs; fromMs < day.toMs; fromMs += hourMs) {
    if (!random.chance(rates.offlinePerHour)) continue;
    const startMs = fromMs + random.between(0, hourMs);
    intervals.push({ fromMs: startMs, toMs: startMs + rates.offlineMinutes * minuteMs });
  }
  return intervals;
}

/** The school's own link: the same for all of its readers. */
function linkCuts(seed: number, schoolId: number, scenario: Scenario, day: Interval): Interval[] {
  const random = new Random(seed, 'link', schoolId);
  const { linkCutsPerDay, linkCutMinutes } = scenario.noise;
  const cuts: Interval[] = [];
  const add = (fromMs: number, minutes: number): unknown => cuts.push({ fromMs, toMs: fromMs + minutes * minuteMs });
  if (random.chance(linkCutsPerDay)) {
    add(random.between(day.fromMs, day.toMs), random.between(linkCutMinutes.from, linkCutMinutes.to));
  }
  const { outage } = scenario;
  if (outage && random.chance(outage.schools)) add(day.fromMs + outage.afterMinutes * minuteMs, outage.minutes);
  return cuts;
}

/** A bus is in the depot before its first ride, between its two runs, and after its last. */
function busRuns({ taps }: ReaderPlan): Interval[] {
  if (taps.length === 0) return [];
  const times = taps.map(([atMs]) => atMs);
  const noonMs = (times[0] + times[times.length - 1]) / 2;
  const runs = [times.filter((atMs) => atMs < noonMs), times.filter((atMs) => atMs >= noonMs)];
  return runs
    .filter((run) => run.length > 0)
    .map((run) => ({ fromMs: run[0] - 5 * minuteMs, toMs: run[run.length - 1] + 10 * minuteMs }));
}

export function noiseOf(seed: number, plan: ReaderPlan, scenario: Scenario, day: Interval): ReaderNoise {
  const random = new Random(seed, 'noise', plan.reader_id);
  const rates = scenario.noise;
  const isClockUnset = random.chance(rates.clocksUnset);
  const drift = isClockUnset ? unsetDriftMs : driftMs(random, rates);
  const reboots = random.chance((rates.rebootsPerDay * (day.toMs - day.fromMs)) / (dayHours * hourMs));
  const offline = [
    ...outages(random, rates, day),
    ...linkCuts(seed, plan.school_id, scenario, day),
    ...(rates.busesOffline && plan.role === 'bus' ? busRuns(plan) : []),
  ].sort((a, b) => a.fromMs - b.fromMs);
  return {
    driftMs: drift,
    isClockUnset,
    offline,
    rebootAtMs: reboots ? random.between(day.fromMs, day.toMs) : Infinity,
    cutWallMsMean: rates.cutWallMsMean,
    cutsInFlight: rates.cutsInFlight,
    resends: rates.resends,
    refusedOffline: rates.refusedOffline,
    lateVerdicts: rates.lateVerdicts,
    random,
    deeds: new Random(seed, 'deeds', plan.reader_id),
  };
}

/** Nothing goes wrong. */
export function quiet(readerId: number): ReaderNoise {
  return {
    driftMs: 0,
    isClockUnset: false,
    offline: [],
    rebootAtMs: Infinity,
    cutWallMsMean: 0,
    cutsInFlight: 0,
    resends: 0,
    refusedOffline: 0,
    lateVerdicts: 0,
    random: new Random('quiet', readerId),
    deeds: new Random('quiet deeds', readerId),
  };
}
