import { createReadStream, existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { OperatorError, usageError } from '../errors.ts';
import type { RegionSummary } from '../region/generate.ts';
import type { PlannedTap, ReaderPlan } from '../region/model.ts';

/** Reads a JSON file that a region must have. */
export function readRegionFile(directory: string, name: string): unknown {
  const path = join(directory, name);
  if (!existsSync(path)) {
    throw usageError('REGION_MISSING', `${path} does not exist`, 'Make a region first: region --out DIR');
  }
  return JSON.parse(readFileSync(path, 'utf8'));
}

/** The private keys of a region's readers, as hex, by reader id. */
export function readKeys(directory: string): Map<number, string> {
  const rows = readRegionFile(directory, 'reader-keys.json') as { reader_id: number; private_key: string }[];
  return new Map(rows.map((row) => [row.reader_id, row.private_key]));
}

export interface LoadedDay {
  readonly summary: RegionSummary;
  readonly day: string;
  readonly plans: readonly ReaderPlan[];
}

/** Loads the plans of one day for `readers` of its readers, spread over the region; null for all. */
export async function loadDay(directory: string, day: string | null, readers: number | null): Promise<LoadedDay> {
  const summary = readRegionFile(directory, 'region.json') as RegionSummary;
  const chosen = day ?? summary.days[0];
  if (!summary.days.includes(chosen)) {
    throw usageError('DAY_MISSING', `the region has no plan of ${chosen}`, `It has ${summary.days.join(', ')}`);
  }
  const wanted = Math.min(readers ?? summary.readers, summary.readers);
  const plans: ReaderPlan[] = [];
  let line = 0;
  const input = createReadStream(join(directory, 'plan', `${chosen}.ndjson`));
  for await (const text of createInterface({ input, crlfDelay: Infinity })) {
    const picked = Math.floor(((line + 1) * wanted) / summary.readers) > Math.floor((line * wanted) / summary.readers);
    line++;
    if (picked) plans.push(JSON.parse(text) as ReaderPlan);
  }
  if (line !== summary.readers) {
    throw new OperatorError('PLAN_DAMAGED', `the plan of ${chosen} has ${line} readers`, 'Make the region anew');
  }
  return { summary, day: chosen, plans };
}

/** Makes a day denser around its beginning. */
export function denser(taps: readonly PlannedTap[], fromMs: number, density: number): PlannedTap[] {
  return taps.map(([atMs, ...rest]) => [Math.round(fromMs + (atMs - fromMs) / density), ...rest]);
}

const dayMs = 86_400_000;
const stepMs = 3_000;

/**
 * `count` taps that a reader made while it was away: its plan of the day, with the days before filled up from the same
 * plan; a reader without a plan takes the cards of others.
 */
export function backlog(plan: ReaderPlan, count: number, spare: readonly PlannedTap[]): PlannedTap[] {
  const source = plan.taps.length > 0 ? plan.taps : spare.map((tap, place) => fromSpare(tap, spare[0][0], place));
  if (source.length === 0) return [];
  const rounds = Math.ceil(count / source.length);
  const taps: PlannedTap[] = [];
  for (let round = rounds - 1; round >= 0; round--) {
    for (const [atMs, ...rest] of source) taps.push([atMs - round * dayMs, ...rest]);
  }
  return taps.slice(-count);
}

function fromSpare([, uid]: PlannedTap, startMs: number, place: number): PlannedTap {
  return [startMs + place * stepMs, uid, 1, 0, 0];
}
