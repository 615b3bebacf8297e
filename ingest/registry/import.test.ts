import { describe, expect, test } from 'vitest';
import { loadDirectory } from './directory.ts';
import { goodKey, smallRegion, temporaryRegistry, writeFiles, type Files } from './fixtures.suite.ts';
import { importDirectory } from './import.ts';
import { blockCard, revokeReader } from './commands.ts';
import type { FileReport } from './report.ts';
import type { Registry } from './store.ts';

async function importFiles(registry: Registry, files: Files): Promise<Map<string, FileReport>> {
  const { files: reports } = await importDirectory(registry, writeFiles(files));
  return new Map(reports.map((report) => [report.file, report]));
}

/** Everything stored, for comparison. */
async function dump(registry: Registry): Promise<string> {
  const tables = ['district', 'school', 'class', 'pupil', 'card', 'reader', 'change'] as const;
  const rows = await Promise.all(tables.map((table) => registry.db.selectFrom(table).selectAll().execute()));
  return JSON.stringify(rows);
}

describe('a good import', () => {
  test('stores every file and tells the feed all but the names', async () => {
    const registry = await temporaryRegistry();
    const report = await importDirectory(registry, writeFiles(smallRegion));
    expect(report.ok).toBe(true);
    expect(report.files.map(({ file, rows, added }) => [file, rows, added])).toEqual([
      ['districts.csv', 2, 2],
      ['schools.csv', 3, 3],
      ['classes.csv', 3, 3],
      ['pupils.csv', 4, 4],
      ['cards.csv', 4, 4],
      ['readers.csv', 2, 2],
    ]);
    const feed = await registry.changesAfter(0, 100);
    expect(feed.map((entry) => entry.change)).toEqual(Array.from({ length: 16 }, (_, index) => index + 1));
    expect(JSON.stringify(feed)).not.toMatch(/Secret|Ivan|Anna|Oleg|Ada/);
    expect(feed[6].ledger).toEqual({
      type: 'holder',
      change: 7,
      pupilId: 1,
      schoolId: 10,
      classId: 100,
      active: true,
      entitled: true,
      shift: 1,
    });
    expect(feed[10].ledger).toEqual({
      type: 'card',
      change: 11,
      cardId: 1,
      pupilId: 1,
      status: 'active',
      expiresDay: Date.UTC(2027, 4, 31) / 86_400_000,
    });
    const directory = await loadDirectory(registry);
    expect(directory.readers.get(4294967295)).toMatchObject({
      districtId: 2,
      schoolId: 20,
      timeZone: 'UTC',
      kindsMask: (1 << 3) | (1 << 4),
      revoked: false,
    });
    // The same UID in two districts is two cards.
    const uid = Buffer.from('AABBCCDD', 'hex');
    expect([1, 2].map((district) => directory.cards.pupilId(directory.cards.find(district, uid, 0, 4)))).toEqual([
      1, 4,
    ]);
  });

  test('again changes nothing and tells nobody', async () => {
    const registry = await temporaryRegistry();
    await importFiles(registry, smallRegion);
    const before = await dump(registry);
    const again = await importFiles(registry, smallRegion);
    expect([...again.values()].map(({ added, changed, refusedCount }) => [added, changed, refusedCount])).toEqual(
      Array.from({ length: 6 }, () => [0, 0, 0]),
    );
    expect(again.get('cards.csv')?.unchanged).toBe(4);
    expect(await dump(registry)).toBe(before);
  });

  test('reads a byte order mark, CRLF, blank lines, columns in another order and text over two lines', async () => {
    const registry = await temporaryRegistry();
    const report = await importFiles(registry, {
      'districts.csv': '\uFEFFname,district_id\r\n\r\n"North",1\r\n\r\n"a ""quoted"", name",2\r\n',
    });
    expect(report.get('districts.csv')).toMatchObject({ rows: 2, added: 2, refused: [] });
    expect(await registry.db.selectFrom('district').select('name').execute()).toContainEqual({
      name: 'a "quoted", name',
    });
  });

  test('leaves rows alone that it does not name, and never undoes a revocation', async () => {
    const registry = await temporaryRegistry();
    await importFiles(registry, smallRegion);
    await revokeReader(registry, 1000);
    const pupils = 'pupil_id,class_id,last_name,first_name,entitled\n1,110,Secretov,Ivan,0\n';
    const report = await importFiles(registry, { 'pupils.csv': pupils, 'readers.csv': smallRegion['readers.csv'] });
    expect(report.get('pupils.csv')).toMatchObject({ added: 0, changed: 1 });
    expect(await registry.db.selectFrom('pupil').select('pupil_id').execute()).toHaveLength(4);
    expect((await loadDirectory(registry)).readers.get(1000)?.revoked).toBe(true);
  });

  test('a new name is stored and not told; a card that is replaced makes room for the next in the same file', async () => {
    const registry = await temporaryRegistry();
    await importFiles(registry, smallRegion);
    const before = await registry.lastChange();
    const renamed = smallRegion['pupils.csv'].replace('Secretova', 'Secretskaya');
    expect((await importFiles(registry, { 'pupils.csv': renamed })).get('pupils.csv')).toMatchObject({ changed: 1 });
    expect(await registry.lastChange()).toBe(before);
    const cards = 'card_uid,pupil_id,status,expires\n11111111,1,active,\nAABBCCDD,1,replaced,2027-05-31\n';
    expect((await importFiles(registry, { 'cards.csv': cards })).get('cards.csv')).toMatchObject({
      added: 1,
      changed: 1,
      refusedCount: 0,
    });
  });

  test('takes the cards of pupils who come to another district along', async () => {
    const registry = await temporaryRegistry();
    await importFiles(registry, smallRegion);
    const following = await loadDirectory(registry);
    const moved = smallRegion['pupils.csv'].replace('2,100', '2,200');
    const schools = smallRegion['schools.csv'].replace('11,1', '11,2');
    await importFiles(registry, { 'pupils.csv': moved, 'schools.csv': schools });
    following.follow(await registry.changesAfter(following.appliedChange, 100));
    for (const directory of [following, await loadDirectory(registry)]) {
      const pupil2 = Buffer.from('04112233445566', 'hex');
      const pupil3 = Buffer.from('0102030405060708090A', 'hex');
      expect(directory.cards.find(1, pupil2, 0, 7)).toBe(-1);
      expect(directory.cards.pupilId(directory.cards.find(2, pupil2, 0, 7))).toBe(2);
      expect(directory.cards.find(1, pupil3, 0, 10)).toBe(-1);
      expect(directory.cards.pupilId(directory.cards.find(2, pupil3, 0, 10))).toBe(3);
    }
  });
});

