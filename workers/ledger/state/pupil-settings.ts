import { itemsPerPupilMax } from '../limits.ts';
import type { SetItem, SetLimit } from '../command-types.ts';
import { loadRows, saveRows } from './json-rows.ts';

/** Kopecks a school day, null for no limit. */
export type Limit = number | null;

/** What parents set for a pupil: its own daily limits, and items that it may not have. Few pupils have any. */
export class PupilSettings {
  readonly #limits = new Map<number, Map<number, Limit>>();
  readonly #forbidden = new Map<number, Set<number>>();

  /** The pupil's own limit of a purse; undefined where the rules' holds. */
  limit(pupilId: number, purse: number): Limit | undefined {
    return this.#limits.get(pupilId)?.get(purse);
  }

  isForbidden(pupilId: number, item: number): boolean {
    return this.#forbidden.get(pupilId)?.has(item) === true;
  }

  limits(pupilId: number): [purse: number, limit: Limit][] {
    return [...(this.#limits.get(pupilId) ?? [])];
  }

  forbiddenItems(pupilId: number): number[] {
    return [...(this.#forbidden.get(pupilId) ?? [])];
  }

  hasRoomForItem(pupilId: number): boolean {
    return (this.#forbidden.get(pupilId)?.size ?? 0) < itemsPerPupilMax;
  }

  setLimit({ pupilId, purse, limitKop }: SetLimit): void {
    const limits = this.#limits.get(pupilId) ?? new Map<number, Limit>();
    if (limitKop === 'default') limits.delete(purse);
    else limits.set(purse, limitKop);
    if (limits.size > 0) this.#limits.set(pupilId, limits);
    else this.#limits.delete(pupilId);
  }

  setItem({ pupilId, item, forbidden }: SetItem): void {
    const items = this.#forbidden.get(pupilId) ?? new Set<number>();
    if (forbidden) items.add(item);
    else items.delete(item);
    if (items.size > 0) this.#forbidden.set(pupilId, items);
    else this.#forbidden.delete(pupilId);
  }

  save(columns: Map<string, Uint8Array>): void {
    const limits = [...this.#limits].map(([pupilId, byPurse]) => [pupilId, [...byPurse]]);
    const items = [...this.#forbidden].map(([pupilId, set]) => [pupilId, [...set]]);
    saveRows(columns, 'limit', limits);
    saveRows(columns, 'item', items);
  }

  load(columns: ReadonlyMap<string, Uint8Array>): void {
    for (const [pupilId, limits] of loadRows<[number, [number, Limit][]]>(columns, 'limit')) {
      this.#limits.set(pupilId, new Map(limits));
    }
    for (const [pupilId, items] of loadRows<[number, number[]]>(columns, 'item')) {
      this.#forbidden.set(pupilId, new Set(items));
    }
  }
}
