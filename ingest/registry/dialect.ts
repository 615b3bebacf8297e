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
 * The one place that knows which database this is. PostgreSQL takes kysely's own dialect, `bigint` ids, and one advisory
 * lock at the start of each writing transaction, so that the change feed commits in the order of its numbers.
 */
export const columnTypes = { id: 'integer', integer: 'integer' } as const;

/** Prepared statements kept; the part's own statements are fewer. */
const statementsMax = 256;
/** Enough that the indexes of a million cards are not written twice during an import; taken only when needed. */
const pageCacheKiB = 128 * 1024;

export function sqliteDialect(path: string, busyTimeoutMs: number): Dialect {
  return new ImmediateSqliteDialect({ database: openDatabase(path, busyTimeoutMs) });
}

/** A transaction that may write takes the write lock when it begins: one that reads first could not take it later. */
class ImmediateSqliteDialect extends SqliteDialect {
  override createDriver(): Driver {
    const driver = super.createDriver();
    driver.beginTransaction = async (connection: DatabaseConnection, settings: TransactionSettings): Promise<void> => {
      const begin = settings.accessMode === 'read only' ? 'begin' : 'begin immediate';
      await connection.executeQuery(CompiledQuery.raw(begin));
    };
    return driver;
  }
}

/** Opens the file with its safety settings, and prepares each statement once. */
function openDatabase(path: string, busyTimeoutMs: number): SqliteDatabase {
  const database = new Database(path, { timeout: busyTimeoutMs });
  database.pragma('journal_mode = WAL');
  database.pragma('synchronous = FULL');
  database.pragma('foreign_keys = ON');
  database.pragma(`cache_size = -${pageCacheKiB}`);
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
