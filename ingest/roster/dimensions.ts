import { createHash } from 'node:crypto';
import { setImmediate as turn } from 'node:timers/promises';
import type { DimensionRow, DimensionTable, RosterStore } from '../../analytics/roster/roster-store.ts';
import type { Registry } from '../registry/store.ts';
import { registryPageRows } from './limits.ts';
import { readTables } from './registry-days.ts';

/** Keeps the tables of schools, classes and readers as the registry has them. */
export class Dimensions {
  readonly #registry: Registry;
  readonly #store: RosterStore;
  /** Of what was stored last. */
  readonly #digests = new Map<DimensionTable, string>();

  constructor(registry: Registry, store: RosterStore) {
    this.#registry = registry;
    this.#store = store;
  }

  /** Stores the tables that are other than when they were stored last. */
  async put(): Promise<void> {
    const { change, tables } = await readTables(this.#registry);
    for (const [table, rows] of Object.entries(tables) as [DimensionTable, (typeof tables)[DimensionTable]][]) {
      const digest = await digestOf(rows);
      if (this.#digests.get(table) === digest) continue;
      await this.#store.putTable(table, rows, change);
      this.#digests.set(table, digest);
    }
  }
}

async function digestOf(rows: readonly DimensionRow[]): Promise<string> {
  const hash = createHash('sha256');
  for (let from = 0; from < rows.length; from += registryPageRows) {
    hash.update(JSON.stringify(rows.slice(from, from + registryPageRows)));
    await turn();
  }
  return hash.digest('hex');
}
