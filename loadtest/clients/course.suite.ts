import { readFileSync } from 'node:fs';
import type { OraclePupil, OraclePurse, Verdict } from '../oracle/model.ts';
import { Oracle } from '../oracle/oracle.ts';
import type { PlannedTap } from '../region/model.ts';
import { plannedByKey, tapKey, type ReadRegion } from '../region/read-region.ts';
import { localDayMinute } from '../region/zones.ts';

/** One answered tap as a fleet's `--acks` tells it. */
export interface AckLine {
  readonly reader: number;
  readonly epoch: number;
  readonly seq: number;
  readonly n: number;
  readonly code: number;
  readonly order: number;
  readonly flags: number;
  readonly noise: readonly string[];
  readonly drift_ms: number;
}

export interface OutcomeLine {
  readonly reader: number;
  readonly epoch: number;
  readonly seq: number;
  readonly deed: number;
}

/** What ClickHouse holds of a tap. */
export interface StoredTap {
  readonly reader_id: number;
  readonly boot_epoch: number;
  readonly seq: number;
  readonly at_ms: number;
  readonly raw_ms: number;
  readonly code: number;
  readonly flags: number;
  readonly clock_quality: string;
  readonly debited_kop: number;
}

/** One tap of a day: as planned, as made and answered, as stored. */
export interface PlayedTap {
  readonly day: string;
  readonly key: string;
  readonly schoolId: number;
  readonly plan: PlannedTap;
  readonly ack: AckLine;
  readonly stored: StoredTap;
  readonly deed: boolean | null;
}

/** What noise may have changed of a tap, and what is put back as planned to see what follows from it. */
export const influences = ['deed', 'clock', 'order', 'outcome'] as const;
export type Influence = (typeof influences)[number];

export interface Course {
  readonly verdicts: ReadonlyMap<string, Verdict>;
  balances(pupil: OraclePupil): Readonly<Record<OraclePurse, number>>;
}

export function readAcks(path: string): { acks: AckLine[]; outcomes: OutcomeLine[] } {
  const lines = readFileSync(path, 'utf8').trimEnd().split('\n');
  const all = lines.map((line) => JSON.parse(line) as AckLine | OutcomeLine);
  return { acks: all.filter((line) => 'n' in line), outcomes: all.filter((line) => 'deed' in line) };
}

function identity(reader: number, epoch: number, seq: number): string {
  return `${reader}:${epoch}:${seq}`;
}

/** Puts plan, answers and rows together; a tap that is missing on any side is an error. */
export function playedTaps(region: ReadRegion, day: string, acksPath: string, rows: readonly StoredTap[]): PlayedTap[] {
  const { acks, outcomes } = readAcks(acksPath);
  const planned = plannedByKey(day, region.plans(day));
  const stored = new Map(rows.map((row) => [identity(row.reader_id, row.boot_epoch, row.seq), row]));
  const deeds = new Map(outcomes.map((line) => [identity(line.reader, line.epoch, line.seq), line.deed === 1]));
  const kept = acks.filter((ack) => stored.has(identity(ack.reader, ack.epoch, ack.seq))).length;
  if (acks.length !== planned.size || kept !== planned.size) {
    throw new Error(`${planned.size} planned, ${acks.length} answered, ${kept} stored`);
  }
  return acks.map((ack) => {
    const id = identity(ack.reader, ack.epoch, ack.seq);
    const key = tapKey(day, ack.reader, ack.n);
    const { schoolId, tap } = planned.get(key)!;
    return { day, key, schoolId, plan: tap, ack, stored: stored.get(id)!, deed: deeds.get(id) ?? null };
  });
}

/** Lets the oracle decide the days as they were played, but for the influences that are taken away. */
export function decideCourse(region: ReadRegion, taps: readonly PlayedTap[], without: readonly Influence[]): Course {
  const oracle = new Oracle((schoolId) => region.schools.get(schoolId)!.rules);
  const verdicts = new Map<string, Verdict>();
  const isPlanned = (influence: Influence): boolean => without.includes(influence);
  const byPlan = (a: PlayedTap, b: PlayedTap): number =>
    a.plan[0] - b.plan[0] || a.ack.reader - b.ack.reader || a.ack.n - b.ack.n;
  const byOrder = (a: PlayedTap, b: PlayedTap): number =>
    a.day === b.day ? a.ack.order - b.ack.order : a.day < b.day ? -1 : 1;
  for (const played of [...taps].sort(isPlanned('order') ? byPlan : byOrder)) {
    const { key, schoolId, plan, ack, stored } = played;
    const [plannedMs, uid, kind, amountKop, ref, plannedFlags = 0] = plan;
    const atMs = isPlanned('clock') ? plannedMs : stored.at_ms;
    const doubtful = !isPlanned('clock') && stored.clock_quality === 'D';
    const flags = isPlanned('deed') ? plannedFlags : ack.flags;
    const { day, minute } = localDayMinute(atMs, region.schools.get(schoolId)!.timeZone);
    const pupil = region.holder(schoolId, uid);
    const rest = { readerId: ack.reader, schoolId, pupil, kind, amountKop, ref };
    const raw = isPlanned('clock') ? {} : { rawMs: stored.raw_ms, bootEpoch: ack.epoch };
    verdicts.set(key, oracle.decide({ ...rest, ...raw, atMs, day, minute, flags, doubtful }));
  }
  if (!isPlanned('outcome')) {
    for (const { key, deed } of taps) if (deed !== null) oracle.tellDeed(verdicts.get(key)!, deed);
  }
  return { verdicts, balances: (pupil) => oracle.memory(pupil).balancesKop };
}
