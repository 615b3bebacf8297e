import { bounceSeconds } from './defaults.ts';
import type { PlannedPurse, School } from './model.ts';
import type { SchoolTap } from './queues.ts';

/** A complete meal may take its purse to −200 ₽. */
const mealOverdraftKop = 20_000;

/**
 * What each tap must be answered, worked out from the published rules alone and sharing no line with the product. It
 * knows: unknown and blocked cards, bounces, purses that hold the price or not, and the
 * overdraft of a meal.
 *
 * A purse of a pupil is spent at one reader only (see `school.ts`), so that the answers do not depend on how the
 * streams of several readers interleave.
 */
export class SchoolOracle {
  readonly #balances = new Map<number, Record<PlannedPurse, number>>();
  readonly #lastAtMs = new Map<string, number>();

  constructor(school: School) {
    for (const pupil of school.pupilList) this.#balances.set(pupil.pupilId, { ...pupil.purses });
  }

  /** The code that the reader must be told, after which the balances are as that code leaves them. */
  decide(tap: SchoolTap): number {
    if (tap.pupil === null) return 40;
    if (tap.pupil.blocked) return 41;
    if (this.#bounced(tap)) return 71;
    const purse = purseOf(tap.kind);
    if (purse === null || tap.amountKop === 0) return 10;
    const balances = this.balances(tap.pupil.pupilId);
    const afterKop = balances[purse] - tap.amountKop;
    if (afterKop < (purse === 'meal' ? -mealOverdraftKop : 0)) return 46;
    balances[purse] = afterKop;
    return afterKop < 0 ? 13 : 10;
  }

  /** Kopecks by purse. */
  balances(pupilId: number): Record<PlannedPurse, number> {
    const found = this.#balances.get(pupilId);
    if (!found) throw new Error(`no pupil ${pupilId}`);
    return found;
  }

  #bounced(tap: SchoolTap): boolean {
    const key = bounceKey(tap);
    const lastMs = this.#lastAtMs.get(key);
    if (lastMs !== undefined && tap.atMs - lastMs < bounceWindowSeconds(tap.kind) * 1000) return true;
    this.#lastAtMs.set(key, tap.atMs);
    return false;
  }
}

function bounceKey({ readerId, uid, kind, amountKop }: SchoolTap): string {
  if (kind === 3 || kind === 4) return `till ${readerId} ${uid} ${amountKop}`;
  return kind === 7 ? `fare ${readerId} ${uid}` : `${kind} ${readerId} ${uid}`;
}

function bounceWindowSeconds(kind: number): number {
  if (kind <= 2) return bounceSeconds.gate.window;
  if (kind <= 4) return bounceSeconds.till.window;
  return kind === 7 ? bounceSeconds.fare.window : bounceSeconds.locker.window;
}

/** The purse that a kind spends from; null for kinds that move no money. */
export function purseOf(kind: number): PlannedPurse | null {
  if (kind === 3) return 'meal';
  if (kind === 4) return 'buffet';
  return kind === 7 ? 'transport' : null;
}
