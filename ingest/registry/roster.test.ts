import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { loadDirectory } from './directory.ts';
import { temporaryRegistry, writeFiles } from './fixtures.suite.ts';
import { importDirectory } from './import.ts';

const roster = join(import.meta.dirname, '../../../shared/data/students.csv');
const present = existsSync(roster);

test.skipIf(!present)(
  `a real roster has two colliding UIDs${present ? '' : ' (skipped: no ../shared/data)'}`,
  async () => {
    const students = readFileSync(roster, 'utf8')
      .trim()
      .split(/\r?\n/)
      .slice(1)
      .map((line) => line.split(','));
    const classIds = [...new Set(students.map(([, classId]) => classId))];
    const file = (header: string, rows: string[]): string => [header, ...rows, ''].join('\n');
    const directory = writeFiles({
      'districts.csv': file('district_id,name', ['1,Campus']),
      'schools.csv': file('school_id,district_id,name,tz', ['1,1,Campus,Asia/Irkutsk']),
      'classes.csv': file(
        'class_id,school_id,name,shift',
        classIds.map((classId) => `${classId},1,${classId},1`),
      ),
      'pupils.csv': file(
        'pupil_id,class_id,last_name,first_name,entitled',
        students.map(([pupilId, classId]) => `${pupilId},${classId},,,0`),
      ),
      'cards.csv': file(
        'card_uid,pupil_id,status,expires',
        students.map(([pupilId, , uid]) => `${uid},${pupilId},active,`),
      ),
    });
    const registry = await temporaryRegistry();
    const report = await importDirectory(registry, directory);
    expect(report.files.map(({ refused }) => refused)).toEqual([[], [], [], [], []]);
    expect(new Set(report.files[4].collisions.map(({ uid }) => uid)).size).toBe(2);
    expect(report.files[4].collisionCount).toBe(4);
    const { cards } = await loadDirectory(registry);
    expect(cards.ambiguousKeys).toBe(2);
    expect(cards.size).toBe(students.length - 2);
  },
);
