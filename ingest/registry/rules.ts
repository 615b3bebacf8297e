import { isDeepStrictEqual } from 'node:util';
import type { Kysely } from 'kysely';
import { defaultRulesVersion, type RulesDocument } from '../../workers/ledger/rule-set.ts';
import { appendChange, rulesChange } from './feed.ts';
import type { RegistryTables } from './schema.ts';
import type { RegistryTransaction } from './store.ts';

export interface RulesVersion {
  /** 1 are the defaults, whose document is empty. */
  readonly version: number;
  readonly document: RulesDocument;
}

/** The rules in force. */
export async function readRules(db: Kysely<RegistryTables>): Promise<RulesVersion> {
  const row = await db.selectFrom('rules').selectAll().orderBy('version', 'desc').limit(1).executeTakeFirst();
  if (row === undefined) return { version: defaultRulesVersion, document: {} };
  return { version: row.version, document: JSON.parse(row.document) as RulesDocument };
}

export async function readRulesVersion(db: Kysely<RegistryTables>): Promise<number> {
  const row = await db
    .selectFrom('rules')
    .select((build) => build.fn.max('version').as('version'))
    .executeTakeFirst();
  return row?.version ?? defaultRulesVersion;
}

/** Makes a checked document the next version, unless it says what is in force already. */
export async function storeRules(
  transaction: RegistryTransaction,
  document: RulesDocument,
  nowMs: number,
): Promise<{ version: number; isNew: boolean }> {
  const text = JSON.stringify(document);
  const current = await readRules(transaction);
  if (isDeepStrictEqual(current.document, JSON.parse(text))) return { version: current.version, isNew: false };
  const version = current.version + 1;
  await transaction.insertInto('rules').values({ version, document: text, imported_at: nowMs }).execute();
  await appendChange(transaction, rulesChange(version));
  return { version, isNew: true };
}
