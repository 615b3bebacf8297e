import { join } from 'node:path';
import { Oracle } from '../oracle/oracle.ts';
import { rulesOf } from '../oracle/rules.ts';
import { holidaysAround } from './calendar.ts';
import { commandsFor } from './commands.ts';
import { DayWriter } from './day.ts';
import { defaults } from './defaults.ts';
import { closeAll, LineFile, openImportFiles, writeJson, type ImportFiles } from './files.ts';
import { deterministicKey } from './keys.ts';
import { layOut } from './layout.ts';
import { regionRules } from './menu.ts';
import type { PlannedPurse, Pupil, RegionOptions, School } from './model.ts';
import { districtName } from './names.ts';
import { lessonEnd } from './pupil-day.ts';
import { buildSchool, kindsOf } from './school.ts';

/** `region.json`: what the directory holds. */
export interface RegionSummary {
  readonly seed: number;
  readonly size: string;
  readonly days: readonly string[];
  /** The zone in which times of day on the command line are meant. */
  readonly tz: string;
  readonly districts: number;
  readonly schools: number;
  readonly classes: number;
  readonly pupils: number;
  readonly readers: number;
  readonly taps: number;
}

/** Writes a region: the same options give the same bytes. One school is in memory at a time. */
export function generateRegion(
  options: RegionOptions,
  directory: string,
  progress: (line: string) => void = () => undefined,
): RegionSummary {
  const plans = layOut(options);
  const files = openImportFiles(directory);
  const bells = new LineFile(join(directory, 'bells.csv'));
  bells.row('school_id', 'shift', 'doors', 'first', 'last');
  const commands = new LineFile(join(directory, 'commands.ndjson'));
  const rules = regionRules(options, plans);
  writeJson(join(directory, 'rules.json'), rules);
  const days = options.days.map((day) => new DayWriter(directory, day));
  const holidays = holidaysAround(options.days);
  const keys: unknown[] = [];
  const counts = { districts: 0, classes: 0, pupils: 0, readers: 0 };
  let uids = new Set<string>();
  for (const [place, plan] of plans.entries()) {
    if (plan.districtId > counts.districts) {
      counts.districts = plan.districtId;
      uids = new Set();
      files.districts.row(plan.districtId, districtName(plan.districtId - 1));
      for (const day of holidays) files.calendar.row(plan.districtId, '', day, day, 'holiday');
    }
    const school = buildSchool(plan, { options, rules, uids, next: plans[place + 1] });
    writeSchool(files, bells, school);
    for (const pupil of school.pupilList) for (const command of commandsFor(pupil)) commands.json(command);
    keys.push(...writeReaders(files, school, options.seed));
    // Its pupils visit a school of the same district only.
    const oracle = new Oracle((schoolId) => rulesOf(rules, plan.districtId, schoolId));
    for (const [at, day] of days.entries()) {
      const on = options.days[at];
      for (const pupilId of day.write(school, oracle, options.seed)) files.absences.row(pupilId, on, on);
    }
    counts.classes += school.classes.length;
    counts.pupils += school.pupilList.length;
    counts.readers += school.readers.length;
    progress(`school ${plan.schoolId} of ${plans.length}`);
  }
  closeAll([...Object.values(files), bells, commands]);
  const taps = days.reduce((sum, day) => sum + day.close(), 0);
  writeJson(join(directory, 'reader-keys.json'), keys);
  const { seed, size } = options;
  const summary = { seed, size, days: options.days, tz: plans[0].timeZone, schools: plans.length, ...counts, taps };
  writeJson(join(directory, 'region.json'), summary);
  return summary;
}

function writeSchool(files: ImportFiles, bells: LineFile, school: School): void {
  files.schools.row(school.schoolId, school.districtId, school.name, school.timeZone);
  for (const shift of [1, 2] as const) {
    const grades = school.classes.filter((schoolClass) => schoolClass.shift === shift).map(({ grade }) => grade);
    if (grades.length === 0) continue;
    const first = school.bells[shift];
    const last = lessonEnd(first, defaults.lessonsByGrade[Math.max(...grades) - 1]);
    bells.row(school.schoolId, shift, ...[first - defaults.doorsBeforeBellMinutes, first, last].map(timeOfDay));
  }
  for (const { classId, name, shift } of school.classes) files.classes.row(classId, school.schoolId, name, shift);
  for (const pupil of school.pupilList) writePupil(files, school.schoolId, pupil);
}

function timeOfDay(minute: number): string {
  return `${String(Math.floor(minute / 60)).padStart(2, '0')}:${String(minute % 60).padStart(2, '0')}`;
}

function writePupil(files: ImportFiles, schoolId: number, pupil: Pupil): void {
  const { pupilId, schoolClass, lastName, firstName, entitled, uid, blocked, expires, purses } = pupil;
  files.pupils.row(pupilId, schoolClass.classId, lastName, firstName, entitled ? 1 : 0);
  files.cards.row(uid, pupilId, blocked ? 'blocked' : 'active', expires ?? '');
  for (const [purse, kop] of Object.entries(purses) as [PlannedPurse, number][]) {
    if (kop > 0) files.topups.row(pupilId, purse, kop, `opening-${pupilId}-${purse}`);
  }
  const { locker, reservation } = pupil;
  if (locker === null || reservation === null) return;
  const { fromMs, toMs } = reservation;
  files.lockers.row(pupilId, schoolId, locker, new Date(fromMs).toISOString(), new Date(toMs).toISOString());
}

/** Writes the public halves and gives the private ones back. */
function writeReaders(files: ImportFiles, school: School, seed: number): unknown[] {
  return school.readers.map(({ readerId, role, place }) => {
    const { publicKey, privateKey } = deterministicKey(readerId, 'region', seed);
    files.readers.row(readerId, school.schoolId, place, kindsOf(role), publicKey);
    return { reader_id: readerId, private_key: privateKey, public_key: publicKey };
  });
}
