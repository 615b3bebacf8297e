import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { Kysely, type Transaction } from 'kysely';
import { OperatorError } from '../../workers/errors.ts';
import { isBusy, retryWhileBusy, sqliteDialect } from './dialect.ts';
import { decodeEntry, type FeedEntry } from './feed.ts';
import { migrate } from './migrations.ts';
import type { RegistryTables } from './schema.ts';

export interface RegistryOptions {
  /** How long a writer waits for another process's transaction (a large import) before it gives up. Default 60 s. */
  readonly busyTimeoutMs?: number;
}

export type RegistryTransaction = Transaction<RegistryTables>;

/**
 * Schools, classes, pupils, cards and readers, and the feed of their changes, in one database that several processes use
 * at once. Readers never wait for writers; writers wait for each other, without holding the event loop.
 */
export class Registry {
  readonly db: Kysely<RegistryTables>;

  constructor(db: Kysely<RegistryTables>) {
    this.db = db;
  }

  /** Runs a change that is kept whole or not at all, one at a time over all processes. */
  async transaction<Result>(work: (transaction: RegistryTransaction) => Promise<Result>): Promise<Result> {
    try {
      return await this.db.transaction().execute(work);
    } catch (error) {
      throw operatorError(error);
    }
  }

  /** Reads one state of everything, whatever others write meanwhile. */
  async snapshot<Result>(work: (transaction: RegistryTransaction) => Promise<Result>): Promise<Result> {
    try {
      return await this.db.transaction().setAccessMode('read only').execute(work);
    } catch (error) {
      throw operatorError(error);
    }
  }

  /**
   * Feed entries after `change`, in order, at most `limit`, none when there are no more. A change of the rules is the last
   * of its stretch: its document may be large, and a stretch has to fit into one block of a journal.
   */
  async changesAfter(change: number, limit: number): Promise<FeedEntry[]> {
    const rows = await this.db
      .selectFrom('change')
      .select(['change', 'kind', 'entity_id', 'payload'])
      .where('change', '>', change)
      .orderBy('change')
      .limit(limit)
      .execute();
    const last = rows.findIndex(({ kind }) => kind === 'rules');
    if (last === -1) return rows.map(decodeEntry);
    const document = await this.#rulesOf(rows[last].entity_id);
    return [...rows.slice(0, last).map(decodeEntry), decodeEntry({ ...rows[last], document })];
  }

  /** The document of a version that the feed names: versions are never changed nor deleted. */
  async #rulesOf(version: number): Promise<string> {
    const rules = this.db.selectFrom('rules').select('document').where('version', '=', version);
    return (await rules.executeTakeFirstOrThrow()).document;
  }

  /** The number of the newest feed entry, 0 before the first. */
  async lastChange(): Promise<number> {
    return await readLastChange(this.db);
  }

  async close(): Promise<void> {
    await this.db.destroy();
  }
}

export async function readLastChange(db: Kysely<RegistryTables>): Promise<number> {
  const row = await db
    .selectFrom('change')
    .select((build) => build.fn.max('change').as('last'))
    .executeTakeFirst();
  return row?.last ?? 0;
}

/** Opens, and where needed creates and migrates, `registry.db` in the data directory. */
export async function openRegistry(dataDirectory: string, options: RegistryOptions = {}): Promise<Registry> {
  const { busyTimeoutMs = 60_000 } = options;
  try {
    // SQLite does not wait by itself while another process turns a new file into WAL mode, or leaves as the last.
    return await retryWhileBusy(() => tryOpen(dataDirectory, busyTimeoutMs), busyTimeoutMs);
  } catch (error) {
    throw operatorError(error);
  }
}

async function tryOpen(dataDirectory: string, busyTimeoutMs: number): Promise<Registry> {
  mkdirSync(dataDirectory, { recursive: true });
  const db = new Kysely<RegistryTables>({ dialect: sqliteDialect(join(dataDirectory, 'registry.db'), busyTimeoutMs) });
  try {
    await migrate(db);
    return new Registry(db);
  } catch (error) {
    await db.destroy();
    throw error;
  }
}

/** Turns what the environment did to the database into words; anything else passes unchanged. */
function operatorError(error: unknown): unknown {
  // SQLite's extended codes begin with the plain ones.
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  const is = (...prefixes: string[]): boolean => prefixes.some((prefix) => code.startsWith(prefix));
  if (isBusy(error)) {
    const remedy = 'Wait for the import or command that holds it, then try again';
    return new OperatorError('REGISTRY_BUSY', 'another process is changing the registry', remedy);
  }
  if (is('SQLITE_FULL', 'ENOSPC')) {
    return new OperatorError('REGISTRY_FULL', 'the disk is full; nothing was changed', 'Free space and try again');
  }
  if (is('SQLITE_CANTOPEN', 'SQLITE_READONLY', 'EACCES', 'EPERM', 'ENOTDIR', 'EEXIST', 'EROFS')) {
    const remedy = 'Check that the data directory exists and may be written';
    return new OperatorError('REGISTRY_UNWRITABLE', 'the registry cannot be opened for writing', remedy);
  }
  if (is('SQLITE_CORRUPT', 'SQLITE_NOTADB', 'SQLITE_IOERR')) {
    return new OperatorError('REGISTRY_DAMAGED', 'the registry file cannot be read', 'Restore registry.db from a copy');
  }
  return error;
}
