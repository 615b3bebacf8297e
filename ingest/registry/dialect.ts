import { setTimeout as sleep } from 'node:timers/promises';
import Database from 'libsql';
import {
  CompiledQuery,
  SqliteDialect,
  type DatabaseConnection,
  type Dialect,
  type Driver,
  type SqliteDatabase,
  type TransactionSettings,
} from 'kysely';

/**
 * The one place that knows which database this is. PostgreSQL takes kysely's own dialect, `bigint` ids and times, and one advisory
 * lock at the start of each writing transaction, so that the change feed commits in the order of its numbers.
 */
export const columnTypes = { id: 'integer', integer: 'integer', timeMs: 'integer' } as const;

/** Prepared statements kept; the part's own statements are fewer. */
const statementsMax = 256;
/** Enough that the indexes of a million cards are not written twice during an import; taken only when needed. */
const pageCacheKiB = 128 * 1024;

/** How long SQLite itself waits for a lock: it holds the event loop meanwhile, so longer waits are ours. */
const lockWaitMs = 10;
const lockRetryMs = 10;

/** `busyTimeoutMs` is how long a writer waits for another's transaction before it fails with SQLITE_BUSY. */
export function sqliteDialect(path: string, busyTimeoutMs: number): Dialect {
  return new PatientSqliteDialect(openDatabase(path), busyTimeoutMs);
}

/**
 * A transaction that may write takes the write lock when it begins (one that reads first could not take it later), and
 * waits for it without holding the event loop: whoever has the lock may live in this very process.
 */
class PatientSqliteDialect extends SqliteDialect {
  private readonly busyTimeoutMs: number;

  constructor(database: SqliteDatabase, busyTimeoutMs: number) {
    super({ database });
    this.busyTimeoutMs = busyTimeoutMs;
  }

  override createDriver(): Driver {
    const driver = super.createDriver();
    driver.beginTransaction = async (connection: DatabaseConnection, settings: TransactionSettings): Promise<void> => {
      const begin = CompiledQuery.raw(settings.accessMode === 'read only' ? 'begin' : 'begin immediate');
      await retryWhileBusy(() => connection.executeQuery(begin), this.busyTimeoutMs);
    };
    return driver;
  }
}

export async function retryWhileBusy<Result>(work: () => Promise<Result>, timeoutMs: number): Promise<Result> {
  const giveUpAtMs = performance.now() + timeoutMs;
  for (;;) {
    try {
      return await work();
    } catch (error) {
      if (!isBusy(error) || performance.now() >= giveUpAtMs) throw error;
      await sleep(lockRetryMs);
    }
  }
}

export function isBusy(error: unknown): boolean {
  return error instanceof Error && 'code' in error && /^SQLITE_(BUSY|LOCKED)/.test(String(error.code));
}

function openDatabase(path: string): SqliteDatabase {
  const database = new Database(path, { timeout: lockWaitMs });
  try {
    database.pragma('journal_mode = WAL');
    database.pragma('synchronous = FULL');
    database.pragma('foreign_keys = ON');
    database.pragma(`cache_size = -${pageCacheKiB}`);
  } catch (error) {
    database.close();
    throw error;
  }
  return withStatementCache(database);
}

/** Prepares each statement once. */
function withStatementCache(database: Database.Database): SqliteDatabase {
  const statements = new Map<string, Database.Statement>();
  const prepare = (sql: string): Database.Statement => {
    let statement = statements.get(sql);
    if (statement === undefined) {
      if (statements.size >= statementsMax) statements.clear();
      statement = database.prepare(sql);
      statements.set(sql, statement);
    }
    return statement;
  };
  return { prepare, close: () => database.close() };
}
