import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { OperatorError } from '../../workers/errors.ts';
import type { RegistryChange } from '../../workers/ledger/changes.ts';
import { addReader, blockCard, issueCard, replaceCard, revokeReader, setPupil, unblockCard } from './commands.ts';
import { Directory, loadDirectory } from './directory.ts';
import type { FeedEntry } from './feed.ts';
import {
  goodKey,
  seededRandom,
  smallRegion,
  temporaryDirectory,
  temporaryRegistry,
  writeFiles,
} from './fixtures.suite.ts';
import { importDirectory } from './import.ts';
import { readRules, storeRules } from './rules.ts';
import type { Registry } from './store.ts';

const uids = ['AABBCCDD', '11111111', '22222222', '04112233445566', '0102030405060708090A'];

/** All that the gateway can see of a directory. */
function view(directory: Directory): unknown {
  const cards = [1, 2].flatMap((districtId) =>
    uids.map((uid) => {
      const row = directory.cards.find(districtId, Buffer.from(uid, 'hex'), 0, uid.length / 2);
      return row === -1 ? null : [directory.cards.cardId(row), directory.cards.pupilId(row)];
    }),
  );
  const readers = [...directory.readers.values()].sort((one, other) => one.readerId - other.readerId);
  const { rulesVersion } = directory;
  return { cards, readers, rulesVersion, keys: directory.cards.size, ambiguous: directory.cards.ambiguousKeys };
}

/** What a ledger knows of holders, schools and rules after these changes. */
function told(changes: readonly (RegistryChange | null)[]): unknown {
  const holders: Record<number, object> = {};
  const districts: Record<number, number> = {};
  let rules: object = { version: 1, document: {} };
  for (const change of changes) {
    if (change?.type === 'holder') {
      const { pupilId, schoolId, classId, active, entitled, shift } = change;
      holders[pupilId] = { schoolId, classId, active, entitled, shift };
    }
    if (change?.type === 'school') districts[change.schoolId] = change.districtId;
    if (change?.type === 'rules') rules = { version: change.version, document: change.document };
  }
  return { holders, districts, rules };
}

/** The same as the registry has it. */
async function stored(registry: Registry): Promise<unknown> {
  const pupils = await registry.db
    .selectFrom('pupil')
    .innerJoin('class', 'class.class_id', 'pupil.class_id')
    .select(['pupil_id', 'school_id as schoolId', 'class.class_id as classId', 'active', 'entitled', 'shift'])
    .execute();
  const holders = pupils.map(({ pupil_id, active, entitled, ...rest }) => {
    return [pupil_id, { ...rest, active: active === 1, entitled: entitled === 1 }];
  });
  const schools = await registry.db.selectFrom('school').selectAll().execute();
  const districts = schools.map((school) => [school.school_id, school.district_id]);
  return {
    holders: Object.fromEntries(holders) as object,
    districts: Object.fromEntries(districts) as object,
    rules: await readRules(registry.db),
  };
}

async function wholeFeed(registry: Registry): Promise<FeedEntry[]> {
  const all: FeedEntry[] = [];
  for (;;) {
    const entries = await registry.changesAfter(all.at(-1)?.change ?? 0, 100);
    if (entries.length === 0) return all;
    all.push(...entries);
  }
}

async function follow(registry: Registry, directory: Directory): Promise<void> {
  for (;;) {
    const entries = await registry.changesAfter(directory.appliedChange, 7);
    if (entries.length === 0) return;
    directory.follow(entries);
  }
}

async function randomCommand(registry: Registry, random: (below: number) => number): Promise<void> {
  const selector = { uid: uids[random(uids.length)], pupilId: random(3) === 0 ? undefined : 1 + random(4) };
  const readerId = 1 + random(3);
  switch (random(10)) {
    case 0:
      return void (await issueCard(registry, { uid: selector.uid, pupilId: 1 + random(4) }));
    case 1:
      return void (await blockCard(registry, selector));
    case 2:
      return void (await unblockCard(registry, selector));
    case 3:
      return void (await replaceCard(registry, selector, random(2) === 0 ? undefined : uids[random(uids.length)]));
    case 4:
      return void (await revokeReader(registry, readerId));
    case 5:
      return void (await setPupil(registry, 1 + random(4), { active: random(2) === 0, entitled: random(2) === 0 }));
    case 6: {
      const reader = { readerId, schoolId: 10 + random(2), kinds: 'gate-in', publicKey: goodKey(1 + random(2)) };
      return void (await addReader(registry, reader));
    }
    case 7: {
      const document = { region: { closed_weekdays: [1 + random(7)] } };
      return void (await registry.transaction((transaction) => storeRules(transaction, document, 0)));
    }
    default:
      return await randomImport(registry, random);
  }
}

