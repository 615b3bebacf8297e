import path from 'node:path';
import { afterAll, beforeAll } from 'vitest';
import { migrate } from '../schema/migrate.ts';
import { openClickHouse, type ClickHouseClient } from './client.ts';
import { EmbeddedClickHouse } from './embedded.ts';
import type { temporaryFolder } from './testing.suite.ts';

/** An engine with the newest schema for all tests of a `describe`, in a folder that is removed behind them. */
export function useMigratedEngine({ folder, remove }: ReturnType<typeof temporaryFolder>) {
  let engine: EmbeddedClickHouse;
  let client: ClickHouseClient;

  beforeAll(async () => {
    engine = await EmbeddedClickHouse.start({ directory: path.join(folder, 'clickhouse') });
    await migrate(engine.url);
    client = openClickHouse(engine.url);
  });

  afterAll(async () => {
    await client?.close();
    await engine?.stop();
    remove();
  });

  return {
    get engine(): EmbeddedClickHouse {
      return engine;
    },
    get client(): ClickHouseClient {
      return client;
    },
    async ask<T>(query: string): Promise<T[]> {
      return (await client.query({ query, format: 'JSONEachRow' })).json<T>();
    },
  };
}
