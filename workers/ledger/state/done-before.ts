import type { MovedTransfer, Moved, Settled } from '../command-types.ts';
import { JsonRows } from './json-rows.ts';

/** What an OUTCOME did, as far as it has to be known again. */
export interface Deed {
  readonly deed: boolean;
  readonly transfer: MovedTransfer | null;
}

/** Commands that must not be done twice: by their key, by the transfer that was taken back, by the tap that was settled. */
export class DoneBefore {
  readonly #byKey = new Map<string, Moved>();
  readonly #reversed = new Set<number>();
  readonly #settled = new Map<number, Deed>();
  /** The same as a snapshot keeps it. */
  readonly #keyRows = new JsonRows();
  readonly #reversedRows = new JsonRows();
  readonly #settledRows = new JsonRows();

  get byKey(): ReadonlyMap<string, Moved> {
    return this.#byKey;
  }

  /** Ids of transfers that were taken back. */
  get reversed(): ReadonlySet<number> {
    return this.#reversed;
  }

  /** By the tap's position in this shard's journal. */
  get settled(): ReadonlyMap<number, Deed> {
    return this.#settled;
  }

  moved(outcome: Moved): void {
    if (outcome.key === '') return;
    this.#byKey.set(outcome.key, outcome);
    this.#keyRows.append(outcome);
  }

  reverse(transferId: number): void {
    this.#reversed.add(transferId);
    this.#reversedRows.append(transferId);
  }

  settle({ tap, deed, transfer }: Settled): void {
    const done: Deed = { deed, transfer };
    this.#settled.set(tap.position, done);
    this.#settledRows.append([tap.position, done]);
  }

  save(columns: Map<string, Uint8Array>): void {
    this.#keyRows.save(columns, 'key');
    this.#settledRows.save(columns, 'settled');
    this.#reversedRows.save(columns, 'reversed');
  }

  load(columns: ReadonlyMap<string, Uint8Array>): void {
    for (const moved of this.#keyRows.load<Moved>(columns, 'key')) this.#byKey.set(moved.key, moved);
    for (const [position, deed] of this.#settledRows.load<[number, Deed]>(columns, 'settled')) {
      this.#settled.set(position, deed);
    }
    for (const transferId of this.#reversedRows.load<number>(columns, 'reversed')) this.#reversed.add(transferId);
  }
}