/** Moves pupils and schools between districts, and makes UIDs collide. */
async function randomImport(registry: Registry, random: (below: number) => number): Promise<void> {
  const status = ['active', 'blocked', 'replaced'];
  const card = (pupilId: number): string => `${uids[random(uids.length)]},${pupilId},${status[random(3)]},`;
  await importDirectory(
    registry,
    writeFiles({
      'schools.csv': `school_id,district_id,name,tz\n11,${1 + random(2)},Eleven,Asia/Omsk\n`,
      'classes.csv': `class_id,school_id,name,shift\n110,${10 + random(2)},1B,${1 + random(3)}\n`,
      'pupils.csv': `pupil_id,class_id,last_name,first_name,entitled\n2,${[100, 110, 200][random(3)]},A,B,1\n`,
      'cards.csv': `card_uid,pupil_id,status,expires\n${card(1)}\n${card(2)}\n`,
    }),
  );
}

describe('the change feed', () => {
  test.each([1, 2, 3])(
    'tells all that the directory and the ledgers hold, after 150 random commands, seed %i',
    async (seed) => {
      const random = seededRandom(seed);
      const registry = await temporaryRegistry();
      await importDirectory(registry, writeFiles(smallRegion));
      const fromStart = new Directory();
      const joined = await loadDirectory(registry);
      for (let step = 0; step < 150; step++) {
        await randomCommand(registry, random).catch((error: unknown) => {
          if (!(error instanceof OperatorError) || error.exitStatus !== 1) throw error;
        });
        if (random(4) > 0) continue;
        await follow(registry, fromStart);
        await follow(registry, joined);
        const loaded = view(await loadDirectory(registry));
        expect(view(fromStart), `seed ${seed} step ${step}`).toEqual(loaded);
        expect(view(joined), `seed ${seed} step ${step}`).toEqual(loaded);
        const changes = (await wholeFeed(registry)).map(({ ledger }) => ledger);
        expect(told(changes), `seed ${seed} step ${step}`).toEqual(await stored(registry));
      }
    },
  );

  test('shows a revocation to whoever holds the reader, and takes a repeat without harm', async () => {
    const registry = await temporaryRegistry();
    await importDirectory(registry, writeFiles(smallRegion));
    const directory = await loadDirectory(registry);
    const reader = directory.readers.get(1000);
    await revokeReader(registry, 1000);
    const entries = await registry.changesAfter(directory.appliedChange, 10);
    directory.follow(entries);
    expect(reader?.revoked).toBe(true);
    const before = view(directory);
    directory.follow(await registry.changesAfter(0, 100));
    expect(view(directory)).toEqual(before);
    expect(directory.appliedChange).toBe(await registry.lastChange());
  });
});

test('a stretch of the feed holds one document of rules at most, as its last entry', async () => {
  const registry = await temporaryRegistry();
  for (const day of [1, 2, 2, 3]) {
    await registry.transaction((transaction) => storeRules(transaction, { region: { closed_weekdays: [day] } }, 0));
    await importDirectory(registry, writeFiles(smallRegion));
  }
  const stretches: (string | undefined)[][] = [];
  for (let change = 0; change < (await registry.lastChange());) {
    const entries = await registry.changesAfter(change, 100);
    stretches.push(entries.map(({ ledger, directory }) => ledger?.type ?? directory?.type));
    change = entries[entries.length - 1].change;
  }
  expect(
    stretches.map((types) => [types.length, types.at(-1), types.filter((type) => type === 'rules').length]),
  ).toEqual([
    [1, 'rules', 1],
    [17, 'rules', 1],
    [1, 'rules', 1],
  ]);
});

/** Opens the registry in a process of its own and adds readers `from` to `from + 19`, one transaction each. */
const addsReaders = `
  const [registryPath, commandsPath, directory, from] = process.argv.slice(1);
  const { openRegistry } = await import(registryPath);
  const { addReader } = await import(commandsPath);
  const registry = await openRegistry(directory);
  for (let id = Number(from); id < Number(from) + 20; id++) {
    await addReader(registry, { readerId: id, schoolId: 10, kinds: 'meal', publicKey: 'AB'.repeat(32) });
  }
  await registry.close();
`;

function startAdding(directory: string, from: number): Promise<unknown[]> {
  const paths = ['store.ts', 'commands.ts'].map((file) => join(import.meta.dirname, file));
  const flags = ['--no-warnings', '--input-type=module', '--eval', addsReaders];
  const child = spawn(process.execPath, [...flags, ...paths, directory, `${from}`], { stdio: 'inherit' });
  return once(child, 'exit');
}

describe('several processes', () => {
  test('write at once while one reads, and lose nothing', async () => {
    const directory = temporaryDirectory();
    const registry = await temporaryRegistry(directory);
    await importDirectory(registry, writeFiles(smallRegion));
    const following = await loadDirectory(registry);
    const exits = Promise.all([startAdding(directory, 1), startAdding(directory, 101)]);
    let done = false;
    void exits.then(() => (done = true));
    while (!done) {
      await follow(registry, following);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    expect((await exits).map(([code]) => code)).toEqual([0, 0]);
    await follow(registry, following);
    expect(following.readers.size).toBe(2 + 40);
    expect(view(following)).toEqual(view(await loadDirectory(registry)));
  });

  test('open a new registry at once', async () => {
    const directory = temporaryDirectory();
    const registries = await Promise.all(Array.from({ length: 4 }, () => temporaryRegistry(directory)));
    expect(await Promise.all(registries.map((registry) => registry.lastChange()))).toEqual([0, 0, 0, 0]);
  });
});
