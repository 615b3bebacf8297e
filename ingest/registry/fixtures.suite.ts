import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { openRegistry, type Registry } from './store.ts';

export type Files = Record<string, string>;

export const goodKey = (number: number): string => number.toString(16).padStart(64, 'A').toUpperCase();

/** Two districts, three schools, three classes, four pupils, four cards, two readers. */
export const smallRegion: Files = {
  'districts.csv': 'district_id,name\n1,North\n2,"South, ""lower"""\n',
  'schools.csv': 'school_id,district_id,name,tz\n10,1,Ten,Europe/Moscow\n11,1,Eleven,Asia/Irkutsk\n20,2,Twenty,UTC\n',
  'classes.csv': 'class_id,school_id,name,shift\n100,10,1A,1\n110,11,1B,2\n200,20,1C,3\n',
  'pupils.csv':
    'pupil_id,class_id,last_name,first_name,entitled\n1,100,Secretov,Ivan,1\n2,100,Secretova,Anna,no\n3,110,Secretenko,Oleg,0\n4,200,Secretyan,Ada,TRUE\n',
  'cards.csv':
    'card_uid,pupil_id,status,expires\nAABBCCDD,1,active,2027-05-31\n04112233445566,2,active,\n0102030405060708090A,3,blocked,\naabbccdd,4,active,2028-02-29\n',
  'readers.csv': `reader_id,school_id,place,kinds,public_key\n1000,10,Main gate,gate-in gate-out,${goodKey(1)}\n4294967295,20,Till,meal buffet,${goodKey(2)}\n`,
};

export function temporaryDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'tapline-registry-'));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

export function writeFiles(files: Files): string {
  const directory = join(temporaryDirectory(), 'import');
  mkdirSync(directory);
  for (const [name, text] of Object.entries(files)) writeFileSync(join(directory, name), text);
  return directory;
}

export async function temporaryRegistry(directory = temporaryDirectory()): Promise<Registry> {
  const registry = await openRegistry(directory);
  onTestFinished(() => registry.close());
  return registry;
}

/** Numbers in [0, below), the same for the same seed (mulberry32). */
export function seededRandom(seed: number): (below: number) => number {
  let state = seed >>> 0;
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * below);
  };
}
