import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { sql } from 'kysely';
import { expect, test } from 'vitest';
import { temporaryDirectory, temporaryRegistry } from './fixtures.suite.ts';
import { openRegistry } from './store.ts';

test('a registry of a newer program is left alone', async () => {
  const directory = temporaryDirectory();
  const registry = await temporaryRegistry(directory);
  await sql`insert into migration (number) values (1000)`.execute(registry.db);
  await expect(openRegistry(directory)).rejects.toMatchObject({ code: 'REGISTRY_NEWER', exitStatus: 3 });
});

test('a file that is no registry and a directory that is none are told apart', async () => {
  const directory = temporaryDirectory();
  const path = join(directory, 'registry.db');
  writeFileSync(path, 'no database at all, but long enough to be looked at as one'.repeat(40));
  await expect(openRegistry(directory)).rejects.toMatchObject({ code: 'REGISTRY_DAMAGED', exitStatus: 3 });
  await expect(openRegistry(path)).rejects.toMatchObject({ code: 'REGISTRY_UNWRITABLE', exitStatus: 3 });
});

test('a writer waits for another, and says so when it has waited long enough', async () => {
  const directory = temporaryDirectory();
  const holder = await temporaryRegistry(directory);
  const waiting = await openRegistry(directory, { busyTimeoutMs: 50 });
  const district = { district_id: 1, name: 'North' };
  await holder.transaction(async (transaction) => {
    await transaction.insertInto('district').values(district).execute();
    // A reader sees the state before, at once.
    expect(await waiting.db.selectFrom('district').selectAll().execute()).toEqual([]);
    await expect(waiting.transaction(() => Promise.resolve())).rejects.toMatchObject({ code: 'REGISTRY_BUSY' });
  });
  expect(await waiting.transaction((own) => own.selectFrom('district').selectAll().execute())).toEqual([district]);
  await waiting.close();
});
