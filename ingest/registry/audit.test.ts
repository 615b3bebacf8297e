import { expect, test } from 'vitest';
import { beginAudit, endAudit, listAudit } from './audit.ts';
import { temporaryDirectory, temporaryRegistry } from './fixtures.suite.ts';
import { auditPageRowsMax } from './limits.ts';

const asked = (atMs: number) => ({ atMs, who: 'Head', role: 'finance', command: 'refund', request: { kop: atMs } });

test('what was begun is kept, ended once or not at all, and read newest first in pages', async () => {
  const directory = temporaryDirectory();
  const registry = await temporaryRegistry(directory);
  const ids = [await beginAudit(registry, asked(1)), await beginAudit(registry, asked(2))];
  ids.push(await beginAudit(registry, { ...asked(3), request: undefined }));
  await endAudit(registry, ids[0], { atMs: 10, ok: true, outcome: { changed: [1, null] } });
  await endAudit(registry, ids[2], { atMs: 11, ok: false, outcome: undefined });
  const rows = [
    { auditId: ids[2], ...asked(3), request: null, ok: false, outcome: null, endedAtMs: 11 },
    { auditId: ids[1], ...asked(2), ok: null, outcome: null, endedAtMs: null },
    { auditId: ids[0], ...asked(1), ok: true, outcome: { changed: [1, null] }, endedAtMs: 10 },
  ];
  const again = await temporaryRegistry(directory);
  expect(await listAudit(again, { limit: 10 })).toEqual(rows);
  expect(await listAudit(again, { limit: 2 })).toEqual(rows.slice(0, 2));
  expect(await listAudit(again, { before: ids[1], limit: 2 })).toEqual(rows.slice(2));
  for (const auditId of [ids[0], 1_000]) {
    await expect(endAudit(registry, auditId, { atMs: 12, ok: false, outcome: 'later' })).rejects.toThrow(
      'ended before',
    );
  }
  expect(await listAudit(again, { limit: 10 })).toEqual(rows);
});

test('a page is bounded, however much is asked for', async () => {
  const registry = await temporaryRegistry();
  await registry.transaction(async (transaction) => {
    const row = { at_ms: 0, who: '', role: '', command: '', request: '1' };
    for (let count = 0; count <= auditPageRowsMax; count++) {
      await transaction.insertInto('audit').values(row).execute();
    }
  });
  const page = await listAudit(registry, { limit: Infinity });
  expect([page.length, page[0].auditId]).toEqual([auditPageRowsMax, auditPageRowsMax + 1]);
});
