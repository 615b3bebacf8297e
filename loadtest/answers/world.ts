import { basename, dirname, join } from 'node:path';
import { OperatorError } from '../errors.ts';
import { flag, isAccepted, type OraclePupil, type OraclePurse, type Verdict } from '../oracle/model.ts';
import { Oracle } from '../oracle/oracle.ts';
import type { PlannedTap } from '../region/model.ts';
import { localDayMinute } from '../region/zones.ts';
import type { Sign } from '../fleet/tally.ts';
import { readLines } from './ndjson.ts';
import { RegionFiles } from './region-files.ts';

/** A clock off by up to the first is left as it is, up to the second corrected, beyond doubtful; ms. */
const exactWithinMs = 2_000;
const fairWithinMs = 60_000;
const lateAfterMs = 5 * 60_000;

/** One tap as the service must have taken it in and decided it. */
export interface Fact {
  /** The school's own day and minute, by the corrected time. */
  readonly day: string;
  readonly minute: number;
  /** Of the reader. */
  readonly schoolId: number;
  readonly readerId: number;
  readonly epoch: number;
  readonly seq: number;
  readonly atMs: number;
  readonly rawMs: number;
  readonly receivedMs: number;
  /** 0 for nobody's card. */
  readonly pupilId: number;
  readonly kind: number;
  readonly code: number;
  readonly ref: number;
  readonly readerFlags: number;
  readonly quality: 'A' | 'B' | 'D';
  readonly priceKop: number;
  readonly debitedKop: number;
  readonly purse: OraclePurse | null;
  readonly wentThrough: boolean;
  /** Whose entitlement was taken, 0 for none. */
  window: number;
}

/** A sale, or one that was taken back (`sign` −1), with who paid. */
export interface Movement {
  readonly day: string;
  readonly schoolId: number;
  readonly pupilId: number;
  readonly kind: number;
  readonly item: number;
  readonly purse: OraclePurse | 'entitlement';
  readonly sign: 1 | -1;
  readonly kop: number;
}

interface AckLine {
  readonly reader: number;
  readonly epoch: number;
  readonly seq: number;
  readonly n: number;
  readonly kind: number;
  readonly code: number;
  readonly order: number;
  readonly flags: number;
  readonly drift_ms: number;
  readonly received_ms: number;
}

interface DeedLine {
  readonly reader: number;
  readonly epoch: number;
  readonly seq: number;
  readonly deed: number;
}

/** Everything that happened, from the region's files and the fleet's lines alone. */
export class World {
  readonly files: RegionFiles;
  readonly facts: Fact[] = [];
  readonly movements: Movement[] = [];
  /** Times at which a reader gave a sign of life, ascending. */
  readonly alive = new Map<number, number[]>();
  readonly signs: Sign[] = [];
  /** Answers of which the rules' oracle says something else. */
  readonly disagreements: string[] = [];
  readonly playedDays: readonly string[];
  readonly #oracle: Oracle;

  /** `acks`: one file a played day with the day in its name; the signs of life lie beside it. */
  constructor(directory: string, acks: readonly string[], progress: (line: string) => void = () => undefined) {
    this.files = new RegionFiles(directory);
    this.#oracle = new Oracle((schoolId) => this.files.schools.get(schoolId)!.rules);
    const byDay = acks.map((path): [string, string] => [dayOfPath(path), path]).sort(([a], [b]) => (a < b ? -1 : 1));
    this.playedDays = byDay.map(([day]) => day);
    for (const [day, path] of byDay) {
      this.#playDay(day, path);
      this.#readSigns(join(dirname(path), basename(path).replace('acks', 'signs')));
      progress(`${day}: ${this.facts.length} taps decided so far`);
    }
  }

  /** The days from the first to the last, those without school as well. */
  get days(): string[] {
    const days: string[] = [];
    const last = this.playedDays[this.playedDays.length - 1];
    for (let day = this.playedDays[0]; day <= last; day = addDays(day, 1)) days.push(day);
    return days;
  }

  isInside(pupil: OraclePupil): boolean {
    return this.#oracle.memory(pupil).inside;
  }