describe('colliding UIDs', () => {
  const cards = 'card_uid,pupil_id,status,expires\nAABBCCDD,1,active,\nAABBCCDD,2,blocked,\n04112233445566,3,active,\n';

  test('are stored and reported, and serve nobody until one of them is replaced', async () => {
    const registry = await temporaryRegistry();
    const report = await importFiles(registry, { ...smallRegion, 'cards.csv': cards });
    expect(report.get('cards.csv')).toMatchObject({ added: 3, refusedCount: 0, collisionCount: 2 });
    expect(report.get('cards.csv')?.collisions).toMatchObject([
      { line: 2, uid: 'AABBCCDD', districtId: 1, pupilIds: [1, 2] },
      { line: 3, uid: 'AABBCCDD', districtId: 1, pupilIds: [1, 2] },
    ]);
    const directory = await loadDirectory(registry);
    const uid = Buffer.from('AABBCCDD', 'hex');
    expect(directory.cards.find(1, uid, 0, 4)).toBe(-1);
    await expect(blockCard(registry, { uid: 'AABBCCDD' })).rejects.toMatchObject({
      code: 'CARD_AMBIGUOUS',
      exitStatus: 1,
    });
    const replaced = cards.replace('2,blocked', '2,replaced');
    expect((await importFiles(registry, { 'cards.csv': replaced })).get('cards.csv')?.collisionCount).toBe(0);
    directory.follow(await registry.changesAfter(directory.appliedChange, 100));
    expect(directory.cards.pupilId(directory.cards.find(1, uid, 0, 4))).toBe(1);
  });
});

