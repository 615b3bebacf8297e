import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { smallRegion, temporaryDirectory, temporaryRegistry, writeFiles } from './fixtures.suite.ts';
import { importDirectory } from './import.ts';
import { findToken, issueToken, listTokens, revokeToken } from './tokens.ts';

test('a token is good from its issue to its revocation, and never in the registry', async () => {
  const directory = temporaryDirectory();
  const registry = await temporaryRegistry(directory);
  await importDirectory(registry, writeFiles(smallRegion));
  const till = { name: 'Canteen of school 10', role: 'operator', schoolId: 10 } as const;
  const head = { name: 'Head', role: 'admin', schoolId: null } as const;
  const tokens = [await issueToken(registry, till, 1_000), await issueToken(registry, head, 2_000)];
  expect(tokens).toEqual([expect.stringMatching(/^[0-9a-f]{64}$/), expect.stringMatching(/^[0-9a-f]{64}$/)]);
  expect(await findToken(registry, tokens[0])).toEqual(till);
  expect(await findToken(registry, tokens[1])).toEqual(head);
  for (const wrong of ['', tokens[0].slice(1), tokens[0].toUpperCase(), `${tokens[0]} `, 'Head']) {
    expect(await findToken(registry, wrong)).toBeUndefined();
  }
  expect(await revokeToken(registry, till.name, 3_000)).toEqual({ ...till, createdAt: 1_000, revokedAt: 3_000 });
  expect(await revokeToken(registry, till.name, 4_000)).toMatchObject({ revokedAt: 3_000 });
  expect(await findToken(registry, tokens[0])).toBeUndefined();
  expect(await findToken(registry, tokens[1])).toEqual(head);
  expect(await listTokens(registry)).toEqual([
    { ...till, createdAt: 1_000, revokedAt: 3_000 },
    { ...head, createdAt: 2_000, revokedAt: null },
  ]);
  const files = readdirSync(directory).filter((name) => name.startsWith('registry.db'));
  const stored = files.map((name) => readFileSync(join(directory, name), 'latin1')).join('');
  expect(stored).toContain('Canteen of school 10');
  for (const token of tokens) {
    expect(stored).not.toContain(token);
    expect(stored).not.toContain(Buffer.from(token, 'hex').toString('latin1'));
  }
});

test('a name is given once, and a school must be known; nothing is issued otherwise', async () => {
  const registry = await temporaryRegistry();
  const one = { name: 'One', role: 'viewer', schoolId: null } as const;
  await issueToken(registry, one, 0);
  await revokeToken(registry, 'One', 1);
  const refusals: [Parameters<typeof issueToken>[1], string, number][] = [
    [{ ...one, role: 'admin' }, 'TOKEN_NAME_TAKEN', 1],
    [{ name: 'Two', role: 'cabinet', schoolId: 99 }, 'SCHOOL_UNKNOWN', 1],
    [{ name: ' ', role: 'admin', schoolId: null }, 'BAD_TEXT', 2],
    [{ name: 'a\nb', role: 'admin', schoolId: null }, 'BAD_TEXT', 2],
    [{ name: 'Two', role: 'admin', schoolId: 0 }, 'BAD_ID', 2],
  ];
  for (const [identity, code, exitStatus] of refusals) {
    await expect(issueToken(registry, identity, 2)).rejects.toMatchObject({ code, exitStatus });
  }
  await expect(revokeToken(registry, 'Two', 2)).rejects.toMatchObject({ code: 'TOKEN_UNKNOWN', exitStatus: 1 });
  expect(await listTokens(registry)).toEqual([{ ...one, createdAt: 0, revokedAt: 1 }]);
});