  #playDay(day: string, path: string): void {
    const plans = new Map(this.files.plans(day).map((plan) => [plan.reader_id, plan]));
    const lines = readLines(path) as (AckLine | DeedLine)[];
    const acks = lines.filter((line) => 'n' in line).sort((a, b) => a.order - b.order);
    const deeds = new Map<string, boolean>();
    for (const line of lines) if ('deed' in line) deeds.set(identity(line), line.deed === 1);
    const told: { fact: Fact; verdict: Verdict; deed: boolean }[] = [];
    for (const ack of acks) {
      const plan = plans.get(ack.reader)!;
      const { fact, verdict } = this.#decide(ack, plan.school_id, plan.taps[ack.n - 1]);
      this.#book(fact, verdict);
      const deed = deeds.get(identity(ack));
      if (deed !== undefined) told.push({ fact, verdict, deed });
    }
    for (const { fact, verdict, deed } of told) this.#tell(fact, verdict, deed);
  }

  #decide(ack: AckLine, schoolId: number, planned: PlannedTap): { fact: Fact; verdict: Verdict } {
    const [plannedMs, uid, kind, amountKop, ref] = planned;
    const driftMs = ack.drift_ms;
    const distanceMs = Math.abs(driftMs);
    const isUnset = (ack.flags & flag.clockUnset) !== 0;
    const quality = isUnset || distanceMs > fairWithinMs ? 'D' : distanceMs > exactWithinMs ? 'B' : 'A';
    const rawMs = plannedMs + driftMs;
    const atMs = distanceMs <= exactWithinMs ? rawMs : plannedMs;
    const { day, minute } = localDayMinute(atMs, this.files.schools.get(schoolId)!.timeZone);
    const pupil = this.files.holder(schoolId, uid);
    const who = { readerId: ack.reader, schoolId, pupil, kind, ref, amountKop, flags: ack.flags };
    const when = { atMs, rawMs, bootEpoch: ack.epoch, day, minute, doubtful: quality === 'D' };
    const verdict = this.#oracle.decide({ ...who, ...when });
    if (verdict.code !== ack.code)
      this.disagreements.push(`${identity(ack)}: told ${ack.code}, must be ${verdict.code}`);
    const fact: Fact = {
      ...{ day, minute, schoolId, readerId: ack.reader, epoch: ack.epoch, seq: ack.seq },
      ...{ atMs, rawMs, receivedMs: ack.received_ms, pupilId: pupil?.pupilId ?? 0, kind, code: verdict.code, ref },
      ...{ readerFlags: ack.flags, quality, priceKop: amountKop === 0 ? verdict.judgement.priceKop : amountKop },
      ...{ debitedKop: verdict.debitedKop, purse: verdict.purse, wentThrough: verdict.wentThrough },
      window: verdict.code === 11 && verdict.wentThrough ? (verdict.judgement.window ?? 0) : 0,
    };
    this.facts.push(fact);
    return { fact, verdict };
  }

  #book(fact: Fact, { purse, debitedKop, entitledKop }: Verdict): void {
    if (purse !== null && debitedKop > 0) this.#move(fact, purse, 1, debitedKop);
    if (entitledKop > 0) this.#move(fact, 'entitlement', 1, entitledKop);
  }

  /** A till told what it did after all. */
  #tell(fact: Fact, verdict: Verdict, deed: boolean): void {
    const posted = this.#oracle.tellDeed(verdict, deed);
    if (posted === null) return;
    const { purse, kop, entitledKop } = posted;
    if (purse !== null && kop !== 0) this.#move(fact, purse, kop > 0 ? 1 : -1, Math.abs(kop));
    if (entitledKop !== 0) this.#move(fact, 'entitlement', -1, -entitledKop);
    if (!deed) fact.window = 0;
  }

  #move({ day, schoolId, pupilId, kind, ref: item }: Fact, purse: Movement['purse'], sign: 1 | -1, kop: number): void {
    this.movements.push({ day, schoolId, pupilId, kind, item, purse, sign, kop });
  }

  #readSigns(path: string): void {
    for (const sign of readLines(path) as Sign[]) {
      if (sign.event === 'closed') continue;
      this.signs.push(sign);
      const times = this.alive.get(sign.reader);
      if (times === undefined) this.alive.set(sign.reader, [sign.at_ms]);
      else times.push(sign.at_ms);
    }
  }
}

/** Not refused by the rules, whatever the reader did. */
export function isRefusal({ code }: Fact): boolean {
  return !isAccepted(code) && code >= 40 && code <= 54;
}

export function isLate({ receivedMs, atMs }: Fact): boolean {
  return receivedMs - atMs > lateAfterMs;
}

export function addDays(day: string, days: number): string {
  return new Date(Date.parse(`${day}T00:00:00Z`) + days * 86_400_000).toISOString().slice(0, 10);
}

function identity({ reader, epoch, seq }: { reader: number; epoch: number; seq: number }): string {
  return `${reader}:${epoch}:${seq}`;
}

function dayOfPath(path: string): string {
  const day = /\d{4}-\d{2}-\d{2}/.exec(basename(path))?.[0];
  if (day !== undefined) return day;
  throw new OperatorError('ACKS_UNNAMED', `${path} has no day in its name`, 'Name it like acks-2025-09-08.ndjson', 2);
}
