import { describe, expect, it } from 'vitest';
import { TapOffset, tapRecordBytes } from '../../workers/journal/tap-record.ts';
import { TransferOffset, transferRecordBytes } from '../../workers/journal/transfer-record.ts';
import { decisionCodes } from '../../workers/ledger/codes.ts';
import { useMigratedEngine } from '../clickhouse/migrated-engine.suite.ts';
import { engineMissing, temporaryFolder } from '../clickhouse/testing.suite.ts';
import { deduplicationWindow } from '../limits.ts';
import { columnsOf } from '../sink/store.ts';
import { migrate, readMigrations, splitStatements } from './migrate.ts';

const missing = engineMissing();
const { folder, remove } = temporaryFolder();

/** Bytes of a RowBinary value. */
const widths: Record<string, number> = {
  UInt64: 8,
  Int64: 8,
  UInt32: 4,
  UInt16: 2,
  Date: 2,
  UInt8: 1,
  "DateTime64(3, 'UTC')": 8,
  'FixedString(10)': 10,
};

it('makes tables that remember as many tokens as the bound says', () => {
  const tables = readMigrations().flatMap((step) =>
    step.statements.filter((text) => /TABLE IF NOT EXISTS (tap|transfer)\b/.test(text)),
  );
  expect(tables).toHaveLength(2);
  for (const table of tables) expect(table).toContain(`non_replicated_deduplication_window = ${deduplicationWindow}`);
});

it('splits a file into statements', () => {
  expect(splitStatements("-- why; so\nSELECT 1;\n\nSELECT ';'\n  FROM t;")).toEqual([
    'SELECT 1',
    "SELECT ';'\n  FROM t",
  ]);
});

describe.skipIf(missing !== undefined)('the schema', () => {
  const database = useMigratedEngine({ folder, remove });

  it.each([
    ['tap', TapOffset, tapRecordBytes],
    ['transfer', TransferOffset, transferRecordBytes],
  ] as const)('lays table %s out as the journal lays out its record', async (table, offsets, recordBytes) => {
    const columns = await database.ask<{ name: string; type: string }>(
      `SELECT name, type FROM system.columns WHERE database = currentDatabase() AND table = '${table}'
       AND default_kind != 'ALIAS' ORDER BY position`,
    );
    expect(columns.map((column) => column.name)).toEqual(columnsOf(table));
    const fields = Object.values<number>(offsets).sort((left, right) => left - right);
    let offset = 0;
    for (const [index, { type }] of columns.entries()) {
      expect(offset).toBe(fields[index]);
      offset += type.startsWith('Enum8') ? 1 : widths[type];
    }
    expect(offset).toBe(recordBytes);
  });

  it('names codes as the registry of codes does', async () => {
    const codes = await database.ask<{ code: number; name: string }>(
      'SELECT code, code_name AS name FROM (SELECT 1) AS one, tap WHERE 0',
    );
    expect(codes).toEqual([]);
    const [{ expression }] = await database.ask<{ expression: string }>(
      "SELECT default_expression AS expression FROM system.columns WHERE table = 'tap' AND name = 'code_name' AND database = currentDatabase()",
    );
    const numbers = decisionCodes.map((code) => code.code);
    const rows = await database.ask<{ code: number; name: string }>(
      `SELECT code, ${expression} AS name FROM (SELECT arrayJoin([${numbers.join(', ')}]) AS code)`,
    );
    expect(rows).toEqual(decisionCodes.map(({ code, name }) => ({ code, name })));
  });

  it('is brought up to date once, and knows itself again', async () => {
    const first = await migrate(database.engine.url);
    const second = await migrate(database.engine.url);
    expect(second).toEqual({ ...first, applied: [] });
    expect(first.version).toBe(readMigrations().length);
  });

  it('takes a step that was cut off from its beginning', async () => {
    const steps = readMigrations();
    const broken = {
      version: steps.length + 1,
      name: 'more',
      statements: ['CREATE TABLE IF NOT EXISTS more (n UInt8) ENGINE = Memory', 'SELECT broken'],
    };
    await expect(migrate(database.engine.url, { migrations: [...steps, broken] })).rejects.toThrow();
    const mended = { ...broken, statements: [broken.statements[0]] };
    expect((await migrate(database.engine.url, { migrations: [...steps, mended] })).applied).toEqual(['more']);
  });

  it('refuses a database of a newer version', async () => {
    await expect(migrate(database.engine.url)).rejects.toMatchObject({ code: 'SCHEMA_NEWER', exitStatus: 3 });
  });
});
