import { describe, expect, test } from 'vitest';
import {
  addReader,
  blockCard,
  issueCard,
  listReaders,
  replaceCard,
  revokeReader,
  setPupil,
  unblockCard,
} from './commands.ts';
import { goodKey, smallRegion, temporaryRegistry, writeFiles } from './fixtures.suite.ts';
import { importDirectory } from './import.ts';
import type { Registry } from './store.ts';

async function smallRegistry(): Promise<Registry> {
  const registry = await temporaryRegistry();
  await importDirectory(registry, writeFiles(smallRegion));
  return registry;
}

describe('card commands', () => {
  test('issue, block, unblock, replace: each tells the feed once, and nothing when nothing changes', async () => {
    const registry = await smallRegistry();
    const start = await registry.lastChange();
    const mine = { uid: 'aabbccdd', pupilId: 1 };
    expect(await blockCard(registry, mine)).toMatchObject({ uid: 'AABBCCDD', status: 'blocked', change: start + 1 });
    expect(await blockCard(registry, mine)).toMatchObject({ status: 'blocked', change: null });
    expect(await unblockCard(registry, mine)).toMatchObject({ status: 'active', change: start + 2 });
    expect(await replaceCard(registry, mine, '11111111')).toMatchObject({
      replaced: { uid: 'AABBCCDD', status: 'replaced', change: start + 3 },
      issued: { uid: '11111111', status: 'active', expires: '2027-05-31', change: start + 4 },
    });
    expect(await replaceCard(registry, { uid: '11111111' })).toMatchObject({ issued: null });
    expect(await issueCard(registry, { uid: 'AABBCCDD', pupilId: 1 })).toMatchObject({ cardId: 1, change: start + 6 });
    expect(await registry.lastChange()).toBe(start + 6);
  });

  const refusals: [code: string, exitStatus: number, run: (registry: Registry) => Promise<unknown>][] = [
    ['CARD_UNKNOWN', 1, (registry) => blockCard(registry, { uid: '99999999' })],
    ['CARD_UNKNOWN', 1, (registry) => blockCard(registry, { uid: 'AABBCCDD', pupilId: 2 })],
    ['CARD_AMBIGUOUS', 1, (registry) => blockCard(registry, { uid: 'AABBCCDD' })],
    ['CARD_SECOND', 1, (registry) => issueCard(registry, { uid: '99999999', pupilId: 1 })],
    ['CARD_BLOCKED', 1, (registry) => issueCard(registry, { uid: '0102030405060708090A', pupilId: 3 })],
    ['UID_TAKEN', 1, (registry) => issueCard(registry, { uid: 'AABBCCDD', pupilId: 3 })],
    ['UID_TAKEN', 1, (registry) => replaceCard(registry, { uid: '04112233445566' }, 'AABBCCDD')],
    ['CARD_SAME', 1, (registry) => replaceCard(registry, { uid: '04112233445566' }, '04112233445566')],
    ['PUPIL_UNKNOWN', 1, (registry) => issueCard(registry, { uid: '99999999', pupilId: 9 })],
    ['PUPIL_UNKNOWN', 1, (registry) => setPupil(registry, 9, { active: false })],
    ['BAD_UID', 2, (registry) => blockCard(registry, { uid: 'AABB' })],
    ['BAD_DATE', 2, (registry) => issueCard(registry, { uid: '99999999', pupilId: 1, expires: 'soon' })],
    ['BAD_ID', 2, (registry) => issueCard(registry, { uid: '99999999', pupilId: 0 })],
    ['READER_UNKNOWN', 1, (registry) => revokeReader(registry, 7)],
    ['READER_EXISTS', 1, (registry) => addReader(registry, { ...reader, readerId: 1000 })],
    ['SCHOOL_UNKNOWN', 1, (registry) => addReader(registry, { ...reader, schoolId: 99 })],
    ['BAD_KINDS', 2, (registry) => addReader(registry, { ...reader, kinds: 'gate' })],
    ['BAD_PUBLIC_KEY', 2, (registry) => addReader(registry, { ...reader, publicKey: 'AB' })],
    ['BAD_ID', 2, (registry) => addReader(registry, { ...reader, readerId: 2 ** 32 })],
  ];
  const reader = { readerId: 5, schoolId: 10, kinds: 'gate-in,gate-out', publicKey: goodKey(9) };

  test.each(refusals)('refuse with %s (exit %i) and change nothing', async (code, exitStatus, run) => {
    const registry = await smallRegistry();
    const before = await registry.lastChange();
    await expect(run(registry)).rejects.toMatchObject({ code, exitStatus });
    expect(await registry.lastChange()).toBe(before);
    const cards = await registry.db.selectFrom('card').select('status').orderBy('card_id').execute();
    expect(cards.map(({ status }) => status)).toEqual(['active', 'active', 'blocked', 'active']);
  });
});

describe('pupil commands', () => {
  test('set what is named, keep the rest, and tell the feed once', async () => {
    const registry = await smallRegistry();
    const start = await registry.lastChange();
    const left = { pupilId: 3, active: false, entitled: false };
    expect(await setPupil(registry, 3, { active: false })).toEqual({ ...left, change: start + 1 });
    expect(await setPupil(registry, 3, { active: false })).toEqual({ ...left, change: null });
    expect(await setPupil(registry, 3, { entitled: true })).toMatchObject({ active: false, entitled: true });
    const told = (await registry.changesAfter(start, 10)).map(({ ledger }) => ledger);
    const holder = { type: 'holder', pupilId: 3, schoolId: 11, classId: 110, shift: 2 };
    expect(told).toEqual([
      { ...holder, change: start + 1, active: false, entitled: false },
      { ...holder, change: start + 2, active: false, entitled: true },
    ]);
    // A file does not bring anybody back, but states the entitlement.
    await importDirectory(registry, writeFiles(smallRegion));
    expect(await setPupil(registry, 3, {})).toEqual({ ...left, change: null });
  });
});

describe('reader commands', () => {
  test('enrol, change, revoke and enrol anew', async () => {
    const registry = await smallRegistry();
    const start = await registry.lastChange();
    const reader = { readerId: 5, schoolId: 10, kinds: 'gate-in,gate-out', publicKey: goodKey(9), place: 'Gate' };
    expect(await addReader(registry, reader)).toMatchObject({ kinds: ['gate-in', 'gate-out'], change: start + 1 });
    expect(await addReader(registry, reader)).toMatchObject({ change: null });
    const meal = await addReader(registry, { ...reader, kinds: ['meal'], place: '' });
    expect(meal).toMatchObject({ kinds: ['meal'], place: 'Gate', change: start + 2 });
    expect(await revokeReader(registry, 5)).toMatchObject({ revoked: true, change: start + 3 });
    expect(await revokeReader(registry, 5)).toMatchObject({ revoked: true, change: null });
    const anew = await addReader(registry, { ...reader, publicKey: goodKey(10) });
    expect(anew).toMatchObject({ publicKey: goodKey(10), revoked: false, change: start + 4 });
    expect((await listReaders(registry)).map(({ readerId }) => readerId)).toEqual([5, 1000, 4294967295]);
  });
});
