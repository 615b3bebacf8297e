import type { KeyObject } from 'node:crypto';
import { Kind } from '../../ingest/protocol/codes.ts';
import { OperatorError } from '../errors.ts';
import { loadDay, readKeys } from '../fleet/load.ts';
import { limits } from '../limits.ts';
import { privateKeyFromSeed } from '../region/keys.ts';
import type { ReaderPlan } from '../region/model.ts';
import type { TemplateTap } from '../scenarios/frame-templates.ts';
import { benchLimits } from './limits.ts';

const firstPlaceStep = 97;
const kinds = {
  turnstile: { kind: Kind.gateIn, amountKop: 0 },
  till: { kind: Kind.buffet, amountKop: 1 },
} as const;

/** A reader of the region, used again from phase to phase: its epoch and its time only ever go forward. */
export class BenchReader {
  readonly readerId: number;
  readonly key: KeyObject;
  readonly movesMoney: boolean;
  readonly #taps: readonly TemplateTap[];
  #bootEpoch = 0;
  #nextMs: number;

  constructor(readerId: number, key: KeyObject, taps: readonly TemplateTap[]) {
    this.readerId = readerId;
    this.key = key;
    this.movesMoney = taps[0].amountKop > 0;
    this.#taps = taps;
    this.#nextMs = Date.now() - benchLimits.firstTapBeforeMs;
  }

  nextEpoch(): number {
    return ++this.#bootEpoch;
  }

  get nextMs(): number {
    return this.#nextMs;
  }

  /** The reader has sent so many frames since `nextMs`. */
  spend(frames: number, stepMs: number): void {
    this.#nextMs += frames * stepMs + benchLimits.betweenPhasesMs;
  }

  /** Frames by turns, so that a card comes again only after every other one. */
  framesOf(tapsPerFrame: number): TemplateTap[][] {
    const frames = Math.max(2, Math.ceil(limits.saturateCardsPerConnection / tapsPerFrame));
    return Array.from({ length: frames }, (_, frame) =>
      Array.from(
        { length: tapsPerFrame },
        (_, place) => this.#taps[(frame * tapsPerFrame + place) % this.#taps.length],
      ),
    );
  }
}

/** The reader's time between two of so many frames: no card comes again within the longest bounce. */
export function stepMsOf(frames: number): number {
  return Math.ceil((limits.saturateCardsPerConnection * limits.saturateStepMs) / frames);
}

/** Readers of a region: first those that carry the load (tills as far as half of them goes), then idle ones. */
export async function loadReaders(region: string, loaded: number, idle: number): Promise<BenchReader[]> {
  const { plans } = await loadDay(region, null, null);
  const keys = readKeys(region);
  const uids = uidsBySchool(plans);
  const tills = plans.filter(({ role }) => role === 'till').slice(0, Math.floor(loaded / 2));
  const turnstiles = plans.filter(({ role }) => role === 'turnstile').slice(0, loaded + idle - tills.length);
  if (tills.length + turnstiles.length < loaded + idle) {
    const cause = `the region has ${turnstiles.length} turnstiles and ${tills.length} tills`;
    throw new OperatorError('READERS_TOO_FEW', cause, 'Make it with more --readers');
  }
  return [...tills, ...turnstiles].map((plan, place) => {
    const { kind, amountKop } = kinds[plan.role as keyof typeof kinds];
    const all = uids.get(plan.school_id) ?? [];
    // Neighbouring readers begin with other pupils.
    const from = (place * firstPlaceStep) % all.length;
    const turned = [...all.slice(from), ...all.slice(0, from)];
    const taps = turned.map((uid) => ({ uid: Buffer.from(uid, 'hex'), kind, amountKop }));
    return new BenchReader(plan.reader_id, privateKeyFromSeed(keys.get(plan.reader_id) ?? ''), taps);
  });
}

function uidsBySchool(plans: readonly ReaderPlan[]): Map<number, string[]> {
  const sets = new Map<number, Set<string>>();
  for (const { school_id: school, taps } of plans) {
    const uids = sets.get(school) ?? new Set();
    sets.set(school, uids);
    for (const [, uid] of taps) uids.add(uid);
  }
  return new Map([...sets].map(([school, uids]) => [school, [...uids]]));
}
