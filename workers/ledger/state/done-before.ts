import type { MovedTransfer, Moved, Settled } from '../command-types.ts';
import { loadRows, saveRows } from './json-rows.ts';

/** What an OUTCOME did, as far as it has to be known again. */
export interface Deed {
  readonly deed: boolean;
  readonly transfer: MovedTransfer | null;
}

/** Commands that must not be done twice: by their key, by the transfer that was taken back, by the tap that was settled. */
export class DoneBefore {
  readonly byKey = new Map<string, Moved>();
  /** Ids of transfers that were taken back. */
  readonly reversed = new Set<number>();
  /** By the tap's position in this shard's journal. */
  readonly settled = new Map<number, Deed>();

  moved(outcome: Moved): void {
    if (outcome.key !== '') this.byKey.set(outcome.key, outcome);
  }

  settle({ tap, deed, transfer }: Settled): void {
    this.settled.set(tap.position, { deed, transfer });
  }

  save(columns: Map<string, Uint8Array>): void {
    saveRows(columns, 'key', this.byKey.values());
    saveRows(columns, 'settled', this.settled);
    saveRows(columns, 'reversed', this.reversed);
  }

  load(columns: ReadonlyMap<string, Uint8Array>): void {
    for (const moved of loadRows<Moved>(columns, 'key')) this.byKey.set(moved.key, moved);
    for (const [position, deed] of loadRows<[number, Deed]>(columns, 'settled')) this.settled.set(position, deed);
    for (const transferId of loadRows<number>(columns, 'reversed')) this.reversed.add(transferId);
  }
}