describe('what is wrong with a row', () => {
  const faults: [file: string, line: number, column: string | null, code: string, rows: string[]][] = [
    ['districts.csv', 2, 'district_id', 'ID', ['0,North']],
    ['districts.csv', 2, 'district_id', 'ID', ['4294967296,North']],
    ['districts.csv', 2, 'district_id', 'ID', ['-1,North']],
    ['districts.csv', 2, 'district_id', 'ID', ['1.0,North']],
    ['districts.csv', 2, 'name', 'TEXT', ['1,']],
    ['districts.csv', 4, 'district_id', 'DUPLICATE', ['1,North', '2,South', '1,North']],
    ['districts.csv', 3, null, 'FIELDS', ['1,North', '2,South,East']],
    ['districts.csv', 3, null, 'CSV', ['1,North', '2,So"uth']],
    ['districts.csv', 3, null, 'CSV', ['1,North', '2,"South', '3,West']],
    ['schools.csv', 2, 'district_id', 'REFERENCE', ['10,9,Ten,UTC']],
    ['schools.csv', 2, 'tz', 'ZONE', ['10,1,Ten,Mars/Olympus']],
    ['schools.csv', 2, 'tz', 'ZONE', ['10,1,Ten,europe/moscow']],
    ['schools.csv', 2, 'tz', 'ZONE', ['10,1,Ten,+03:00']],
    ['classes.csv', 2, 'school_id', 'REFERENCE', ['100,99,1A,1']],
    ['classes.csv', 2, 'shift', 'SHIFT', ['100,10,1A,4']],
    ['pupils.csv', 2, 'class_id', 'REFERENCE', ['1,999,Secretov,Ivan,0']],
    ['pupils.csv', 2, 'entitled', 'FLAG', ['1,100,Secretov,Ivan,maybe']],
    ['pupils.csv', 2, 'last_name', 'TEXT', ['1,100,Secr\u0007etov,Ivan,0']],
    ['cards.csv', 2, 'pupil_id', 'REFERENCE', ['AABBCCDD,9,active,']],
    ['cards.csv', 2, 'card_uid', 'UID', ['AABBCC,1,active,']],
    ['cards.csv', 2, 'card_uid', 'UID', ['AABBCCDG,1,active,']],
    ['cards.csv', 2, 'status', 'STATUS', ['AABBCCDD,1,lost,']],
    ['cards.csv', 2, 'expires', 'DATE', ['AABBCCDD,1,active,2027-02-29']],
    ['cards.csv', 2, 'expires', 'DATE', ['AABBCCDD,1,active,31.05.2027']],
    ['cards.csv', 2, 'expires', 'DATE', ['AABBCCDD,1,active,1970-01-01']],
    ['cards.csv', 3, 'card_uid', 'DUPLICATE', ['AABBCCDD,1,active,2027-05-31', 'aabbccdd,1,blocked,']],
    ['cards.csv', 3, 'status', 'CARD_SECOND', ['AABBCCDD,1,active,2027-05-31', '11111111,1,active,']],
    ['cards.csv', 2, 'status', 'CARD_SECOND', ['11111111,1,active,']],
    ['readers.csv', 2, 'school_id', 'REFERENCE', [`1,99,Gate,gate-in,${goodKey(1)}`]],
    ['readers.csv', 2, 'kinds', 'KINDS', [`1,10,Gate,gate-in teleport,${goodKey(1)}`]],
    ['readers.csv', 2, 'kinds', 'KINDS', [`1,10,Gate,,${goodKey(1)}`]],
    ['readers.csv', 2, 'public_key', 'PUBLIC_KEY', ['1,10,Gate,gate-in,ABCD']],
    ['readers.csv', 2, 'public_key', 'PUBLIC_KEY', [`1,10,Gate,gate-in,${'0'.repeat(64)}`]],
  ];

  test.each(faults)('%s line %d column %s: %s', async (file, line, column, code, rows) => {
    const registry = await temporaryRegistry();
    await importFiles(registry, smallRegion);
    const before = await dump(registry);
    const header = smallRegion[file].slice(0, smallRegion[file].indexOf('\n'));
    // A good row beside the bad one must not be stored either.
    const report = (await importFiles(registry, { [file]: [header, ...rows].join('\n') })).get(file);
    expect(report).toMatchObject({ added: 0, changed: 0, refusedCount: 1, refused: [{ line, column, code }] });
    expect(report?.refused[0].reason).not.toMatch(/Secret|Ivan/);
    expect(await dump(registry)).toBe(before);
  });

  test('headers that miss, repeat or invent a column are named with it; the other files are still imported', async () => {
    const registry = await temporaryRegistry();
    const { 'districts.csv': districts, 'schools.csv': schools } = smallRegion;
    const header = 'class_id,name,name,floor\n1,a,b,c\n';
    const report = await importFiles(registry, {
      'districts.csv': districts,
      'schools.csv': schools,
      'classes.csv': header,
      'pupils.csv': '',
    });
    expect(report.get('schools.csv')?.added).toBe(3);
    expect(report.get('classes.csv')?.refused.map(({ line, column, code }) => [line, column, code])).toEqual([
      [1, 'name', 'HEADER'],
      [1, '4', 'HEADER'],
      [1, 'school_id', 'HEADER'],
      [1, 'shift', 'HEADER'],
    ]);
    expect(report.get('pupils.csv')?.refused).toMatchObject([{ line: 1, column: null, code: 'HEADER' }]);
  });

  test('bytes that are not UTF-8 are found on their line', async () => {
    const registry = await temporaryRegistry();
    const text = Buffer.from('district_id,name\n1,North\n2,S\xfcd\n', 'latin1') as unknown as string;
    const report = await importFiles(registry, { 'districts.csv': text });
    expect(report.get('districts.csv')?.refused).toMatchObject([{ line: 3, code: 'ENCODING' }]);
  });

  test('the list of refused rows is bounded, their count is not', async () => {
    const registry = await temporaryRegistry();
    const rows = Array.from({ length: 1_500 }, (_, index) => `${index + 1},`);
    const report = await importFiles(registry, { 'districts.csv': `district_id,name\n${rows.join('\n')}\n` });
    expect(report.get('districts.csv')).toMatchObject({ rows: 1_500, refusedCount: 1_500 });
    expect(report.get('districts.csv')?.refused).toHaveLength(1_000);
  });

  test('a directory without any file is no import', async () => {
    const registry = await temporaryRegistry();
    await expect(importDirectory(registry, writeFiles({}))).rejects.toMatchObject({
      code: 'IMPORT_EMPTY',
      exitStatus: 2,
    });
  });
});
